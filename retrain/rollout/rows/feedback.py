"""Queries of feedback on a model's exchanges, for the measurement of rollouts."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, exists, func, or_, select

from monitor.store.rows import batches_of, columns_of, read_rows
from monitor.store.tables import Exchange, Feedback, RolloutObservation, RolloutScore
from retrain.rollout.rows.measured_hours import MeasuredRow

#: What the name of a score has before that of the feedback: a metric may have the same name.
PREFIX = "feedback "


@dataclass(frozen=True)
class PastFeedback:
    """The newest value of a name of feedback on an exchange of the sample before a rollout."""

    name: str
    value: float
    inclusion_probability: float
    #: Those of the exchange.
    attributes: dict[str, Any]


@dataclass(frozen=True)
class ObservedFeedback:
    """A value of feedback on an observation."""

    observation_id: int
    occurred_at: datetime
    end_user: str
    name: str
    value: float


@dataclass(frozen=True)
class FeedbackCount:
    """Values of a name of feedback, and how many of them are on an exchange that is stored."""

    name: str
    n: int
    n_on_exchanges: int


def count_feedback(connection: Connection, since: datetime, limit: int) -> list[FeedbackCount]:
    """Count the feedback received since a time by name, the most values first.

    ``limit`` is the most values read, the newest first.
    """
    newest = (
        select(Feedback.id)
        .where(Feedback.received_at >= since)
        .order_by(Feedback.received_at.desc(), Feedback.id.desc())
        .limit(limit)
    )
    is_stored = or_(
        exists().where(_is_of(Exchange)).correlate(Feedback),
        exists().where(_is_of(RolloutObservation)).correlate(Feedback),
    )
    statement = (
        select(Feedback.name, func.count(), func.sum(case((is_stored, 1), else_=0)))
        .where(Feedback.id.in_(newest.scalar_subquery()))
        .group_by(Feedback.name)
        .order_by(func.count().desc(), Feedback.name)
    )
    return [FeedbackCount(*row) for row in connection.execute(statement)]


def feedback_before(
    connection: Connection, model: str, since: datetime, before: datetime, limit: int
) -> list[PastFeedback]:
    """Return the feedback, received before a time, on a model's sample of ``[since, before)``.

    ``limit`` is the most values read, of the newest exchanges.
    """
    statement = (
        select(Exchange.id.label("exchange"), *columns_of(PastFeedback, Feedback, Exchange))
        .join(Exchange, _is_of(Exchange))
        .where(
            Exchange.model == model,
            Exchange.baseline_id.is_(None),
            Exchange.occurred_at >= since,
            Exchange.occurred_at < before,
            Exchange.randomness >= Exchange.threshold,
            Feedback.received_at < before,
        )
        .order_by(Exchange.occurred_at.desc(), Exchange.id, Feedback.given_at, Feedback.id)
        .limit(limit)
    )
    newest = {(row[0], row.name): PastFeedback(*row[1:]) for row in connection.execute(statement)}
    return list(newest.values())


def unscored_feedback(
    connection: Connection,
    rollout_id: int,
    names: Collection[str],
    since: datetime,
    before: datetime,
) -> list[ObservedFeedback]:
    """Return the feedback on a rollout's observations that have no score of its name.

    Of several values of a name on one observation, the one that was given last. Feedback received
    before ``since`` is of no observation; observations from ``before`` on are left out.
    """
    statement = (
        select(
            *columns_of(
                ObservedFeedback,
                Feedback,
                RolloutObservation,
                observation_id=RolloutObservation.id,
            )
        )
        .join(RolloutObservation, _is_of(RolloutObservation))
        .where(
            RolloutObservation.rollout_id == rollout_id,
            RolloutObservation.occurred_at < before,
            Feedback.received_at >= since,
            Feedback.name.in_(names),
            ~exists().where(
                RolloutScore.observation_id == RolloutObservation.id,
                RolloutScore.name == PREFIX + Feedback.name,
            ),
        )
        .order_by(Feedback.given_at, Feedback.id)
    )
    rows = read_rows(connection, ObservedFeedback, statement)
    return list({(row.observation_id, row.name): row for row in rows}.values())


def newest_scored(
    connection: Connection, rollout_id: int, users: Sequence[str]
) -> dict[tuple[str, str], datetime]:
    """Return the newest time of an end user's scored observations, by end user and score's name."""
    newest = {}
    for part in batches_of(users):
        rows = connection.execute(
            select(
                RolloutObservation.end_user,
                RolloutScore.name,
                func.max(RolloutObservation.occurred_at),
            )
            .join(RolloutScore, RolloutScore.observation_id == RolloutObservation.id)
            .where(*_scored(rollout_id, part))
            .group_by(RolloutObservation.end_user, RolloutScore.name)
        )
        newest.update({(end_user, name): moment for end_user, name, moment in rows})
    return newest


def rated_rows(
    connection: Connection, rollout_id: int, users: Sequence[str], before: datetime
) -> list[MeasuredRow]:
    """Return the scores of feedback on end users' observations before a time, and no other value.

    An observation with several has a row for each.
    """
    rated: list[MeasuredRow] = []
    for part in batches_of(users):
        rows = connection.execute(
            select(
                RolloutObservation.id,
                RolloutObservation.occurred_at,
                RolloutObservation.arm,
                RolloutObservation.task_type,
                RolloutObservation.end_user,
                RolloutObservation.inclusion_probability,
                RolloutScore.name,
                RolloutScore.value,
            )
            .join(RolloutScore, RolloutScore.observation_id == RolloutObservation.id)
            .where(*_scored(rollout_id, part), RolloutObservation.occurred_at < before)
            .order_by(RolloutScore.id)
        )
        rated += [MeasuredRow(*row[:6], {row.name: row.value}) for row in rows]
    return rated


def _is_of(table: type[Exchange] | type[RolloutObservation]) -> ColumnElement[bool]:
    """Return whether feedback is on a row: of its source, and of no other model."""
    return and_(
        table.source == Feedback.source,
        table.exchange_id == Feedback.exchange_id,
        or_(Feedback.model == "", Feedback.model == table.model),
    )


def _scored(rollout_id: int, users: Sequence[str]) -> tuple[ColumnElement[bool], ...]:
    return (
        RolloutObservation.rollout_id == rollout_id,
        RolloutObservation.end_user.in_(users),
        RolloutScore.name.startswith(PREFIX, autoescape=True),
    )
