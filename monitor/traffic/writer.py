"""Store a batch: rows, vectors, dead letters and offsets in one transaction, or nothing."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DataError, IntegrityError

from monitor.errors import DatabaseUnavailableError, RecordError
from monitor.store.dead_letters import DeadLetterRow, insert_dead_letters
from monitor.store.engine import limit_idle_time, transaction
from monitor.store.exchanges import insert_exchanges
from monitor.store.offsets import advance
from monitor.telemetry import (
    DEAD_LETTERS,
    EXCHANGES_STORED,
    SERVICE_FAILURES,
    STORE_SECONDS,
    get_logger,
)
from monitor.traffic.backoff import Backoff
from monitor.traffic.prepare import Prepared, dead_letter

log = get_logger(__name__)

#: A replica that hangs for so long between two statements loses its transaction, and the locks on
#: the offsets that another one needs.
HANG_SECONDS = 60.0


@dataclass(frozen=True)
class OffsetMove:
    """How far a batch brings one partition."""

    source: str
    partition: int
    #: The next offset that the database must hold before.
    expected: int
    #: The one it holds after.
    new: int


@dataclass(frozen=True)
class Stored:
    """What a batch left in the database."""

    n_exchanges: int
    n_dead_letters: int


def store_batch(
    engine: Engine, prepared: Prepared, moves: Sequence[OffsetMove], *, now: datetime
) -> Stored:
    """Store a batch in one transaction.

    Raises:
        LostOwnershipError: Another process moved one of the offsets; nothing was stored.
        DatabaseUnavailableError: Nothing was stored; the same batch can be tried again.
    """
    with STORE_SECONDS.time(), transaction(engine) as connection:
        limit_idle_time(connection, HANG_SECONDS)
        # In a fixed order, so that two replicas that hold each other's partitions can't deadlock.
        for move in sorted(moves, key=lambda move: (move.source, move.partition)):
            advance(
                connection,
                move.source,
                move.partition,
                expected=move.expected,
                new=move.new,
                now=now,
            )
        refused = insert_readable(connection, prepared, now=now)
        letters = [*prepared.dead_letters, *refused]
        insert_dead_letters(connection, letters)
    _count(prepared, letters, n_refused=len(refused))
    return Stored(len(prepared.rows) - len(refused), len(letters))


def store_until_done(
    engine: Engine,
    prepared: Prepared,
    moves: Sequence[OffsetMove],
    *,
    stop: threading.Event,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Stored | None:
    """Store a batch, trying again while the database is away.

    Returns:
        What was stored; ``None`` where a stop came first. The batch is then read again later.

    Raises:
        LostOwnershipError: Another process moved one of the offsets; nothing was stored.
    """
    backoff = Backoff()
    while True:
        try:
            return store_batch(engine, prepared, moves, now=clock())
        except DatabaseUnavailableError as error:
            SERVICE_FAILURES.labels("database").inc()
            log.warning("database is away; the batch waits", error=str(error))
            if backoff.wait(stop):
                log.warning("stopped before the batch was stored; it will be read again")
                return None


def insert_readable(
    connection: Connection, prepared: Prepared, *, now: datetime
) -> list[DeadLetterRow]:
    """Insert the rows; return those that the database refuses as dead letters.

    A batch that is refused is tried again row by row, so that one bad row stops no other.
    """
    try:
        with connection.begin_nested():
            _insert(connection, prepared, slice(None), now=now)
    except (DataError, IntegrityError):
        return [
            letter
            for index in range(len(prepared.rows))
            if (letter := _insert_alone(connection, prepared, index, now=now))
        ]
    return []


def _insert_alone(
    connection: Connection, prepared: Prepared, index: int, *, now: datetime
) -> DeadLetterRow | None:
    try:
        with connection.begin_nested():
            _insert(connection, prepared, slice(index, index + 1), now=now)
    except (DataError, IntegrityError) as error:
        row = prepared.rows[index]
        refusal = RecordError("refused_by_database", str(error.orig).split("\n", maxsplit=1)[0])
        letter = dead_letter(
            prepared.records[index], refusal, row.inclusion_probability, row.received_at
        )
        return replace(letter, position=row.position)
    return None


def _insert(connection: Connection, prepared: Prepared, part: slice, *, now: datetime) -> None:
    insert_exchanges(
        connection,
        prepared.rows[part],
        encoder=prepared.encoder,
        prompt_vectors=prepared.prompt_vectors[part],
        response_vectors=prepared.response_vectors[part],
        created_at=now,
    )


def _count(prepared: Prepared, letters: Sequence[DeadLetterRow], *, n_refused: int) -> None:
    if prepared.rows:
        source = prepared.rows[0].position.source
        EXCHANGES_STORED.labels(source).inc(len(prepared.rows) - n_refused)
    for letter in letters:
        DEAD_LETTERS.labels(letter.position.source, letter.reason).inc()
    by_reason = Counter(letter.reason for letter in letters)
    for reason, count in by_reason.items():  # a line a reason, not a line a record
        first = next(letter for letter in letters if letter.reason == reason)
        log.warning(
            "records became dead letters",
            reason=reason,
            count=count,
            first=f"{first.position.source}/{first.position.partition}@{first.position.offset}",
            detail=first.detail,
        )
