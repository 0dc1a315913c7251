"""Discussion of a disagreement: messages, proposals, and escalation to an adjudicator."""

from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from sqlalchemy import Connection

from monitor.errors import NotFoundError, WorkflowError
from monitor.review.drafts import SeenDraft, check_seen
from monitor.review.items.permissions import are_compared
from monitor.review.items.states import Status, require
from monitor.review.items.steps import take_step
from monitor.review.items.verdicts import Judgement, check_judgement, normalise
from monitor.store.accounts.users import UserRow
from monitor.store.audit_log import SYSTEM
from monitor.store.review.assignments import REVIEW_ASSIGNMENTS
from monitor.store.review.discussions import (
    insert_message,
    items_disagreed_before,
    proposals_of_item,
    save_proposal,
)
from monitor.store.review.items import ItemRow, item_by_id, lock_items
from monitor.store.review.reviews import insert_gold, reviews_of
from monitor.store.review.slots import REVIEWS_PER_ITEM
from monitor.store.traffic.exchanges import exchange_by_id

#: After this time a disagreement goes to an adjudicator.
DISCUSSION_TIME = timedelta(days=3)


class DiscussionMessage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A message from one reviewer of an item to the other."""

    text: Annotated[str, msgspec.Meta(max_length=10_000)]


def write_message(
    connection: Connection, item_id: int, reviewer: UserRow, text: str, now: datetime
) -> None:
    """Write to the other reviewer of a disagreed item.

    Raises:
        NotFoundError: The user isn't one of the item's two reviewers.
        WorkflowError: The item isn't disagreed on, or the message is empty.
    """
    item = _lock_reviewed(connection, item_id, reviewer)
    require("discussed", item.status)
    if not text.strip():
        raise WorkflowError("the message is empty; write one first", code="empty")
    insert_message(connection, item_id, reviewer.id, text.strip(), now)
    take_step(connection, item, "discussed", "disagreed", by=reviewer.name, now=now)


def submit_proposal(
    connection: Connection,
    item_id: int,
    reviewer: UserRow,
    judgement: Judgement,
    now: datetime,
    *,
    seen: SeenDraft | None = None,
) -> str:
    """Store a reviewer's proposal and return the item's status: ``gold`` if both proposals agree.

    The two reviews don't change.

    Raises:
        NotFoundError: The user isn't one of the item's two reviewers.
        NewerDraftError: The page has not ``seen`` the newest draft.
        WorkflowError: The item isn't disagreed on, or the proposal is incomplete.
    """
    item = _lock_reviewed(connection, item_id, reviewer)
    require("proposed", item.status)
    check_seen(connection, REVIEW_ASSIGNMENTS, item_id, reviewer.id, seen)
    checked = check_judgement(judgement, exchange_by_id(connection, item.exchange_id).response)
    save_proposal(connection, item_id, reviewer.id, now, **msgspec.structs.asdict(checked))
    proposals = proposals_of_item(connection, item_id)
    outcomes = {
        (proposal.verdict, proposal.error_kind, normalise(proposal.corrected_response))
        for proposal in proposals
    }
    to: Status = "disagreed"
    if len(proposals) == REVIEWS_PER_ITEM and len(outcomes) == 1:
        to = "gold"
        answerable = {proposal.answerable for proposal in proposals}
        insert_gold(
            connection,
            item_id,
            item.revision,
            now,
            verdict=checked.verdict,
            response=checked.corrected_response,
            error_kind=checked.error_kind,
            answerable=checked.answerable if len(answerable) == 1 else "",
            resolution="discussed",
        )
    REVIEW_ASSIGNMENTS.clear_draft(connection, item_id, reviewer.id)
    details = {"verdict": checked.verdict}
    take_step(connection, item, "proposed", to, by=reviewer.name, now=now, details=details)
    return to


def request_adjudication(
    connection: Connection, item_id: int, reviewer: UserRow, now: datetime
) -> None:
    """End a discussion without agreement.

    Raises:
        NotFoundError: The user isn't one of the item's two reviewers.
        WorkflowError: The item isn't disagreed on.
    """
    item = _lock_reviewed(connection, item_id, reviewer)
    take_step(connection, item, "escalated", "adjudication", by=reviewer.name, now=now)


def escalate_stale(connection: Connection, now: datetime) -> list[int]:
    """Send disagreements past their discussion time to adjudication, and return their items.

    All are locked before the first entry into the audit log: a transaction that waits for the log
    must not hold an item that this one waits for. Items that are being resolved are skipped.
    """
    stale = lock_items(
        connection, items_disagreed_before(connection, now - DISCUSSION_TIME), status="disagreed"
    )
    for item in stale:
        take_step(connection, item, "escalated", "adjudication", by=SYSTEM, now=now)
    return [item.id for item in stale]


def _lock_reviewed(connection: Connection, item_id: int, reviewer: UserRow) -> ItemRow:
    """Lock an item with two compared reviews, one of which is the reviewer's."""
    item = item_by_id(connection, item_id, lock=True)
    reviews = reviews_of(connection, [item_id])
    is_own = any(row.reviewer_id == reviewer.id for row in reviews)
    if not is_own or not are_compared(item, reviews):
        raise NotFoundError(f"there is no item {item_id}")
    return item
