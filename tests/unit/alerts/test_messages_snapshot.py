"""Snapshots of Slack messages of incidents, as text."""

from datetime import timedelta

import pytest
from syrupy.assertion import SnapshotAssertion

from monitor.alerts.incident_states import Event
from monitor.alerts.messages.incident import (
    TITLES,
    EvaluationSummary,
    detail_blocks,
    incident_blocks,
)
from monitor.rendering.mrkdwn import render_text
from monitor.settings import Alerts
from tests.support.windows.assessment_cases import CASES, WEEK, with_findings
from tests.support.windows.assessments import make_assessment
from tests.support.windows.window_figures import make_windows

ALERTS = Alerts(public_url="https://drift.example/", runbook_url="https://wiki.example/run?a=1&b=2")

#: The event that each case causes in an incident.
EVENTS: dict[str, Event] = {
    "input_drift": "opened",
    "output_drift": "worsened",
    "output_shift": "worsened",
    "explained": "opened",
    "events": "opened",
    "grown_topic": "opened",
    "slow_drift": "continued",
    "below_threshold": "resolved",
    "no_drift": "resolved",
    "metric_fell": "opened",
    "responses_untested": "not_enough_data",
    "unread_texts": "not_enough_data",
    "not_enough_data": "not_enough_data",
}

LENGTH = timedelta(weeks=1)
OF_NO_CASE = sorted({*TITLES} - {*EVENTS.values()})
HISTORY = make_windows(WEEK[0] - 3 * LENGTH, *map(make_assessment, (0.0, 0.12, 0.2, 0.31)))


@pytest.mark.parametrize("case", CASES)
def test_incident_message_snapshot(case: str, snapshot: SnapshotAssertion) -> None:
    summary = EvaluationSummary(
        evaluation_id=12,
        window_start=WEEK[0],
        window_end=WEEK[1],
        assessment=with_findings(CASES[case]()),
        baseline="ab12cd34ef56, 2026-10-01 to 2026-10-20",
        notes=("Acknowledged by Ann.",) if case == "slow_drift" else (),
        since=(WEEK[0] - 2 * LENGTH, WEEK[0] - LENGTH) if case == "input_drift" else None,
        history=HISTORY if case == "input_drift" else (),
    )
    message = render_text(incident_blocks(summary, EVENTS[case], ALERTS))
    details = render_text(detail_blocks(summary, EVENTS[case]))
    assert f"{message}\n\n--- in the thread ---\n\n{details}" == snapshot


@pytest.mark.parametrize("event", OF_NO_CASE)
def test_snapshot_of_an_event_without_a_case(event: Event, snapshot: SnapshotAssertion) -> None:
    summary = EvaluationSummary(
        evaluation_id=12,
        window_start=WEEK[0],
        window_end=WEEK[1],
        assessment=with_findings(CASES["no_drift"]()),
        baseline="ab12cd34ef56, 2026-10-01 to 2026-10-20",
    )
    message = render_text(incident_blocks(summary, event, ALERTS))
    assert f"{message}\n\n{render_text(detail_blocks(summary, event))}" == snapshot
