"""Giving review items to named reviewers: a slot of each is kept for them until a time."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from monitor.errors import WorkflowError
from monitor.store.accounts.users import UserRow
from monitor.store.audit_log import append_entry
from monitor.store.review.assignments import (
    declined_items,
    give_item,
    given_of_items,
    take_back_items,
)
from monitor.store.review.items import ItemRow, lock_items
from monitor.store.review.reviews import reviews_of
from monitor.store.review.slots import REVIEWS_PER_ITEM

#: Days for which items are kept for those they are given to.
DEFAULT_DAYS = 7
MAX_DAYS = 90


@dataclass(frozen=True)
class Given:
    """The items that were given, and those that a reviewer can't get."""

    #: Items with at least one of the reviewers.
    n_items: int
    #: Items with both reviews, those that one of the reviewers has reviewed or declined, and those
    #: whose task type isn't theirs.
    n_unfit: int
    #: Reviewers for whom items were kept before, and no longer are.
    taken_from: tuple[str, ...] = ()


def give_items(
    connection: Connection,
    items: Sequence[ItemRow],
    reviewers: Sequence[UserRow],
    *,
    until: datetime,
    by: str,
    now: datetime,
) -> Given:
    """Keep the slots of queued items for some reviewers; nobody keeps those given before.

    An item still needs two different reviewers: where one is named, the other slot is free to all.
    After ``until``, or once a reviewer is deactivated or declines, theirs is free to all too.

    Raises:
        WorkflowError: No reviewer is named, one is no reviewer of a model, the time is over, or no
            item can be given.
    """
    _require_fit(items, reviewers, until, now)
    # An item whose draft is being saved is waited for.
    locked = lock_items(connection, [item.id for item in items], "queued", skip_locked=False)
    ids = [item.id for item in locked]
    before = given_of_items(connection, ids, now)
    take_back_items(connection, ids)
    done = {(row.item_id, row.reviewer_id) for row in reviews_of(connection, ids)}
    n_reviews = Counter(item_id for item_id, _ in done)
    item_ids: set[int] = set()
    unfit: set[int] = set()
    for reviewer in reviewers:
        declined = declined_items(connection, ids, reviewer.id)
        for item in locked:
            if (
                n_reviews[item.id] >= REVIEWS_PER_ITEM  # not settled yet
                or (item.id, reviewer.id) in done
                or item.id in declined
                or not reviewer.works_on(item.model, item.task_type)
            ):
                unfit.add(item.id)
            else:
                give_item(connection, item.id, reviewer.id, until)
                item_ids.add(item.id)
    if not item_ids:
        raise WorkflowError(
            "no item can be given: none of them is queued and unreviewed by these reviewers; "
            "name other items or reviewers",
            code="nothing_to_give",
        )
    details = {
        "to": [reviewer.name for reviewer in reviewers],
        "items": sorted(item_ids),
        "until": until.isoformat(),
    }
    append_entry(connection, now, by, "items_given", f"item:{min(item_ids)}", details)
    taken = before - given_of_items(connection, ids, now)
    return Given(len(item_ids), len(unfit), tuple(sorted({name for _, name in taken})))


def _require_fit(
    items: Sequence[ItemRow], reviewers: Sequence[UserRow], until: datetime, now: datetime
) -> None:
    if not reviewers:
        raise WorkflowError("no reviewer is named; name one or more", code="no_reviewer")
    if until <= now:
        raise WorkflowError(f"the time is over: {until:%Y-%m-%d}; name a later one", code="past")
    for reviewer in reviewers:
        if not reviewer.active:
            raise WorkflowError(
                f"{reviewer.name} is deactivated; name an active reviewer", code="inactive"
            )
        for model in sorted({item.model for item in items}):
            if reviewer.grants.on(model) is None:
                raise WorkflowError(
                    f"{reviewer.name} has no role on {model}; name one of its reviewers",
                    code="no_role",
                )
