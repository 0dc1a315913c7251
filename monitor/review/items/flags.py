"""Flags: an item that holds personal data, or is out of scope, waits for a lead's word."""

from datetime import datetime

from sqlalchemy import Connection

from monitor.errors import NotFoundError, WorkflowError
from monitor.review.items.adjudication import may_decide
from monitor.review.items.states import Status, require
from monitor.review.items.steps import take_step
from monitor.store.accounts.users import UserRow
from monitor.store.review.assignments import assignment_of
from monitor.store.review.items import item_by_id
from monitor.store.review.reviews import restore_gold, supersede_gold


def flag(connection: Connection, item_id: int, person: UserRow, now: datetime, reason: str) -> None:
    """Take an item out until a lead has looked at it: nobody is given it, and it isn't used.

    Raises:
        NotFoundError: The person neither works or worked on the item, nor decides it.
        WorkflowError: No reason is given, or the item is out already.
    """
    if not reason.strip():
        raise WorkflowError("say why the item should be taken out")
    item = item_by_id(connection, item_id, lock=True)
    worked = assignment_of(connection, item_id, person.id) is not None
    if not (worked or person.leads or may_decide(connection, item, person)):
        raise NotFoundError(f"there is no item {item_id}")
    require("flagged", item.status)
    supersede_gold(connection, item_id, now)
    take_step(
        connection,
        item,
        "flagged",
        "flagged",
        by=person.name,
        now=now,
        details={"reason": reason.strip()},
        excluded_reason=reason.strip(),
        status_before_flag=item.status,
    )


def confirm_flag(connection: Connection, item_id: int, lead: UserRow, now: datetime) -> None:
    """Exclude a flagged item for good.

    Raises:
        NotFoundError: The person is no lead.
        WorkflowError: The item isn't flagged.
    """
    _require_lead(lead, item_id)
    item = item_by_id(connection, item_id, lock=True)
    take_step(connection, item, "flag_confirmed", "excluded", by=lead.name, now=now)


def reject_flag(connection: Connection, item_id: int, lead: UserRow, now: datetime) -> Status:
    """Put a flagged item back where it was, and return its status.

    Raises:
        NotFoundError: The person is no lead.
        WorkflowError: The item isn't flagged.
    """
    _require_lead(lead, item_id)
    item = item_by_id(connection, item_id, lock=True)
    require("flag_rejected", item.status)
    to: Status = item.status_before_flag  # type: ignore[assignment]
    if to == "gold":
        restore_gold(connection, item_id)
    take_step(
        connection,
        item,
        "flag_rejected",
        to,
        by=lead.name,
        now=now,
        excluded_reason=None,
        status_before_flag=None,
    )
    return to


def _require_lead(person: UserRow, item_id: int) -> None:
    if not person.leads:
        raise NotFoundError(f"there is no item {item_id}")
