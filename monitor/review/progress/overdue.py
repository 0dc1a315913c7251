"""When a review queue is overdue: nobody works on it, or most of a batch is left too long."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.store.alerts.condition_facts import QueueState

UNTOUCHED_AFTER = timedelta(days=3)
#: Time in which most items of a batch are to be reviewed.
BATCH_DUE_AFTER = timedelta(days=7)
#: Batches that are older don't count.
BATCH_MAX_AGE = timedelta(days=35)


@dataclass(frozen=True)
class OverdueQueue:
    """The queue of a model that is overdue in one way, or in both."""

    n_open: int
    #: Since when nobody has worked on it; ``None``: somebody did lately.
    untouched_since: datetime | None
    #: Creation of the oldest batch of which most items are open; ``None``: it is not due yet.
    unreviewed_since: datetime | None

    @property
    def since(self) -> datetime:
        """Return since when it waits, at the latest."""
        return min(at for at in (self.untouched_since, self.unreviewed_since) if at is not None)


def find_overdue(state: QueueState, now: datetime) -> OverdueQueue | None:
    """Return in which ways a queue is overdue; ``None``: in none."""
    untouched = state.touched_at if now - state.touched_at > UNTOUCHED_AFTER else None
    unreviewed = state.oldest_at
    if unreviewed is not None and now - unreviewed <= BATCH_DUE_AFTER:
        unreviewed = None
    if untouched is None and unreviewed is None:
        return None
    return OverdueQueue(state.n_open, untouched, unreviewed)
