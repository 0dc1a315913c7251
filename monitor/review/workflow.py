"""Two independent, blind reviews: claim, draft, put off or decline, submit, flag.

Every function that changes an item locks its row first, so that whatever two reviewers do at once
happens one after the other. Until both have submitted, a reviewer learns nothing of the other.
"""

from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection

from monitor.errors import NotFoundError, WorkflowError
from monitor.review.verdicts import ReviewInput, check_judgement, reasons_to_disagree
from monitor.store.audit import append_entry
from monitor.store.exchanges import exchange_by_id
from monitor.store.leases import (
    REVIEWS_NEEDED,
    LeaseRow,
    change_lease,
    has_free_place,
    lease_of,
    live_item,
    lock_next_item,
    take_lease,
)
from monitor.store.review_items import ItemRow, item_by_id, set_item_status
from monitor.store.reviewers import ReviewerRow
from monitor.store.reviews import insert_gold, insert_review, reviews_of

__all__ = [
    "claim_next",
    "decline",
    "extend_lease",
    "flag",
    "save_draft",
    "submit_review",
    "unflag",
]

#: What a draft may weigh as JSON; the text of a response is cut long before.
MAX_DRAFT_CHARACTERS = 400_000


def claim_next(
    connection: Connection, reviewer_id: int, now: datetime, lease_minutes: float
) -> int | None:
    """Give a reviewer the next item: the one they are at, else one with a free place.

    Returns:
        The item's id, or ``None`` where nothing waits for this reviewer.
    """
    item_id = live_item(connection, reviewer_id, now)
    if item_id is None:
        item_id = lock_next_item(connection, reviewer_id, now)
    if item_id is not None:
        take_lease(connection, item_id, reviewer_id, now + timedelta(minutes=lease_minutes))
    return item_id


def extend_lease(
    connection: Connection, item_id: int, reviewer_id: int, now: datetime, lease_minutes: float
) -> datetime:
    """Keep the item for longer, or take it back if nobody has it now; return the new end.

    Raises:
        NotFoundError: The reviewer never had the item.
        WorkflowError: The place was given to somebody else.
    """
    _own_open_item(connection, item_id, reviewer_id, now)
    until = now + timedelta(minutes=lease_minutes)
    take_lease(connection, item_id, reviewer_id, until)
    return until


def save_draft(
    connection: Connection,
    item_id: int,
    reviewer_id: int,
    draft: dict[str, Any],
    *,
    now: datetime,
    lease_minutes: float,
) -> datetime:
    """Keep what was typed so far, and the item with it; return the lease's new end.

    Raises:
        NotFoundError: The reviewer never had the item.
        WorkflowError: The item is no longer theirs to review, or the draft is too large.
    """
    if sum(len(str(value)) for value in draft.values()) > MAX_DRAFT_CHARACTERS:
        raise WorkflowError("the draft is too long")
    until = extend_lease(connection, item_id, reviewer_id, now, lease_minutes)
    change_lease(connection, item_id, reviewer_id, draft=draft)
    return until


def decline(
    connection: Connection, item_id: int, reviewer: ReviewerRow, now: datetime, reason: str = ""
) -> None:
    """Put an item off, so that it comes back after all others; with a reason, for good.

    Raises:
        NotFoundError: The reviewer never had the item.
        WorkflowError: It has been reviewed already.
    """
    _own_open_item(connection, item_id, reviewer.id, now)
    if not reason.strip():
        change_lease(connection, item_id, reviewer.id, skipped_at=now)
        return
    change_lease(connection, item_id, reviewer.id, declined_reason=reason.strip())
    details = {"reason": reason.strip()}
    append_entry(connection, now, reviewer.name, "declined", f"item:{item_id}", details=details)


def submit_review(
    connection: Connection, item_id: int, reviewer: ReviewerRow, review: ReviewInput, now: datetime
) -> str:
    """Write a reviewer's verdict, which never changes, and return the item's status.

    The second one makes the item gold where both agree, and ``disagreed`` otherwise.

    Raises:
        NotFoundError: The reviewer never had the item.
        WorkflowError: The review is incomplete, or the item no longer theirs to review.
    """
    item = _own_open_item(connection, item_id, reviewer.id, now)
    response = exchange_by_id(connection, item.exchange_id).response
    checked = check_judgement(review, response)
    insert_review(connection, item_id, reviewer.id, now, **msgspec.structs.asdict(checked))
    status = _settle(connection, item_id, now)
    details = {"verdict": checked.verdict, "error_kind": checked.error_kind, "status": status}
    append_entry(connection, now, reviewer.name, "reviewed", f"item:{item_id}", details=details)
    return status


def flag(
    connection: Connection, item_id: int, reviewer: ReviewerRow, now: datetime, reason: str
) -> None:
    """Take an item out: it holds personal data, or is out of scope. A lead sees it and may undo it.

    Raises:
        NotFoundError: The reviewer never had the item.
        WorkflowError: No reason is given, or the item is gold already.
    """
    if not reason.strip():
        raise WorkflowError("say why the item should be taken out")
    item = item_by_id(connection, item_id, lock=True)
    if lease_of(connection, item_id, reviewer.id) is None:
        raise NotFoundError(f"there is no item {item_id}")
    if item.status in {"gold", "excluded"}:
        raise WorkflowError(f"the item is {item.status} already")
    set_item_status(connection, item_id, "excluded", excluded_reason=reason.strip())
    details = {"reason": reason.strip(), "from": item.status}
    append_entry(connection, now, reviewer.name, "flagged", f"item:{item_id}", details=details)


def unflag(connection: Connection, item_id: int, lead: ReviewerRow, now: datetime) -> str:
    """Put a flagged item back where its reviews say it belongs; return its status."""
    item = item_by_id(connection, item_id, lock=True)
    if item.status != "excluded":
        raise WorkflowError(f"the item is {item.status}, not excluded")
    set_item_status(connection, item_id, "queued")
    status = _settle(connection, item_id, now)
    details = {"status": status}
    append_entry(connection, now, lead.name, "unflagged", f"item:{item_id}", details=details)
    return status


def _own_open_item(
    connection: Connection, item_id: int, reviewer_id: int, now: datetime
) -> ItemRow:
    """Lock an item on which this reviewer is at work, or still may be."""
    item = item_by_id(connection, item_id, lock=True)
    lease: LeaseRow | None = lease_of(connection, item_id, reviewer_id)
    if lease is None or lease.declined_reason is not None:
        raise NotFoundError(f"there is no item {item_id}")
    if any(row.reviewer_id == reviewer_id for row in reviews_of(connection, [item_id])):
        raise WorkflowError("you have submitted this review; it can't change any more")
    if item.status != "queued" or (
        not lease.is_live(now) and not has_free_place(connection, item_id, reviewer_id, now)
    ):
        raise WorkflowError("your reservation has ended and others have taken the item")
    return item


def _settle(connection: Connection, item_id: int, now: datetime) -> str:
    reviews = reviews_of(connection, [item_id])
    if len(reviews) < REVIEWS_NEEDED:
        return "queued"
    first, second = reviews[:REVIEWS_NEEDED]
    if reasons_to_disagree(first, second):
        set_item_status(connection, item_id, "disagreed")
        return "disagreed"
    kinds = {first.error_kind, second.error_kind}
    insert_gold(
        connection,
        item_id,
        now,
        verdict=first.verdict,
        response=first.corrected_response,
        error_kind=first.error_kind if len(kinds) == 1 else "other",
        answerable=first.answerable if first.answerable == second.answerable else "",
        resolution="agreed",
    )
    set_item_status(connection, item_id, "gold")
    return "gold"
