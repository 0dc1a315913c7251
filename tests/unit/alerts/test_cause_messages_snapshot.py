"""Snapshots of the Slack message of each cause, opened and resolved."""

from datetime import UTC, datetime

import pytest
from syrupy.assertion import SnapshotAssertion

from monitor.alerts.causes import CAUSES
from monitor.alerts.incident_states import Event
from monitor.alerts.messages.condition import condition_blocks
from monitor.rendering.mrkdwn import render_text
from monitor.settings import Alerts
from monitor.store.alerts.incidents import IncidentRow

ALERTS = Alerts(public_url="https://drift.example/")
EVENTS: tuple[Event, ...] = ("opened", "reopened", "resolved", "unwatched")


def incident(cause: str) -> IncidentRow:
    known = CAUSES[cause]
    return IncidentRow(
        id=7, model="" if known.of_daemon else "desk", cause=cause, level=known.level,
        status="open", version=1, summary="What is wrong.", fingerprint=frozenset(), severity=0.0,
        opening_evaluation_id=None, last_evaluation_id=None, opening_look_id=None,
        last_look_id=None, quiet_windows=0, clear_since=None,
        opened_at=datetime(2026, 11, 2, 9, tzinfo=UTC), snoozed_until=None, resolved_at=None,
        acknowledged_by=None,
    )  # fmt: skip


@pytest.mark.parametrize("cause", [*CAUSES, "zq_future"])
def test_message_of_a_cause_snapshot(cause: str, snapshot: SnapshotAssertion) -> None:
    messages = [
        render_text(condition_blocks(incident(cause), event, (), ALERTS))
        for event in (EVENTS if cause == "no_traffic" else EVENTS[:1])
    ]
    assert "\n---\n".join(messages) == snapshot
