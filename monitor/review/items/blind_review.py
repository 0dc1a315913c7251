"""Two independent, blind reviews: claim, draft, put off or decline, submit, withdraw.

Every function that changes an item locks its row first, so that whatever two reviewers do at once
happens one after the other. Until both have submitted, a reviewer learns nothing of the other.
"""

from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection

from monitor.errors import NotFoundError, WorkflowError
from monitor.review.items.adjudication import may_decide
from monitor.review.items.consensus import reach_consensus
from monitor.review.items.steps import take_step
from monitor.review.items.verdicts import SCORES, ReviewInput, check_judgement
from monitor.store.accounts.users import UserRow, task_types_of
from monitor.store.review.assignments import (
    assignment_of,
    claim_slot,
    clear_draft,
    current_item_of,
    store_draft,
    update_assignment,
)
from monitor.store.review.items import ItemRow, item_by_id
from monitor.store.review.queue import Claimer, lock_next_review_item
from monitor.store.review.reviews import delete_review, insert_review, reviews_of
from monitor.store.review.slots import REVIEWS_PER_ITEM
from monitor.store.traffic.exchanges import exchange_by_id

__all__ = [
    "claim_next",
    "claimer_of",
    "decline",
    "extend_lease",
    "save_draft",
    "submit_review",
    "withdraw_review",
]

#: What a draft may weigh as JSON; the text of a response is cut long before.
MAX_DRAFT_CHARACTERS = 400_000
#: Items that others may take, one after the other, between their being seen and locked.
CLAIM_ATTEMPTS = 100


def claimer_of(connection: Connection, reviewer_id: int) -> Claimer:
    """Return a person as the queue needs to know them."""
    return Claimer(reviewer_id, task_types_of(connection, reviewer_id))


def claim_next(
    connection: Connection, reviewer_id: int, now: datetime, lease: timedelta
) -> int | None:
    """Give a reviewer the next item: the one they are at, else one with a free place.

    Returns:
        The item's id, or ``None`` where nothing waits for this reviewer.
    """
    until = now + lease
    at_work = current_item_of(connection, reviewer_id, now)
    if at_work is not None:
        item_by_id(connection, at_work, lock=True)
        if claim_slot(connection, at_work, reviewer_id, now=now, until=until):
            return at_work
    claimer = claimer_of(connection, reviewer_id)
    for _ in range(CLAIM_ATTEMPTS):
        item_id = lock_next_review_item(connection, claimer, now)
        # Its last place may have gone between the moment it was seen and the moment it was locked.
        if item_id is None or claim_slot(connection, item_id, reviewer_id, now=now, until=until):
            return item_id
    return None


def extend_lease(
    connection: Connection, item_id: int, reviewer_id: int, now: datetime, lease: timedelta
) -> datetime:
    """Keep the item for longer, or take it back if nobody has it now; return the new end.

    Raises:
        NotFoundError: The reviewer never had the item.
        WorkflowError: The place was given to somebody else.
    """
    until = now + lease
    _renew_lease(connection, item_id, reviewer_id, now, until)
    return until


def save_draft(
    connection: Connection,
    item_id: int,
    person: UserRow,
    draft: dict[str, Any],
    *,
    now: datetime,
    lease: timedelta,
) -> datetime:
    """Keep what somebody has typed so far, and the item with it; return the lease's new end.

    Of a review, of a proposal in a discussion, of a ruling, or of an audit.

    Raises:
        NotFoundError: The item isn't theirs to work on.
        WorkflowError: The item is no longer theirs to review, or the draft is too large.
    """
    if sum(len(str(value)) for value in draft.values()) > MAX_DRAFT_CHARACTERS:
        raise WorkflowError("the draft is too long")
    until = now + lease
    item = item_by_id(connection, item_id, lock=True)
    if not may_decide(connection, item, person) and not _is_in_discussion(connection, item, person):
        _renew_lease(connection, item_id, person.id, now, until)
    store_draft(connection, item_id, person.id, draft, until)
    return until


