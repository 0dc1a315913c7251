"""Worklist of a user: items to review, discuss, adjudicate, audit and confirm."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from monitor.review.items.discussion import escalate_stale
from monitor.review.progress.batch_progress import median_minutes
from monitor.store.accounts.roles import Permission
from monitor.store.accounts.users import UserRow
from monitor.store.review.assignments import current_item_of
from monitor.store.review.audits import items_to_audit
from monitor.store.review.items import items_with_status
from monitor.store.review.queue import (
    Claimer,
    count_batch,
    count_claimable_items,
    next_batch,
)
from monitor.store.review.reviews import (
    items_to_adjudicate,
    items_to_discuss,
    submission_times,
)

#: Newest reviews of a user whose times give the usual time.
TIMED_REVIEWS = 100


@dataclass(frozen=True, kw_only=True)
class Worklist:
    """A user's items by task, the oldest first."""

    #: The item that the user works on.
    at_work: int | None
    #: Number of items that the user can claim, that at work included.
    available: int
    #: The batch of the item at work, or of the next one.
    batch_id: int | None
    #: Number of items of this batch that the user has reviewed.
    n_reviewed: int
    #: Number of items of this batch that the user can claim, that at work included.
    n_left: int
    #: Median time of the user's own reviews, in minutes; ``None``: too few reviews.
    minutes: float | None
    to_discuss: list[int]
    to_adjudicate: list[int]
    to_audit: list[int]
    #: Flagged items, for a lead to confirm or reject.
    flagged_items: list[int]

    @property
    def n_other(self) -> int:
        """Return the number of items that wait for another step of the user than a review."""
        steps = (self.to_discuss, self.to_adjudicate, self.to_audit, self.flagged_items)
        return sum(len(items) for items in steps)

    @property
    def place(self) -> int:
        """Return the place of the item at work in its batch: those reviewed come first."""
        return self.n_reviewed + 1

    @property
    def n(self) -> int:
        """Return the number of the user's items of the batch, reviewed or not."""
        return self.n_reviewed + self.n_left

    def next_to_settle(self, after: int) -> int | None:
        """Return the item to decide or discuss after another one; ``None``: there is no other."""
        items = [*self.to_adjudicate, *self.to_audit, *self.to_discuss]
        place = items.index(after) + 1 if after in items else 0
        rest = (item for item in (*items[place:], *items[:place]) if item != after)
        return next(rest, None)


def worklist_of(
    connection: Connection,
    user: UserRow,
    now: datetime,
    model: str | None = None,
    *,
    batch_id: int | None = None,
) -> Worklist:
    """Return a user's worklist, of one model or of all, after escalating old discussions.

    With the batch of an item that is shown, nothing is escalated, no item at work is looked for,
    and the number of available items is that of the batch: all take several times as long to count.
    """
    claimer = Claimer(user.id, user.grants.portions(Permission.REVIEW, model))
    decided = user.grants.portions(Permission.ADJUDICATE, model)
    led = user.led_models if model is None else user.led_models.narrow(model)
    at_work = available = None
    if batch_id is None:
        escalate_stale(connection, now)
        at_work = current_item_of(connection, claimer, now)
        available = count_claimable_items(connection, claimer, now)
        batch_id = next_batch(connection, claimer, now) if at_work is None else at_work[1]
    n_reviewed = n_left = 0
    if batch_id is not None:
        n_reviewed, n_left = count_batch(connection, claimer, now, batch_id)
    return Worklist(
        at_work=None if at_work is None else at_work[0],
        batch_id=batch_id,
        n_reviewed=n_reviewed,
        n_left=n_left,
        available=n_left if available is None else available,
        minutes=median_minutes(submission_times(connection, user.id, TIMED_REVIEWS)),
        to_discuss=items_to_discuss(connection, user.id, user.grants.readable_portions(model)),
        to_adjudicate=items_to_adjudicate(connection, user.id, decided) if decided else [],
        to_audit=items_to_audit(connection, user.id, decided) if decided else [],
        flagged_items=(
            [item.id for item in items_with_status(connection, "flagged", led)] if led else []
        ),
    )
