"""A third person decides: what two couldn't settle, what is audited, what a lead reopens."""

from datetime import datetime
from typing import Literal

from sqlalchemy import Connection

from monitor.errors import NotFoundError, WorkflowError
from monitor.review.items.states import require
from monitor.review.items.steps import take_step
from monitor.review.items.verdicts import Judgement, check_judgement, differences
from monitor.store.accounts.users import UserRow, task_types_of
from monitor.store.review.assignments import clear_draft
from monitor.store.review.audits import decide_audit, has_open_audit
from monitor.store.review.items import ItemRow, item_by_id
from monitor.store.review.reviews import gold_history, insert_gold, reviews_of, supersede_gold
from monitor.store.review.slots import REVIEWS_PER_ITEM
from monitor.store.traffic.exchanges import exchange_by_id


class Ruling(Judgement, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An adjudicator's decision, with why one was needed."""

    cause: Literal["guidelines_gap", "reviewer_error", "ambiguous"]


def may_decide(connection: Connection, item: ItemRow, person: UserRow) -> bool:
    """Return whether a person may decide an item that waits for it: by adjudication or audit.

    Somebody whose role it is, of whose task types the item is, and who reviewed neither.
    """
    if not person.adjudicates:
        return False
    waits = item.status == "adjudication" or has_open_audit(connection, item.id)
    own_types = task_types_of(connection, person.id)
    if not waits or (own_types and item.task_type not in own_types):
        return False
    return all(row.reviewer_id != person.id for row in reviews_of(connection, [item.id]))


def adjudicate(
    connection: Connection, item_id: int, person: UserRow, ruling: Ruling, now: datetime
) -> None:
    """Decide an item as somebody who reviewed it neither first nor second.

    Raises:
        NotFoundError: The person may not adjudicate, or reviewed the item.
        WorkflowError: The item isn't in adjudication, or the ruling doesn't hold together.
    """
    item = _lock_undecided(connection, item_id, person)
    require("adjudicated", item.status)
    if not may_decide(connection, item, person):
        raise NotFoundError(f"there is no item {item_id}")
    checked = check_judgement(ruling, exchange_by_id(connection, item.exchange_id).response)
    _write_gold(
        connection, item, checked, person, now, resolution="adjudicated", cause=checked.cause
    )
    clear_draft(connection, item_id, person.id)
    details = {"verdict": checked.verdict, "cause": checked.cause}
    take_step(connection, item, "adjudicated", "gold", by=person.name, now=now, details=details)


def audit(
    connection: Connection, item_id: int, person: UserRow, judgement: Judgement, now: datetime
) -> list[str]:
    """Judge an agreed item without having seen its votes; return what differs from its gold.

    Where something does, the auditor's judgement takes the gold's place.

    Raises:
        NotFoundError: The person may not adjudicate, or reviewed the item.
        WorkflowError: The item doesn't wait for an audit, or the judgement doesn't hold together.
    """
    item = _lock_undecided(connection, item_id, person)
    require("audited", item.status)
    if not has_open_audit(connection, item_id):
        raise WorkflowError("the item doesn't wait for an audit")
    if not may_decide(connection, item, person):
        raise NotFoundError(f"there is no item {item_id}")
    checked = check_judgement(judgement, exchange_by_id(connection, item.exchange_id).response)
    gold = gold_history(connection, item_id)[-1]
    found = differences(
        (checked.verdict, checked.error_kind, checked.corrected_response),
        (gold.verdict, gold.error_kind, gold.response),
    )
    decide_audit(
        connection,
        item_id,
        item.revision,
        person.id,
        differences=found,
        now=now,
        verdict=checked.verdict,
        error_kind=checked.error_kind,
        answerable=checked.answerable,
        corrected_response=checked.corrected_response,
        comment=checked.comment,
    )
    if found:
        supersede_gold(connection, item_id, now)
        _write_gold(connection, item, checked, person, now, resolution="audited")
    clear_draft(connection, item_id, person.id)
    details = {"verdict": checked.verdict, "differences": found}
    take_step(connection, item, "audited", "gold", by=person.name, now=now, details=details)
    return found


def reopen(connection: Connection, item_id: int, lead: UserRow, now: datetime, reason: str) -> int:
    """Have a decided item decided anew, and return its new revision; the old gold is kept.

    Raises:
        NotFoundError: The person is no lead.
        WorkflowError: No reason is given, or the item isn't gold.
    """
    if not lead.leads:
        raise NotFoundError(f"there is no item {item_id}")
    if not reason.strip():
        raise WorkflowError("say why the item should be decided anew")
    item = item_by_id(connection, item_id, lock=True)
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


def _lock_undecided(connection: Connection, item_id: int, person: UserRow) -> ItemRow:
    """Lock an item whose state this person may know: both reviews are in, and none is theirs."""
    item = item_by_id(connection, item_id, lock=True)
    reviewers = {row.reviewer_id for row in reviews_of(connection, [item_id])}
    if not person.adjudicates or person.id in reviewers or len(reviewers) < REVIEWS_PER_ITEM:
        raise NotFoundError(f"there is no item {item_id}")
    return item


def _write_gold(
    connection: Connection,
    item: ItemRow,
    judgement: Judgement,
    person: UserRow,
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
        decided_by_id=person.id,
    )
