"""Progress of a batch for leads: counts, pace, and pending discussions.

Counts and times only, no texts. A lead who also reviews stays blind: while a peer may be working on
one of the lead's items, the peer's work on it changes no figure.
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
from monitor.store.review.draws import count_reused
from monitor.store.review.items import BatchRow
from monitor.store.review.progress import (
    ItemState,
    Submission,
    active_assignments,
    count_cut,
    item_states,
    items_shared_with,
    submissions_of_queue,
    submissions_since,
)
from monitor.store.review.slots import REVIEWS_PER_ITEM

#: In the order in which an item may reach them.
STATUSES = ("gold", "queued", "disagreed", "adjudication", "flagged", "excluded")

DAYS_SHOWN = 14
#: Days over which the pace is measured.
PACE_DAYS = 7
#: A longer time between two reviews is a break.
BREAK = timedelta(minutes=30)
#: Fewest times between reviews for a median.
MIN_INTERVALS = 5


@dataclass(frozen=True)
class StatusCounts:
    """Items by status."""

    by_status: Mapping[str, int]

    @property
    def n_all(self) -> int:
        """Return the number of items, excluded ones included."""
        return sum(self.by_status.values())

    @property
    def n_excluded(self) -> int:
        """Return the number of items that a lead has excluded."""
        return self.by_status.get("excluded", 0)

    @property
    def n(self) -> int:
        """Return the number of items that are to be settled."""
        return self.n_all - self.n_excluded

    @property
    def n_settled(self) -> int:
        """Return the number of items with gold."""
        return self.by_status.get("gold", 0)


@dataclass(frozen=True)
class ReviewerPace:
    """A reviewer's recent reviews."""

    name: str
    role: str
    #: Reviews on each of the last days, today last.
    days: tuple[int, ...]
    #: Median time between two reviews without breaks; ``None`` if unknown.
    minutes: float | None
    #: Items that the reviewer works on now.
    n_open: int

    @property
    def n(self) -> int:
        """Return the number of reviews on these days."""
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
    """Progress of a batch."""

    batch: BatchRow
    counts: StatusCounts
    #: Drawn texts that are items of other batches, whose verdicts count for this one, too.
    n_reused: int
    #: Items whose text was cut when it was stored: reviewed and counted, never exported.
    n_cut: int
    by_task_type: tuple[tuple[str, StatusCounts], ...]
    #: By name.
    reviewers: tuple[ReviewerPace, ...]
    #: Reviews that the queued items still need.
    n_reviews_left: int
    #: Recent reviews per day, of all batches of the model.
    pace: float
    #: When the queue is empty at this pace; ``None`` if it is empty, or nobody reviews.
    done_at: datetime | None
    #: The oldest first.
    disagreements: tuple[Disagreement, ...]
    audits: AuditCounts


def batch_progress(
    connection: Connection, batch: BatchRow, viewer_id: int, now: datetime
) -> BatchProgress:
    """Return a batch's progress."""
    states = item_states(connection, batch.id)
    shared = items_shared_with(connection, viewer_id)

    def visible(reviewer_id: int, item_id: int) -> bool:
        return reviewer_id == viewer_id or item_id not in shared

    recent = [
        submission
        for submission in submissions_since(
            connection, now - timedelta(days=DAYS_SHOWN), batch.model
        )
        if visible(submission.reviewer_id, submission.item_id)
    ]
    active = [pair for pair in active_assignments(connection, now, batch.model) if visible(*pair)]
    n_written = sum(
        visible(submission.reviewer_id, submission.item_id)
        for submission in submissions_of_queue(connection, batch.id)
    )
    n_left = REVIEWS_PER_ITEM * sum(state.status == "queued" for state in states) - n_written
    pace = pace_of([submission.at for submission in recent], now)
    done_at = now + timedelta(days=n_left / pace) if n_left and pace else None
    return BatchProgress(
        batch=batch,
        counts=_count(states),
        n_reused=count_reused(connection, batch.id),
        n_cut=count_cut(connection, batch.id),
        by_task_type=tuple(
            (name, _count([state for state in states if state.task_type == name]))
            for name in sorted({state.task_type for state in states})
        ),
        reviewers=_reviewers(list_users(connection), batch.model, recent, active, now),
        n_reviews_left=n_left,
        pace=pace,
        done_at=done_at,
        disagreements=_disagreements(states),
        audits=count_audits(connection, batch.model),
    )


def pace_of(times: Sequence[datetime], now: datetime) -> float:
    """Return the reviews per day over the last week, or since its first review; 0 without any."""
    recent = [at for at in times if at > now - timedelta(days=PACE_DAYS)]
    if not recent:
        return 0.0
    days = (now - min(recent)) / timedelta(days=1)
    return len(recent) / max(days, 1.0)


def median_minutes(times: Sequence[datetime]) -> float | None:
    """Return the median time between two reviews without breaks, in minutes.

    ``times`` are one reviewer's submissions, the earliest first.
    """
    gaps = [later - earlier for earlier, later in pairwise(times)]
    minutes = [gap / timedelta(minutes=1) for gap in gaps if gap < BREAK]
    return median(minutes) if len(minutes) >= MIN_INTERVALS else None


def _count(states: Sequence[ItemState]) -> StatusCounts:
    counts = Counter(state.status for state in states)
    return StatusCounts({status: counts[status] for status in STATUSES})


def _reviewers(
    users: Sequence[UserRow],
    model: str,
    submissions: Sequence[Submission],
    active: Sequence[tuple[int, int]],
    now: datetime,
) -> tuple[ReviewerPace, ...]:
    """Return the pace of a model's active reviewers, and of others with recent reviews."""
    first = now.date() - timedelta(days=DAYS_SHOWN - 1)
    reviewers = []
    for user in users:
        times = [submission.at for submission in submissions if submission.reviewer_id == user.id]
        role = user.grants.role_on(model)
        if not times and (not role or user.is_lead_of(model) or not user.active):
            continue
        by_day = Counter((at.date() - first).days for at in times)
        reviewers.append(
            ReviewerPace(
                name=user.name,
                role=role,
                days=tuple(by_day[day] for day in range(DAYS_SHOWN)),
                minutes=median_minutes(times),
                n_open=sum(reviewer_id == user.id for reviewer_id, _ in active),
            )
        )
    return tuple(sorted(reviewers, key=lambda reviewer: reviewer.name))


def _disagreements(states: Sequence[ItemState]) -> tuple[Disagreement, ...]:
    disagreements = [
        Disagreement(state.item_id, state.reviewed_at, state.reviewed_at + DISCUSSION_TIME)
        for state in states
        if state.status == "disagreed" and state.reviewed_at is not None
    ]
    return tuple(sorted(disagreements, key=lambda disagreement: disagreement.since))
