"""Transition of an item: checked against the table, written, and entered into the audit log."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from monitor.review.items.states import Event, Status, require, require_target, transition_of
from monitor.store.audit_log import append_entry
from monitor.store.review.items import ItemRow, update_item


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
    """Apply a transition to a locked item. Call it last: the audit entry blocks other writers.

    The transaction holds the item's row, under whose lock the item was read. The details are facts
    for the audit log, besides the two statuses.

    Raises:
        WorkflowError: The event isn't allowed in the item's status.
    """
    require(event, item.status)
    require_target(event, to)
    if to != item.status or changes:
        update_item(connection, item.id, status=to, **changes)
    if transition_of(event).logged:
        entry = {"from": item.status, "to": to, **(details or {})}
        append_entry(connection, now, by, event, f"item:{item.id}", entry)
