"""Life cycle of a review item: consistency of its table, and its documentation."""

from pathlib import Path
from typing import get_args

import pytest

from monitor.review.items.states import (
    TRANSITIONS,
    Event,
    Status,
    require,
    require_target,
)
from scripts.state_tables import items_table
from tests.support.refusals import refusal

PAGE = Path(__file__).resolve().parents[3] / "docs" / "explanation" / "review-workflow.md"


def test_table_has_each_event_once_and_reaches_each_status() -> None:
    assert sorted(get_args(Event)) == sorted(row.event for row in TRANSITIONS)
    reached = {"queued"}
    while True:
        more = {
            target
            for row in TRANSITIONS
            for target in row.targets
            if reached & set(row.sources) and (row.event != "flag_rejected" or target in reached)
        }
        if more <= reached:
            break
        reached |= more
    assert reached == set(get_args(Status))


def test_table_ends_in_excluded_only() -> None:
    ends = set(get_args(Status)) - {source for row in TRANSITIONS for source in row.sources}
    assert ends == {"excluded"}


@pytest.mark.parametrize("event", get_args(Event))
@pytest.mark.parametrize("status", get_args(Status))
def test_require_unlisted_event_is_refused(event: Event, status: Status) -> None:
    (row,) = (row for row in TRANSITIONS if row.event == event)
    if status in row.sources:
        require(event, status)
    else:
        with refusal(status):
            require(event, status)
    if status in row.targets:
        require_target(event, status)
    else:
        with pytest.raises(AssertionError):
            require_target(event, status)


def test_documentation_shows_the_table() -> None:
    assert items_table() in PAGE.read_text(encoding="utf-8")
