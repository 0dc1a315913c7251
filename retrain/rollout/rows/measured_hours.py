"""Queries of observations by hour, for the measurement of rollouts."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    case,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from monitor.store.rows import batches_of, columns_of, read_rows
from monitor.store.tables import Exchange, Rollout, RolloutObservation, RolloutScore
from retrain.rollout.rows.observations import unknown_labels


@dataclass(frozen=True)
class MeasuredRow:
    """An observation as the evidence reads it."""

    id: int
    occurred_at: datetime
    arm: str
    task_type: str
    end_user: str
    inclusion_probability: float
    measures: dict[str, Any]


@dataclass(frozen=True)
class TextRow:
    """An observation with its texts."""

    id: int
    exchange_id: str
    arm: str
    task_type: str
    end_user: str
    prompt: str
    response: str


@dataclass(frozen=True)
class Watermark:
    """The hours that the looks so far have read; rows stored later are late."""

    observation_id: int = 0
    score_id: int = 0
    #: Requests whose label names neither version: their number, and of the traffic.
    n_unlabelled: int = 0
    unlabelled_total: float = 0.0


#: Rows that a stream fetches at once.
ROWS_PER_FETCH = 5000

_MEASURED = columns_of(MeasuredRow, RolloutObservation)
_TEXTS = columns_of(TextRow, RolloutObservation)


def newest_ids(connection: Connection, rollout_id: int) -> Watermark:
    """Return the newest ids of a rollout's observations and scores, and the unknown labels."""
    observation, score = (
        connection.execute(
            select(func.coalesce(func.max(table.id), 0)).where(table.rollout_id == rollout_id)
        ).scalar_one()
        for table in (RolloutObservation, RolloutScore)
    )
    labels = unknown_labels(connection, rollout_id).values()
    return Watermark(
        observation,
        score,
        sum(label.n for label in labels),
        sum(label.estimated_total for label in labels),
    )


def rows_of_hour(
    connection: Connection, rollout_id: int, start: datetime, end: datetime
) -> list[MeasuredRow]:
    """Return the observations of ``[start, end)`` with their scores."""
    return _with_scores(
        connection,
        rollout_id,
        select(*_MEASURED).where(*_between(rollout_id, start, end)),
    )


def late_rows(
    connection: Connection, rollout_id: int, since: datetime, before: datetime, mark: Watermark
) -> list[MeasuredRow]:
    """Return what became known of earlier hours after they were looked at.

    Observations that were stored later have all their values, others those that were scored later.
    Those of ``[since, before)`` are read, beyond ``mark``: what the looks before have read.
    """
    of_earlier = _between(rollout_id, since, before)
    stored = _with_scores(
        connection,
        rollout_id,
        select(*_MEASURED).where(*of_earlier, RolloutObservation.id > mark.observation_id),
    )
    scores = _scores(
        connection,
        rollout_id,
        *of_earlier,
        RolloutObservation.id <= mark.observation_id,
        RolloutScore.id > mark.score_id,
    )
    statement = (
        select(*_MEASURED)
        .where(*of_earlier, RolloutObservation.id <= mark.observation_id)
        .where(
            exists().where(
                RolloutScore.observation_id == RolloutObservation.id,
                RolloutScore.id > mark.score_id,
            )
        )
        .order_by(RolloutObservation.id)
    )
    scored = [
        replace(row, measures=scores.get(row.id, {}))
        for row in read_rows(connection, MeasuredRow, statement)
    ]
    return stored + scored


def past_rows(
    connection: Connection, rollout_id: int, since: datetime, start: datetime, end: datetime
) -> Iterator[MeasuredRow]:
    """Yield the observations of ``[since, start)`` by end users of ``[start, end)``."""
    conditions = _earlier_of_users(rollout_id, since, start, end)
    scores = _scores(connection, rollout_id, *conditions)
    # There may be hundreds of thousands.
    streamed = select(*_MEASURED).where(*conditions).order_by(RolloutObservation.id)
    for row in connection.execute(streamed, execution_options={"yield_per": ROWS_PER_FETCH}):
        yield _add_scores(MeasuredRow(*row), scores)


def seen_users(
    connection: Connection, rollout_id: int, since: datetime, start: datetime, end: datetime
) -> set[tuple[str, str]]:
    """Return arm and end user of observations in ``[since, start)``, of users of the hour."""
    statement = select(RolloutObservation.arm, RolloutObservation.end_user).where(
        *_earlier_of_users(rollout_id, since, start, end)
    )
    return {(row.arm, row.end_user) for row in connection.execute(statement.distinct())}


def sum_requests(
    connection: Connection, rollout_id: int, since: datetime, end: datetime
) -> dict[str, tuple[float, float]]:
    """Return the requests of each arm in ``[since, end)``, and the squares of those by user."""
    table = RolloutObservation
    alone = case((table.end_user == "", table.id), else_=0)
    of_user = (
        select(table.arm, func.sum(1.0 / table.inclusion_probability).label("n"))
        .where(*_between(rollout_id, since, end))
        .group_by(table.arm, table.end_user, alone)
        .subquery()
    )
    n = of_user.c.n
    rows = connection.execute(
        select(of_user.c.arm, func.sum(n), func.sum(n * n)).group_by(of_user.c.arm)
    )
    return {arm: (total, squares) for arm, total, squares in rows}


