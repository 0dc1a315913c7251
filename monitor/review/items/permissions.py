"""Permissions on review items: who may decide, flag, settle a flag and reopen, and see reviews.

Which role may review, adjudicate or lead at all is in :mod:`monitor.store.accounts.roles`.
"""

from collections.abc import Sequence

from sqlalchemy import Connection

from monitor.store.accounts.users import UserRow
from monitor.store.review.assignments import REVIEW_ASSIGNMENTS
from monitor.store.review.audits import has_open_audit
from monitor.store.review.items import ItemRow
from monitor.store.review.reviews import ReviewRow, reviews_of
from monitor.store.review.slots import REVIEWS_PER_ITEM


def are_compared(item: ItemRow, reviews: Sequence[ReviewRow]) -> bool:
    """Return whether an item's reviews are compared, before which nobody sees another's.

    Those that can still be undone are not, a flag in between or not.
    """
    statuses = {item.status, item.status_before_flag}
    return len(reviews) >= REVIEWS_PER_ITEM and "queued" not in statuses


def may_decide(
    connection: Connection,
    item: ItemRow,
    user: UserRow,
    reviews: Sequence[ReviewRow] | None = None,
) -> bool:
    """Return whether a user may adjudicate or audit an item that waits for it.

    An adjudicator or lead of the model, or an admin, may, for their own task types, who has not
    reviewed the item. Its ``reviews`` are read unless they are given.
    """
    is_pending = item.status == "adjudication" or (
        item.status == "gold" and has_open_audit(connection, item.id)
    )
    if not is_pending:
        return False
    rows = reviews_of(connection, [item.id]) if reviews is None else reviews
    return may_be_asked(item, user, rows)


def may_be_asked(item: ItemRow, user: UserRow, reviews: Sequence[ReviewRow]) -> bool:
    """Return whether a user may decide an item where its reviewers don't agree in the end.

    The discussion is hidden from such a user: names and arguments would anchor the ruling.
    """
    if not user.is_adjudicator_of(item.model) or not user.works_on(item.model, item.task_type):
        return False
    return all(row.reviewer_id != user.id for row in reviews)


def may_flag(connection: Connection, item: ItemRow, user: UserRow) -> bool:
    """Return whether a user may flag an item of their own models and task types.

    They have claimed it, decide it, or lead the model; an item given to them they claim first.
    """
    if not user.grants.reads_texts_of(item.model, item.task_type):
        return False
    assignment = REVIEW_ASSIGNMENTS.find(connection, item.id, user.id)
    has_claimed = assignment is not None and assignment.was_claimed
    return has_claimed or user.is_lead_of(item.model) or may_decide(connection, item, user)


def may_settle_flag(item: ItemRow, user: UserRow) -> bool:
    """Return whether a user may confirm or reject a flag: a lead of the model, or an admin."""
    return user.is_lead_of(item.model)


def may_reopen(item: ItemRow, user: UserRow) -> bool:
    """Return whether a user may reopen a decided item: a lead of the model, or an admin."""
    return user.is_lead_of(item.model)
