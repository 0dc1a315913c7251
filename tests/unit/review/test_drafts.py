"""Drafts that are newer than the one that a page has seen."""

from typing import Any

import pytest

from monitor.errors import NewerDraftError
from monitor.review.drafts import SeenDraft
from tests.support.refusals import refusal


def draft(edited_at: Any, tab: Any) -> dict[str, Any]:
    return {"comment": "text", "edited_at": edited_at, "tab": tab}


@pytest.mark.parametrize(
    ("base", "stored", "is_newer"),
    [
        (100, {}, False),
        (0, draft(1, "b"), True),
        (100, draft(100, "b"), False),  # what the page has read
        (100, draft(101, "b"), True),
        (100, draft(101, "a"), False),  # its own, whose response was lost
        (100, draft(99, "b"), False),
        (100, {"edited_at": 101}, True),  # of a withdrawn review
        (100, draft("9999", "b"), False),
        (100, draft(True, "b"), False),
        (100, draft(10**40, "b"), True),
        ("junk", draft(1, "b"), True),
        (True, draft(1, "b"), True),
        (10**40, draft(1, "b"), False),
    ],
)
def test_a_newer_draft_of_another_page_is_refused(
    base: Any, stored: dict[str, Any], is_newer: bool
) -> None:
    seen = SeenDraft.of_request({"tab": "a", "base": base})
    assert seen is not None
    if not is_newer:
        seen.check(stored)
        return
    with refusal("newer_draft", NewerDraftError) as refused:
        seen.check(stored)
    assert stored == refused.value.draft


def test_draft_of_a_program_replaces_without_a_seen_version() -> None:
    assert None is SeenDraft.of_request({"comment": "text", "edited_at": 1})
