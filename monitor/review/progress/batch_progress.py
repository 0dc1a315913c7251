"""The work on a batch, for who leads it: how far it is, at what pace, and what waits for whom.

Counts and times only, nothing of what is written. A lead who also reviews is blind here too: as
long as a peer may be at an item of theirs, what the peer does with it moves no figure.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

from sqlalchemy import Connection

from monitor.review.items.discussion import DISCUSSION_TIME
from monitor.store.accounts.users import UserRow, list_users
from monitor.store.review.audits import AuditCounts, count_audits
from monitor.store.review.items import BatchRow
from monitor.store.review.progress import (
    ItemState,
    Submission,
    active_assignments,
    item_states,
    items_shared_with,
    submissions_of_queue,
    submissions_since,
)
from monitor.store.review.slots import REVIEWS_PER_ITEM

#: In the order in which an item may come to them.
STATUSES = ("gold", "queued", "disagreed", "adjudication", "flagged", "excluded")
#: An item of these needs nobody any more.
SETTLED = ("gold", "excluded")

DAYS_SHOWN = 14
#: The pace is that of these days.
PACE_DAYS = 7
#: A longer time from one review to the next is a break.
BREAK = timedelta(minutes=30)
#: Of fewer times there is no usual one.
MIN_INTERVALS = 5


@dataclass(frozen=True)
class StatusCounts:
    """Items by status."""

    by_status: Mapping[str, int]

    @property
    def n(self) -> int:
        """Return how many items there are."""
        return sum(self.by_status.values())

    @property
    def n_settled(self) -> int:
        """Return how many need nobody any more."""
        return sum(self.by_status.get(one, 0) for one in SETTLED)


@dataclass(frozen=True)
class ReviewerPace:
    """How much somebody has reviewed lately."""

    name: str
    role: str
    #: Reviews of each of the last days, today's last.
    days: tuple[int, ...]
    #: Usual time from one review to the next, breaks left out; ``None`` where it isn't known.
    minutes: float | None
    #: Items on their desk now.
    n_open: int

    @property
    def n(self) -> int:
        """Return the reviews of these days."""
        return sum(self.days)


@dataclass(frozen=True)
class Disagreement:
    """An item under discussion."""

    item_id: int
    since: datetime
    #: When it goes to an adjudicator.
    until: datetime


@dataclass(frozen=True, kw_only=True)
class BatchProgress:
    """A batch at work."""

    batch: BatchRow
    counts: StatusCounts
    by_task_type: tuple[tuple[str, StatusCounts], ...]
    #: By name.
    people: tuple[ReviewerPace, ...]
    #: Reviews that the queue still needs.
    n_reviews_left: int
    #: Reviews a day lately, of all batches.
    pace: float
    #: When the queue is through at this pace; ``None`` where it is, or nobody reviews.
    done_at: datetime | None
    #: The oldest first.
    disagreements: tuple[Disagreement, ...]
    audits: AuditCounts


def batch_progress(
    connection: Connection, batch: BatchRow, viewer_id: int, now: datetime
) -> BatchProgress:
    """Return the work on a batch.

    Args:
        connection: Inside the caller's transaction.
        batch: The batch.
        viewer_id: Who looks at it.
        now: The time.
    """
    states = item_states(connection, batch.id)
    shared = items_shared_with(connection, viewer_id)

    def visible(reviewer_id: int, item_id: int) -> bool:
        return reviewer_id == viewer_id or item_id not in shared

    recent = [
        one
        for one in submissions_since(connection, now - timedelta(days=DAYS_SHOWN))
        if visible(one.reviewer_id, one.item_id)
    ]
    places = [one for one in active_assignments(connection, now) if visible(*one)]
    n_written = sum(
        visible(one.reviewer_id, one.item_id) for one in submissions_of_queue(connection, batch.id)
    )
    n_left = REVIEWS_PER_ITEM * sum(one.status == "queued" for one in states) - n_written
    pace = pace_of([one.at for one in recent], now)
    done_at = now + timedelta(days=n_left / pace) if n_left and pace else None
    return BatchProgress(
        batch=batch,
        counts=_count(states),
        by_task_type=tuple(
            (name, _count([one for one in states if one.task_type == name]))
            for name in sorted({one.task_type for one in states})
        ),
        people=_people(list_users(connection), recent, places, now),
        n_reviews_left=n_left,
        pace=pace,
        done_at=done_at,
        disagreements=_disagreements(states),
        audits=count_audits(connection, batch.model),
    )


def pace_of(times: Sequence[datetime], now: datetime) -> float:
    """Return reviews a day over the last week, or since the first of them; 0 where there is none.

    Args:
        times: When reviews were submitted.
        now: The time.
    """
    recent = [at for at in times if at > now - timedelta(days=PACE_DAYS)]
    if not recent:
        return 0.0
    days = (now - min(recent)) / timedelta(days=1)
    return len(recent) / max(days, 1.0)


def usual_minutes(times: Sequence[datetime]) -> float | None:
    """Return the median time from one review to the next, without breaks, in minutes.

    Args:
        times: Of one person, the earliest first.
    """
    apart = [later - earlier for earlier, later in pairwise(times)]
    worked = [one / timedelta(minutes=1) for one in apart if one < BREAK]
    return median(worked) if len(worked) >= MIN_INTERVALS else None


def _count(states: Sequence[ItemState]) -> StatusCounts:
    counted = Counter(one.status for one in states)
    return StatusCounts({status: counted[status] for status in STATUSES})


def _people(
    reviewers: Sequence[UserRow],
    submissions: Sequence[Submission],
    places: Sequence[tuple[int, int]],
    now: datetime,
) -> tuple[ReviewerPace, ...]:
    """Return who reviews; a lead or an admin only where they do."""
    first = now.date() - timedelta(days=DAYS_SHOWN - 1)
    people = []
    for person in reviewers:
        own = [one.at for one in submissions if one.reviewer_id == person.id]
        if not own and (person.leads or not person.active):
            continue
        by_day = Counter((at.date() - first).days for at in own)
        people.append(
            ReviewerPace(
                name=person.name,
                role=person.role,
                days=tuple(by_day[day] for day in range(DAYS_SHOWN)),
                minutes=usual_minutes(own),
                n_open=sum(reviewer_id == person.id for reviewer_id, _ in places),
            )
        )
    return tuple(sorted(people, key=lambda one: one.name))


def _disagreements(states: Sequence[ItemState]) -> tuple[Disagreement, ...]:
    found = [
        Disagreement(one.item_id, one.reviewed_at, one.reviewed_at + DISCUSSION_TIME)
        for one in states
        if one.status == "disagreed" and one.reviewed_at is not None
    ]
    return tuple(sorted(found, key=lambda one: one.since))