def decline(
    connection: Connection, item_id: int, reviewer: UserRow, now: datetime, reason: str = ""
) -> None:
    """Put an item off, so that it comes back after all others; with a reason, for good.

    Raises:
        NotFoundError: The reviewer never had the item.
        WorkflowError: It has been reviewed already.
    """
    item = _renew_lease(connection, item_id, reviewer.id, now, now)
    reason = reason.strip()
    if not reason:
        update_assignment(connection, item_id, reviewer.id, skipped_at=now)
        take_step(connection, item, "released", "queued", by=reviewer.name, now=now)
        return
    update_assignment(connection, item_id, reviewer.id, declined_reason=reason)
    details = {"reason": reason}
    take_step(connection, item, "declined", "queued", by=reviewer.name, now=now, details=details)


def submit_review(
    connection: Connection,
    item_id: int,
    reviewer: UserRow,
    review: ReviewInput,
    now: datetime,
    *,
    audit_share: float = 0.0,
) -> str:
    """Write a reviewer's verdict and return the item's status.

    The second one makes the item gold where both agree, and ``disagreed`` otherwise. From then on
    neither of them changes.

    Args:
        connection: Inside the caller's transaction.
        item_id: The item.
        reviewer: Who submits.
        review: What they say.
        now: The time.
        audit_share: Probability with which an agreement is drawn for an audit.

    Raises:
        NotFoundError: The reviewer never had the item.
        WorkflowError: The review is incomplete, or the item no longer theirs to review.
    """
    item = _renew_lease(connection, item_id, reviewer.id, now, now)
    response = exchange_by_id(connection, item.exchange_id).response
    checked = check_judgement(review, response)
    insert_review(connection, item_id, reviewer.id, now, **msgspec.structs.asdict(checked))
    clear_draft(connection, item_id, reviewer.id)
    to = reach_consensus(connection, item, now, audit_share)
    details = {"verdict": checked.verdict, "error_kind": checked.error_kind}
    take_step(connection, item, "reviewed", to, by=reviewer.name, now=now, details=details)
    return to


def withdraw_review(
    connection: Connection,
    item_id: int,
    reviewer: UserRow,
    *,
    now: datetime,
    lease: timedelta,
) -> None:
    """Take one's own review back, as a draft, as long as the other's isn't in.

    Raises:
        NotFoundError: The person hasn't reviewed the item.
        WorkflowError: It can't be taken back any more.
    """
    item = item_by_id(connection, item_id, lock=True)
    reviews = reviews_of(connection, [item_id])
    own = next((row for row in reviews if row.reviewer_id == reviewer.id), None)
    if own is None:
        raise NotFoundError(f"there is no item {item_id}")
    if item.status != "queued" or len(reviews) >= REVIEWS_PER_ITEM:
        raise WorkflowError("the review can't be taken back any more")
    delete_review(connection, item_id, reviewer.id)
    fields = ("verdict", "error_kind", "answerable", *SCORES, "comment")
    draft = {name: str(getattr(own, name)) for name in fields}
    if own.verdict != "accept":
        draft["corrected_response"] = own.corrected_response
    until = now + lease
    update_assignment(
        connection, item_id, reviewer.id, draft=draft, expires_at=until, skipped_at=None
    )
    take_step(connection, item, "withdrawn", "queued", by=reviewer.name, now=now)


def _is_in_discussion(connection: Connection, item: ItemRow, person: UserRow) -> bool:
    return item.status == "disagreed" and any(
        row.reviewer_id == person.id for row in reviews_of(connection, [item.id])
    )


def _renew_lease(
    connection: Connection, item_id: int, reviewer_id: int, now: datetime, until: datetime
) -> ItemRow:
    """Lock an item on which this reviewer is at work, and keep, or take back, their place on it."""
    item = item_by_id(connection, item_id, lock=True)
    lease = assignment_of(connection, item_id, reviewer_id)
    if lease is None or lease.declined_reason is not None:
        raise NotFoundError(f"there is no item {item_id}")
    if any(row.reviewer_id == reviewer_id for row in reviews_of(connection, [item_id])):
        raise WorkflowError("you have submitted this review: take it back first, while you can")
    if item.status in {"flagged", "excluded"}:
        raise WorkflowError("the item was taken out; there is nothing more to do here")
    if item.status != "queued" or not claim_slot(
        connection, item_id, reviewer_id, now=now, until=until
    ):
        raise WorkflowError("your reservation has ended and others have taken the item")
    return item
