"""Every event of a rollout in every status, against the statuses that the issue allows."""

import itertools
from typing import get_args

import pytest

from retrain.rollout.states import ENDED, OPEN, TRANSITIONS, Event, Status, target_of
from tests.support.refusals import refusal

#: Written out, not derived: status before -> events with the status after.
ALLOWED: dict[str | None, dict[str, str]] = {
    None: {"started": "running"},
    "running": {
        "confirmed": "running", "advanced": "running", "held": "holding", "paused": "paused",
        "took_over": "holdback", "completed": "completed", "reverted": "reverted",
    },
    "holding": {
        "confirmed": "holding", "advanced": "running", "continued": "running", "asked": "holding",
        "paused": "paused", "took_over": "holdback", "completed": "completed",
        "reverted": "reverted",
    },
    "paused": {
        "confirmed": "paused", "resumed": "running", "completed": "completed",
        "reverted": "reverted",
    },
    "holdback": {
        "confirmed": "holdback", "asked": "holdback", "completed": "completed",
        "reverted": "reverted",
    },
    "completed": {},
    "reverted": {},
}  # fmt: skip


@pytest.mark.parametrize(
    ("status", "event"), list(itertools.product((None, *get_args(Status)), get_args(Event)))
)
def test_event_in_status_is_allowed_or_refused(status: str | None, event: Event) -> None:
    target = ALLOWED[status].get(event)
    if target is None:
        with refusal("no_rollout" if status is None else "rollout_transition"):
            target_of(event, status)
    else:
        assert target_of(event, status) == target


def test_each_event_has_one_row() -> None:
    assert sorted(t.event for t in TRANSITIONS) == sorted(get_args(Event))
    assert {*OPEN, *ENDED} == {*get_args(Status)}


def test_revert_is_allowed_in_every_open_status() -> None:
    (revert,) = (row for row in TRANSITIONS if row.event == "reverted")
    assert revert.sources == OPEN
