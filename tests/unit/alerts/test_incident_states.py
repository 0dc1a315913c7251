"""Transitions of incidents: the table, the steps it allows, and its documentation."""

from pathlib import Path

import pytest

from monitor.alerts.incident_states import TRANSITIONS, target_of
from monitor.errors import WorkflowError
from scripts.state_tables import transitions_table

PAGE = Path(__file__).parents[3] / "docs" / "explanation" / "incidents.md"
STATUSES = (None, "open", "acknowledged", "snoozed", "resolved", "closed")


def test_table_allows_exactly_its_own_transitions() -> None:
    for transition in TRANSITIONS:
        allowed = transition.sources or (None,)
        for status in STATUSES:
            if status in allowed:
                assert target_of(transition.event, status) == (transition.target or status)
            else:
                with pytest.raises(WorkflowError, match=transition.event):
                    target_of(transition.event, status)


def test_resolved_incident_is_reopened_or_noted_only() -> None:
    after = {t.event for t in TRANSITIONS if {"resolved", "closed"} & set(t.sources)}
    assert after == {"reopened", "noted"}
    closed = {t.event for t in TRANSITIONS if "closed" in t.sources}
    assert closed == {"noted"}


def test_documentation_shows_the_table() -> None:
    assert transitions_table(TRANSITIONS) in PAGE.read_text(encoding="utf-8")
