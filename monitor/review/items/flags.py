"""Flags on items with personal data or out of scope, which a lead confirms or rejects."""

from datetime import datetime

from sqlalchemy import Connection

from monitor.errors import NotFoundError, WorkflowError
from monitor.review.items.permissions import may_flag, may_settle_flag
from monitor.review.items.states import Status, require
from monitor.review.items.steps import take_step
from monitor.store.accounts.users import UserRow
from monitor.store.review.items import ItemRow, item_by_id
from monitor.store.review.reviews import restore_gold, supersede_gold


def flag(connection: Connection, item_id: int, user: UserRow, now: datetime, reason: str) -> None:
    """Flag an item: until a lead confirms or rejects the flag, nobody is assigned or uses it.

    Raises:
        NotFoundError: The user has no assignment of the item, may not decide it, and is no lead.
        WorkflowError: No reason is given, or the item is already flagged or excluded.
    """
    if not reason.strip():
        raise WorkflowError("give a reason for flagging the item", code="no_reason")
    item = item_by_id(connection, item_id, lock=True)
    if not may_flag(connection, item, user):
        raise NotFoundError(f"there is no item {item_id}")
    require("flagged", item.status)
    supersede_gold(connection, item_id, now)
    take_step(
        connection,
        item,
        "flagged",
        "flagged",
        by=user.name,
        now=now,
        details={"reason": reason.strip()},
        excluded_reason=reason.strip(),
        status_before_flag=item.status,
    )


def confirm_flag(connection: Connection, item_id: int, lead: UserRow, now: datetime) -> None:
    """Exclude a flagged item for good.

    Raises:
        NotFoundError: The user is no lead of the model.
        WorkflowError: The item isn't flagged.
    """
    item = _lock_as_lead(connection, item_id, lead)
    take_step(connection, item, "flag_confirmed", "excluded", by=lead.name, now=now)


def reject_flag(connection: Connection, item_id: int, lead: UserRow, now: datetime) -> Status:
    """Return a flagged item to its earlier status, and return that status.

    Raises:
        NotFoundError: The user is no lead of the model.
        WorkflowError: The item isn't flagged.
    """
    item = _lock_as_lead(connection, item_id, lead)
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


def _lock_as_lead(connection: Connection, item_id: int, user: UserRow) -> ItemRow:
    item = item_by_id(connection, item_id, lock=True)
    if not may_settle_flag(item, user):
        raise NotFoundError(f"there is no item {item_id}")
    return item
