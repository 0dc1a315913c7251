"""One step of an item: checked against the table, written, and entered into the audit log."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from monitor.review.items.states import Event, Status, require, require_target, transition
from monitor.store.audit_log import append_entry
from monitor.store.review.items import ItemRow, update_item

#: Who did what the clock did.
SYSTEM = "driftwarden"


def take_step(
    connection: Connection,
    item: ItemRow,
    event: Event,
    to: Status,
    *,
    by: str,
    now: datetime,
    details: dict[str, Any] | None = None,
    **changes: Any,
) -> None:
    """Move a locked item on. Call it last: the entry makes other writers wait.

    Args:
        connection: The transaction that holds the item's row.
        item: The item as it was read under the lock.
        event: What happened.
        to: The status that follows.
        by: The person's name.
        now: The time.
        details: What the audit log says of it, beside the two statuses.
        changes: Other columns of the item to write.

    Raises:
        WorkflowError: The event may not happen to an item of this status.
    """
    require(event, item.status)
    require_target(event, to)
    if to != item.status or changes:
        update_item(connection, item.id, status=to, **changes)
    if transition(event).logged:
        entry = {"from": item.status, "to": to, **(details or {})}
        append_entry(connection, now, by, event, f"item:{item.id}", entry)
