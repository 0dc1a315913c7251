"""Decisions by a third user: adjudication, audit, and reopening by a lead."""

from datetime import datetime
from typing import Literal

from sqlalchemy import Connection

from monitor.errors import NotFoundError, WorkflowError
from monitor.review.drafts import SeenDraft, check_seen
from monitor.review.items.permissions import may_decide, may_reopen
from monitor.review.items.states import require
from monitor.review.items.steps import take_step
from monitor.review.items.verdicts import Judgement, check_judgement, differences
from monitor.store.accounts.users import UserRow
from monitor.store.review.assignments import REVIEW_ASSIGNMENTS
from monitor.store.review.audits import decide_audit, has_open_audit
from monitor.store.review.items import ItemRow, item_by_id
from monitor.store.review.reviews import gold_history, insert_gold, reviews_of, supersede_gold
from monitor.store.review.slots import REVIEWS_PER_ITEM
from monitor.store.traffic.exchanges import exchange_by_id


class Ruling(Judgement, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An adjudicator's judgement, with the cause of the disagreement."""

    cause: Literal["guidelines_gap", "reviewer_error", "ambiguous"]


def adjudicate(
    connection: Connection,
    item_id: int,
    user: UserRow,
    ruling: Ruling,
    now: datetime,
    *,
    seen: SeenDraft | None = None,
) -> None:
    """Decide an item as a user who has not reviewed it.

    Raises:
        NotFoundError: The user may not adjudicate, or reviewed the item.
        NewerDraftError: The page has not ``seen`` the newest draft.
        WorkflowError: The item isn't in adjudication, or the ruling is incomplete.
    """
    item = _lock_undecided(connection, item_id, user)
    require("adjudicated", item.status)
    if not may_decide(connection, item, user):
        raise NotFoundError(f"there is no item {item_id}")
    check_seen(connection, REVIEW_ASSIGNMENTS, item_id, user.id, seen)
    checked = check_judgement(ruling, exchange_by_id(connection, item.exchange_id).response)
    _write_gold(connection, item, checked, user, now, resolution="adjudicated", cause=checked.cause)
    REVIEW_ASSIGNMENTS.clear_draft(connection, item_id, user.id)
    details = {"verdict": checked.verdict, "cause": checked.cause}
    take_step(connection, item, "adjudicated", "gold", by=user.name, now=now, details=details)


def audit(
    connection: Connection,
    item_id: int,
    user: UserRow,
    judgement: Judgement,
    now: datetime,
    *,
    seen: SeenDraft | None = None,
) -> list[str]:
    """Judge an agreed item without seeing its reviews, and return the differences from its gold.

    If there are any, the auditor's judgement replaces the gold.

    Raises:
        NotFoundError: The user may not adjudicate, or reviewed the item.
        NewerDraftError: The page has not ``seen`` the newest draft.
        WorkflowError: No audit of the item is open, or the judgement is incomplete.
    """
    item = _lock_undecided(connection, item_id, user)
    require("audited", item.status)
    if not has_open_audit(connection, item_id):
        raise WorkflowError("no audit of this item is open", code="no_audit")
    if not may_decide(connection, item, user):
        raise NotFoundError(f"there is no item {item_id}")
    check_seen(connection, REVIEW_ASSIGNMENTS, item_id, user.id, seen)
    checked = check_judgement(judgement, exchange_by_id(connection, item.exchange_id).response)
    gold = gold_history(connection, item_id)[-1]
    changes = differences(
        (checked.verdict, checked.error_kind, checked.corrected_response),
        (gold.verdict, gold.error_kind, gold.response),
    )
    decide_audit(
        connection,
        item_id,
        item.revision,
        user.id,
        differences=changes,
        now=now,
        verdict=checked.verdict,
        error_kind=checked.error_kind,
        answerable=checked.answerable,
        corrected_response=checked.corrected_response,
        comment=checked.comment,
    )
    if changes:
        supersede_gold(connection, item_id, now)
        _write_gold(connection, item, checked, user, now, resolution="audited")
    REVIEW_ASSIGNMENTS.clear_draft(connection, item_id, user.id)
    details = {"verdict": checked.verdict, "differences": changes}
    take_step(connection, item, "audited", "gold", by=user.name, now=now, details=details)
    return changes


def reopen(connection: Connection, item_id: int, lead: UserRow, now: datetime, reason: str) -> int:
    """Send a gold item to adjudication again and return its new revision.

    The old gold stays stored as superseded.

    Raises:
        NotFoundError: The user is no lead of the model.
        WorkflowError: No reason is given, or the item isn't gold.
    """
    item = item_by_id(connection, item_id, lock=True)
    if not may_reopen(item, lead):
        raise NotFoundError(f"there is no item {item_id}")
    if not reason.strip():
        raise WorkflowError("give a reason for reopening the item", code="no_reason")
    require("reopened", item.status)
    supersede_gold(connection, item_id, now)
    take_step(
        connection,
        item,
        "reopened",
        "adjudication",
        by=lead.name,
        now=now,
        details={"reason": reason.strip(), "revision": item.revision + 1},
        revision=item.revision + 1,
        reopened_reason=reason.strip(),
    )
    return item.revision + 1


def _lock_undecided(connection: Connection, item_id: int, user: UserRow) -> ItemRow:
    """Lock an item with two submitted reviews, neither of which is the user's."""
    item = item_by_id(connection, item_id, lock=True)
    reviewers = {row.reviewer_id for row in reviews_of(connection, [item_id])}
    decides = user.is_adjudicator_of(item.model) and user.id not in reviewers
    if not decides or len(reviewers) < REVIEWS_PER_ITEM:
        raise NotFoundError(f"there is no item {item_id}")
    return item


def _write_gold(
    connection: Connection,
    item: ItemRow,
    judgement: Judgement,
    user: UserRow,
    now: datetime,
    *,
    resolution: str,
    cause: str = "",
) -> None:
    insert_gold(
        connection,
        item.id,
        item.revision,
        now,
        verdict=judgement.verdict,
        response=judgement.corrected_response,
        error_kind=judgement.error_kind,
        answerable=judgement.answerable,
        resolution=resolution,
        cause=cause,
        comment=judgement.comment,
        decided_by_id=user.id,
    )
