"""Counting of the signals in new exchanges and feedback, by the leader."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine

from monitor.store.engine import transaction
from monitor.store.signals.counts import (
    KEPT,
    NAMED_KINDS,
    SAMPLED,
    TRAFFIC,
    Counts,
    HourKey,
    SampledExchange,
    Signal,
    add_counts,
    delete_old_counts,
    first_id,
    known_signals,
    last_id,
    sampled_exchanges,
    sampled_feedback,
)
from monitor.store.signals.progress import Progress, read_progress, save_progress
from monitor.store.tables import Exchange, Feedback
from monitor.store.traffic.daily_counts import start_of_day

#: Time after which no transaction of ingest is open that could still store a lower id.
SETTLED_AFTER = timedelta(minutes=10)
#: Ids that are counted in one transaction, and the time that a run takes at most, about.
IDS_AT_ONCE = 10_000
MAX_SECONDS = 5.0
#: Names of a kind that are counted of a model. A new one needs this share of the exchanges that
#: are counted with it, so that names made up by a client leave room for those of the product.
MAX_NAMES = 60
MIN_SHARE, MIN_COUNT = 0.01, 2
MAX_NAME_CHARACTERS = 100
#: A time of the traffic may be so far ahead.
MAX_AHEAD = timedelta(days=1)

_TABLES: tuple[type[Exchange] | type[Feedback], ...] = (Exchange, Feedback)


def count_signals(
    engine: Engine,
    now: datetime,
    until: datetime,
    may_continue: Callable[[], bool] = lambda: True,
) -> None:
    """Count the signals in the rows that were stored since the last call; some seconds at most.

    What is counted and how far are written in one transaction, so that each row counts once
    whatever is killed. Rows that are deleted later stay counted. The traffic is stored up to
    ``until``. Call it every minute; it writes when something is new, or an hour over.
    """
    deadline = time.monotonic() + MAX_SECONDS
    for table in _TABLES:
        while may_continue() and time.monotonic() < deadline:
            with transaction(engine) as connection:
                if not _advance(connection, table, now, until):
                    break


def _advance(
    connection: Connection, table: type[Exchange] | type[Feedback], now: datetime, until: datetime
) -> bool:
    """Count a part of the rows of a table; return whether more can be counted now."""
    name = table.__tablename__
    progress = read_progress(connection, name)
    if progress is None:
        last = last_id(connection, table)
        first = min(first_id(connection, table, now - KEPT) - 1, last)
        save_progress(connection, Progress(name, first, None, last, until, now), is_first=True)
        return False
    if now < progress.next_at + SETTLED_AFTER:
        return False
    if progress.counted_id < progress.next_id:
        count = _count_exchanges if table is Exchange else _count_feedback
        end = min(progress.counted_id + IDS_AT_ONCE, progress.next_id)
        add_counts(connection, count(connection, progress.counted_id, end, now))
        if end < progress.next_id:
            save_progress(connection, replace(progress, counted_id=end))
            return True
    return _look_ahead(connection, table, progress, now, until)


def _look_ahead(
    connection: Connection,
    table: type[Exchange] | type[Feedback],
    progress: Progress,
    now: datetime,
    until: datetime,
) -> bool:
    """Record that all is counted, and up to which id the next rows are; return ``False``."""
    last = last_id(connection, table)
    is_next_hour = start_of_hour(until) > start_of_hour(progress.next_until)
    is_new = last != progress.counted_id or progress.counted_until is None
    if not (is_new or is_next_hour):
        return False
    if is_next_hour:
        delete_old_counts(connection, now)
    save_progress(
        connection,
        Progress(
            progress.counted_table,
            # SQLite gives the ids of deleted rows again.
            counted_id=min(progress.next_id, last),
            counted_until=progress.next_until,
            next_id=last,
            # Ingest may fall behind.
            next_until=max(until, progress.next_until),
            next_at=now,
        ),
    )
    return False


def start_of_hour(moment: datetime) -> datetime:
    """Return the start of the hour."""
    return moment.replace(minute=0, second=0, microsecond=0)


def _count_exchanges(connection: Connection, after_id: int, last: int, now: datetime) -> Counts:
    weights: dict[HourKey, float] = defaultdict(float)
    numbers: dict[str, Counter[Signal]] = defaultdict(Counter)
    for exchange in sampled_exchanges(connection, after_id, last):
        if not now - KEPT <= exchange.occurred_at <= now + MAX_AHEAD:
            continue
        at = exchange.occurred_at
        weights[HourKey(exchange.model, start_of_day(at), at.hour, SAMPLED)] += 1
        for signal in {TRAFFIC, *_signals_of(exchange)}:
            weights[HourKey(exchange.model, start_of_day(at), at.hour, signal)] += exchange.weight
            numbers[exchange.model][signal] += 1
    return _limit(connection, weights, numbers)


def _count_feedback(connection: Connection, after_id: int, last: int, now: datetime) -> Counts:
    weights: dict[HourKey, float] = defaultdict(float)
    numbers: dict[str, Counter[Signal]] = defaultdict(Counter)
    for value in sampled_feedback(connection, after_id, last):
        if not now - KEPT <= value.given_at <= now + MAX_AHEAD:
            continue
        signal = Signal("feedback", value.name)
        key = HourKey(value.model, start_of_day(value.given_at), value.given_at.hour, signal)
        weights[key] += value.weight
        numbers[value.model][signal] += 1
        numbers[value.model][TRAFFIC] += 1
    return _limit(connection, weights, numbers)


def _signals_of(exchange: SampledExchange) -> Iterator[Signal]:
    """Yield what an exchange has: fields with a value, and what is under which name."""
    fields = {
        "user": exchange.has_end_user,
        "response": exchange.has_response,
        "task type": bool(exchange.task_type),
    }
    yield from (Signal("field", name) for name, has_value in fields.items() if has_value)
    if exchange.task_type:
        yield Signal("task type", exchange.task_type)
    for name, value in exchange.attributes.items():
        is_number = isinstance(value, int | float)
        if is_number or (value and isinstance(value, str)):
            yield Signal("metric" if is_number else "field", name)


def _limit(connection: Connection, weights: Counts, numbers: dict[str, Counter[Signal]]) -> Counts:
    """Return the counts without those of names that are too many, too long or too rare."""
    if not weights:
        return weights
    known = known_signals(connection)
    for model, counts in numbers.items():
        least = max(MIN_COUNT, MIN_SHARE * counts[TRAFFIC])
        _admit(known[model], (s for s, n in counts.most_common() if n >= least))
    return {
        key: weight
        for key, weight in weights.items()
        if key.signal.kind not in NAMED_KINDS or key.signal in known[key.model]
    }


def _admit(known: set[Signal], new: Iterable[Signal]) -> None:
    """Add signals to those that are counted of a model, the most frequent first."""
    names = Counter(signal.kind for signal in known)
    for signal in new:
        is_short = len(signal.name) <= MAX_NAME_CHARACTERS
        if signal not in known and is_short and names[signal.kind] < MAX_NAMES:
            known.add(signal)
            names[signal.kind] += 1
