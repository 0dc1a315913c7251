"""Permissions on review items: who may decide, flag, settle a flag and reopen.

The permissions of roles outside review items are in :mod:`monitor.store.accounts.roles`.
"""

from sqlalchemy import Connection

from monitor.store.accounts.users import UserRow, task_types_of
from monitor.store.review.assignments import REVIEW_ASSIGNMENTS
from monitor.store.review.audits import has_open_audit
from monitor.store.review.items import ItemRow
from monitor.store.review.reviews import reviews_of


def may_decide(connection: Connection, item: ItemRow, user: UserRow) -> bool:
    """Return whether a user may adjudicate or audit an item that waits for it.

    An adjudicator, lead or admin may, for their own task types, who has not reviewed the item.
    """
    if not user.adjudicates:
        return False
    is_pending = item.status == "adjudication" or has_open_audit(connection, item.id)
    own_types = task_types_of(connection, user.id)
    if not is_pending or (own_types and item.task_type not in own_types):
        return False
    return all(row.reviewer_id != user.id for row in reviews_of(connection, [item.id]))


def may_flag(connection: Connection, item: ItemRow, user: UserRow) -> bool:
    """Return whether a user may flag an item: assigned to it, deciding it, or a lead."""
    is_assigned = REVIEW_ASSIGNMENTS.find(connection, item.id, user.id) is not None
    return is_assigned or user.leads or may_decide(connection, item, user)


def may_settle_flags(user: UserRow) -> bool:
    """Return whether a user may confirm or reject flags: leads and admins."""
    return user.leads


def may_reopen(user: UserRow) -> bool:
    """Return whether a user may reopen decided items: leads and admins."""
    return user.leads