def texts_of_hour(
    connection: Connection, rollout_id: int, start: datetime, end: datetime
) -> list[TextRow]:
    """Return the observations of ``[start, end)`` that have texts."""
    statement = select(*_TEXTS).where(
        *_between(rollout_id, start, end),
        or_(RolloutObservation.prompt != "", RolloutObservation.response != ""),
    )
    return read_rows(connection, TextRow, statement.order_by(RolloutObservation.id))


def count_arms(
    connection: Connection, rollout_id: int, start: datetime, end: datetime
) -> dict[str, int]:
    """Return the number of each arm's observations in ``[start, end)``."""
    rows = connection.execute(
        select(RolloutObservation.arm, func.count())
        .where(*_between(rollout_id, start, end))
        .group_by(RolloutObservation.arm)
    )
    return {row[0]: row[1] for row in rows}


def scored_in_hour(
    connection: Connection, rollout_id: int, name: str, start: datetime, end: datetime
) -> set[int]:
    """Return the observations of ``[start, end)`` that have a score of a name."""
    statement = (
        select(RolloutScore.observation_id)
        .join(RolloutObservation, RolloutObservation.id == RolloutScore.observation_id)
        .where(
            RolloutScore.rollout_id == rollout_id,
            RolloutScore.name == name,
            *_between(rollout_id, start, end),
        )
    )
    return set(connection.execute(statement).scalars())


def insert_scores(
    connection: Connection,
    rollout_id: int,
    name: str,
    values: Mapping[int, float],
    now: datetime,
) -> None:
    """Insert a score of observations, by their ids; those that were erased have none."""
    common = {"rollout_id": rollout_id, "name": name, "scored_at": now}
    for part in batches_of(sorted(values)):
        known = select(RolloutObservation.id).where(RolloutObservation.id.in_(part))
        ids = connection.execute(known.order_by(RolloutObservation.id)).scalars()
        rows = [{"observation_id": id_, "value": values[id_], **common} for id_ in ids]
        if rows:
            connection.execute(insert(RolloutScore), rows)


@dataclass(frozen=True)
class PastExchange:
    """An exchange of the sample before a rollout."""

    occurred_at: datetime
    task_type: str
    end_user: str
    prompt: str
    response: str
    attributes: dict[str, Any]
    inclusion_probability: float


def exchanges_before(
    connection: Connection, model: str, since: datetime, before: datetime, limit: int
) -> list[PastExchange]:
    """Return the newest exchanges of a model's sample in ``[since, before)``, the oldest first."""
    statement = (
        select(*columns_of(PastExchange, Exchange))
        .where(
            Exchange.model == model,
            Exchange.baseline_id.is_(None),
            Exchange.occurred_at >= since,
            Exchange.occurred_at < before,
            Exchange.randomness >= Exchange.threshold,
        )
        .order_by(Exchange.occurred_at.desc(), Exchange.id.desc())
        .limit(limit)
    )
    return read_rows(connection, PastExchange, statement)[::-1]


def measurement_of(connection: Connection, rollout_id: int) -> dict[str, Any] | None:
    """Return what was fixed before the first look of a rollout."""
    return connection.execute(
        select(Rollout.measurement).where(Rollout.id == rollout_id)
    ).scalar_one_or_none()


def fix_measurement(connection: Connection, rollout_id: int, document: dict[str, Any]) -> None:
    """Fix the measurement of a rollout, unless another process was faster."""
    connection.execute(
        update(Rollout)
        .where(Rollout.id == rollout_id, Rollout.measurement.is_(None))
        .values(measurement=document)
    )


def _between(rollout_id: int, since: datetime, before: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        RolloutObservation.rollout_id == rollout_id,
        RolloutObservation.occurred_at >= since,
        RolloutObservation.occurred_at < before,
    )


def _earlier_of_users(
    rollout_id: int, since: datetime, start: datetime, end: datetime
) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions of observations in ``[since, start)`` by users of ``[start, end)``."""
    users = select(RolloutObservation.end_user).where(
        *_between(rollout_id, start, end), RolloutObservation.end_user != ""
    )
    return (*_between(rollout_id, since, start), RolloutObservation.end_user.in_(users))


def _with_scores(
    connection: Connection, rollout_id: int, statement: Select[*tuple[Any, ...]]
) -> list[MeasuredRow]:
    rows = read_rows(connection, MeasuredRow, statement.order_by(RolloutObservation.id))
    conditions = statement.whereclause
    scores = _scores(connection, rollout_id, *(() if conditions is None else (conditions,)))
    return [_add_scores(row, scores) for row in rows]


def _scores(
    connection: Connection, rollout_id: int, *conditions: Any
) -> Mapping[int, dict[str, float]]:
    by_row: defaultdict[int, dict[str, float]] = defaultdict(dict)
    statement = (
        select(RolloutScore.observation_id, RolloutScore.name, RolloutScore.value)
        .join(RolloutObservation, RolloutObservation.id == RolloutScore.observation_id)
        .where(RolloutScore.rollout_id == rollout_id, *conditions)
    )
    for observation_id, name, value in connection.execute(statement):
        by_row[observation_id][name] = value
    return by_row


def _add_scores(row: MeasuredRow, scores: Mapping[int, dict[str, float]]) -> MeasuredRow:
    added = scores.get(row.id)
    return row if added is None else replace(row, measures={**row.measures, **added})


def mean_probability(rows: Iterable[MeasuredRow], arm: str) -> float | None:
    """Return the harmonic mean of an arm's inclusion probabilities; ``None`` without rows."""
    inverse = [1.0 / row.inclusion_probability for row in rows if row.arm == arm]
    return len(inverse) / sum(inverse) if inverse else None
