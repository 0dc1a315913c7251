"""The table of the review workflow: it holds together, and the documentation shows it."""

from pathlib import Path
from typing import get_args

import pytest

from monitor.errors import WorkflowError
from monitor.review.items.states import (
    TRANSITIONS,
    Event,
    Status,
    as_markdown,
    require,
    require_target,
)

PAGE = Path(__file__).resolve().parents[3] / "docs" / "explanation" / "review-workflow.md"


def test_each_event_has_one_row_and_each_status_is_reached() -> None:
    assert sorted(get_args(Event)) == sorted(one.event for one in TRANSITIONS)
    reached = {"queued"}
    while True:
        more = {
            target
            for one in TRANSITIONS
            for target in one.targets
            if reached & set(one.sources) and (one.event != "flag_rejected" or target in reached)
        }
        if more <= reached:
            break
        reached |= more
    assert reached == set(get_args(Status))


def test_only_an_excluded_item_is_at_the_end() -> None:
    ends = set(get_args(Status)) - {source for one in TRANSITIONS for source in one.sources}
    assert ends == {"excluded"}


@pytest.mark.parametrize("event", get_args(Event))
@pytest.mark.parametrize("status", get_args(Status))
def test_what_the_table_does_not_have_is_refused(event: Event, status: Status) -> None:
    (row,) = (one for one in TRANSITIONS if one.event == event)
    if status in row.sources:
        require(event, status)
    else:
        with pytest.raises(WorkflowError, match="that can't be done: the item"):
            require(event, status)
    if status in row.targets:
        require_target(event, status)
    else:
        with pytest.raises(AssertionError):
            require_target(event, status)


def test_the_documentation_shows_the_table() -> None:
    assert as_markdown() in PAGE.read_text(encoding="utf-8")
