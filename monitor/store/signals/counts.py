"""Counts of signals by model, day and hour: rows to count, addition, reading, deletion."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, func, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from monitor.store.tables import Exchange, Feedback, SignalCount

#: A month before an incident, and the five weeks for which it may last.
KEPT = timedelta(days=63)
#: Rows of counts in one statement, below SQLite's limit of bound parameters.
ROWS_PER_STATEMENT = 500


class Signal(NamedTuple):
    """A signal of a model."""

    #: See the table ``signal_counts``.
    kind: str
    name: str = ""

    def __str__(self) -> str:
        """Return kind and name: ``metric resolved``."""
        return f"{self.kind} {self.name}"


#: Kinds whose names the traffic gives.
NAMED_KINDS = ("metric", "field", "task type", "feedback")
#: Exchanges of the sample, and the traffic that they represent.
SAMPLED, TRAFFIC = Signal("sampled"), Signal("traffic")


class HourKey(NamedTuple):
    """The hour and signal of a count."""

    model: str
    day: datetime
    hour: int
    signal: Signal


Counts = Mapping[HourKey, float]


@dataclass(frozen=True)
class SampledExchange:
    """The signals of an exchange of the sample."""

    model: str
    occurred_at: datetime
    #: Number of exchanges of the traffic that it represents.
    weight: float
    task_type: str
    has_end_user: bool
    has_response: bool
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class SampledFeedback:
    """A value of feedback on a sampled exchange."""

    model: str
    given_at: datetime
    weight: float
    name: str


_IN_SAMPLE = (Exchange.baseline_id.is_(None), Exchange.randomness >= Exchange.threshold)


def sampled_exchanges(
    connection: Connection, after_id: int, last_id: int
) -> Iterator[SampledExchange]:
    """Yield the exchanges of the sample whose ids are in ``(after_id, last_id]``."""
    rows = connection.execute(
        select(
            Exchange.model,
            Exchange.occurred_at,
            1.0 / Exchange.inclusion_probability,
            Exchange.task_type,
            Exchange.end_user != "",
            Exchange.response != "",
            Exchange.attributes,
        ).where(Exchange.id > after_id, Exchange.id <= last_id, *_IN_SAMPLE)
    )
    for row in rows:
        yield SampledExchange(*row)


def sampled_feedback(
    connection: Connection, after_id: int, last_id: int
) -> Iterator[SampledFeedback]:
    """Yield the feedback on exchanges of the sample whose ids are in ``(after_id, last_id]``."""
    same = (Exchange.source == Feedback.source) & (Exchange.exchange_id == Feedback.exchange_id)
    rows = connection.execute(
        select(
            Exchange.model,
            Feedback.given_at,
            1.0 / Exchange.inclusion_probability,
            Feedback.name,
        )
        .join(Exchange, same)
        .where(Feedback.id > after_id, Feedback.id <= last_id, *_IN_SAMPLE)
    )
    for model, given_at, weight, name in rows:
        yield SampledFeedback(model, given_at, float(weight), name)


def known_signals(connection: Connection) -> dict[str, set[Signal]]:
    """Return the signals that are counted of each model."""
    known: dict[str, set[Signal]] = defaultdict(set)
    columns = (SignalCount.model, SignalCount.kind, SignalCount.name)
    for model, kind, name in connection.execute(select(*columns).distinct()):
        known[model].add(Signal(kind, name))
    return known


def add_counts(connection: Connection, counts: Counts) -> None:
    """Add to the counts. Call it in the transaction that records the progress."""
    hours: dict[tuple[str, datetime, str, str], list[float]] = defaultdict(lambda: [0.0] * 24)
    for at, count in counts.items():
        hours[at.model, at.day, at.signal.kind, at.signal.name][at.hour] += count
    columns = (SignalCount.model, SignalCount.day, SignalCount.kind, SignalCount.name)
    keys = sorted(hours)
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    for start in range(0, len(keys), ROWS_PER_STATEMENT):
        part = keys[start : start + ROWS_PER_STATEMENT]
        stored = connection.execute(
            select(*columns, SignalCount.hours).where(tuple_(*columns).in_(part))
        )
        for model, day, kind, name, before in stored:
            key = (model, day, kind, name)
            hours[key] = [a + b for a, b in zip(before, hours[key], strict=True)]
        statement = dialect.insert(SignalCount).values(
            [
                {"model": model, "day": day, "kind": kind, "name": name, "hours": hours[key]}
                for key in part
                for model, day, kind, name in (key,)
            ]
        )
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["model", "day", "kind", "name"],
                set_={"hours": statement.excluded.hours},
            )
        )


def load_counts(
    connection: Connection, model: str, since: datetime, kinds: Collection[str]
) -> Iterator[tuple[datetime, Signal, list[float]]]:
    """Yield day, signal and count of each of 24 hours of a model, from a day on."""
    statement = select(
        SignalCount.day, SignalCount.kind, SignalCount.name, SignalCount.hours
    ).where(SignalCount.model == model, SignalCount.day >= since, SignalCount.kind.in_(kinds))
    for day, kind, name, hours in connection.execute(statement):
        yield day, Signal(kind, name), hours


def load_traffic(connection: Connection, since: datetime) -> Iterator[tuple[datetime, list[float]]]:
    """Yield the day and the traffic of each of 24 hours of each model, from a day on."""
    rows = connection.execute(
        select(SignalCount.day, SignalCount.hours).where(
            SignalCount.kind == TRAFFIC.kind, SignalCount.day >= since
        )
    )
    yield from ((day, hours) for day, hours in rows)


def delete_old_counts(connection: Connection, now: datetime) -> None:
    """Delete the counts that are no longer read."""
    connection.execute(delete(SignalCount).where(SignalCount.day < now - KEPT))


def last_id(connection: Connection, table: type[Exchange] | type[Feedback]) -> int:
    """Return the highest id; 0 where there is no row."""
    return connection.execute(select(func.max(table.id))).scalar_one() or 0


def first_id(
    connection: Connection, table: type[Exchange] | type[Feedback], since: datetime
) -> int:
    """Return the lowest id of the rows received since a time; 1 where there is none."""
    statement = select(func.min(table.id)).where(table.received_at >= since)
    return connection.execute(statement).scalar_one() or 1
