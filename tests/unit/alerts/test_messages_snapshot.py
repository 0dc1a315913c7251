"""Snapshots of the details of a window in the thread of its incident, as text."""

from datetime import timedelta

import pytest
from syrupy.assertion import SnapshotAssertion

from monitor.alerts.messages.incident import EvaluationSummary, detail_blocks
from monitor.rendering.mrkdwn import render_text
from monitor.settings import Alerts
from tests.support.windows.assessment_cases import CASES, WEEK, with_findings
from tests.support.windows.assessments import make_assessment
from tests.support.windows.window_figures import make_windows

ALERTS = Alerts(public_url="https://drift.example/", runbook_url="https://wiki.example/run?a=1&b=2")

LENGTH = timedelta(weeks=1)
HISTORY = make_windows(WEEK[0] - 3 * LENGTH, *map(make_assessment, (0.0, 0.12, 0.2, 0.31)))


@pytest.mark.parametrize("case", CASES)
def test_details_of_a_window_snapshot(case: str, snapshot: SnapshotAssertion) -> None:
    summary = EvaluationSummary(
        evaluation_id=12,
        window_start=WEEK[0],
        window_end=WEEK[1],
        assessment=with_findings(CASES[case]()),
        baseline="ab12cd34ef56, 2026-10-01 to 2026-10-20",
        history=HISTORY if case == "input_drift" else (),
    )
    assert render_text(detail_blocks(summary, "opened", ALERTS)) == snapshot
