"""Comparison of two reviews, after the time in which the second one can be undone."""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from monitor.review.items.consensus import reach_consensus
from monitor.review.items.steps import take_step
from monitor.store.audit_log import SYSTEM
from monitor.store.review.items import lock_items
from monitor.store.review.slots import items_reviewed_before

#: Until then neither reviewer learns anything of the other's review, and each may change their own.
UNDO_TIME = timedelta(minutes=2)


def settle_reviewed(
    connection: Connection, now: datetime, *, audit_share: float = 0.0
) -> list[int]:
    """Compare the reviews that can't be undone any more, and return their items.

    All are locked before the first entry into the audit log, as in
    :func:`monitor.review.items.discussion.escalate_stale`.
    """
    due = lock_items(connection, items_reviewed_before(connection, now - UNDO_TIME), "queued")
    for item in due:
        to = reach_consensus(connection, item, now, audit_share)
        if to != "queued":  # withdrawn before it was locked
            take_step(connection, item, "settled", to, by=SYSTEM, now=now, complete_since=None)
    return [item.id for item in due]
