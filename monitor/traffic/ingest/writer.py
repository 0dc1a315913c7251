"""Atomic storage of batches: exchanges, feedback, dead letters and offsets in one transaction."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import numpy as np
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DataError, IntegrityError

from monitor.errors import DatabaseUnavailableError, RulesChangedError
from monitor.store.engine import limit_idle_time, transaction
from monitor.store.traffic.dead_letters import DeadLetterRow, insert_dead_letters
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.traffic.exchanges import insert_exchanges
from monitor.store.traffic.feedback import insert_feedback
from monitor.store.traffic.offsets import OffsetMove, advance
from monitor.store.traffic.pending_halves import insert_halves
from monitor.store.traffic.record_counts import add_record_counts
from monitor.store.traffic.unlisted import add_unlisted
from monitor.store.traffic.withheld import add_withheld
from monitor.telemetry import SERVICE_FAILURES, STORE_DURATION, get_logger
from monitor.traffic.backoff import Backoff
from monitor.traffic.dead_letters import duplicate_dead_letter, refused_dead_letter
from monitor.traffic.end_users.rules import require_unchanged
from monitor.traffic.ingest.end_user_filter import waiting_halves
from monitor.traffic.ingest.prepared_batch import PreparedBatch
from monitor.traffic.ingest.storage_metrics import count_stored
from retrain.rollout.rows.observations import add_labels, insert_observations

log = get_logger(__name__)

#: A replica idle for longer in a transaction loses it, with the locks on the offsets that another
#: replica needs.
HANG_SECONDS = 60.0

ResultT = TypeVar("ResultT")


@dataclass(frozen=True)
class StoreResult:
    """Numbers of what a batch stored."""

    n_exchanges: int
    n_dead_letters: int
    n_withheld: int
    n_unlisted: int
    #: Pending requests and responses.
    n_halves: int
    #: Values of feedback.
    n_feedback: int = 0
    #: Exchanges, halves and dead letters of end users on the suppression list.
    n_suppressed: int = 0


def store_batch(
    engine: Engine, prepared: PreparedBatch, moves: Sequence[OffsetMove], *, now: datetime
) -> StoreResult:
    """Store a batch in one transaction.

    Raises:
        LostOwnershipError: Another process moved one of the offsets; nothing was stored.
        RulesChangedError: The suppression list has changed since; nothing was stored.
        DatabaseUnavailableError: Nothing was stored; the batch can be retried.
    """
    with STORE_DURATION.time(), transaction(engine) as connection:
        limit_idle_time(connection, HANG_SECONDS)
        # In a fixed order, so that replicas that hold each other's partitions can't deadlock.
        for move in sorted(moves, key=lambda move: (move.source, move.partition)):
            advance(
                connection,
                move.source,
                move.partition,
                expected=move.expected,
                new=move.new,
                now=now,
            )
        refused = insert_accepted(connection, prepared, now=now)
        add_withheld(connection, prepared.withheld)
        add_unlisted(connection, prepared.unlisted)
        store_observations(connection, prepared, now=now)
        insert_feedback(connection, prepared.feedback)
        duplicates = insert_halves(connection, prepared.halves, now=now)
        dead_letters = [
            *prepared.dead_letters,
            *refused,
            *(
                duplicate_dead_letter(half)
                for half in waiting_halves(duplicates)
                if half.is_sampled
            ),
        ]
        insert_dead_letters(connection, dead_letters)
        add_record_counts(connection, prepared.n_records, dead_letters, now)
    count_stored(prepared, dead_letters)
    return StoreResult(
        n_exchanges=len(prepared.exchanges) - len(refused),
        n_dead_letters=len(dead_letters),
        n_withheld=sum(count.n for count in prepared.withheld.values()),
        n_unlisted=sum(count.n for count in prepared.unlisted.values()),
        n_halves=len(prepared.halves) - len(duplicates),
        n_feedback=len(prepared.feedback),
        n_suppressed=sum(prepared.suppressed.values()),
    )


def store_with_retries(
    engine: Engine,
    prepared: PreparedBatch,
    moves: Sequence[OffsetMove],
    *,
    stop: threading.Event,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> StoreResult | None:
    """Store a batch; retry while the database is unavailable.

    Return ``None`` after a stop: the batch will be read again.

    Raises:
        LostOwnershipError: Another process moved one of the offsets; nothing was stored.
        RulesChangedError: The suppression list has changed since; nothing was stored.
    """
    backoff = Backoff()
    while True:
        try:
            return store_batch(engine, prepared, moves, now=clock())
        except DatabaseUnavailableError as error:
            SERVICE_FAILURES.labels("database").inc()
            log.warning("database_unavailable", error=str(error), action="retry")
            if backoff.wait(stop):
                log.warning("batch_not_stored", action="its records will be read again")
                return None


def prepare_and_store(
    prepare: Callable[[], PreparedBatch], store: Callable[[PreparedBatch], ResultT]
) -> ResultT:
    """Prepare and store a batch; again where the suppression list changes in between."""
    while True:
        try:
            return store(prepare())
        except RulesChangedError as change:
            log.info("batch_prepared_again", reason=str(change))


def insert_accepted(
    connection: Connection, prepared: PreparedBatch, *, now: datetime
) -> list[DeadLetterRow]:
    """Insert exchanges; return the dead letters of those that the database refuses.

    A refused batch is inserted exchange by exchange, so that one bad row stops no other.

    Raises:
        RulesChangedError: The suppression list has changed since the batch was prepared.
    """
    require_unchanged(connection, prepared.rules_version)
    exchanges = prepared.exchanges
    try:
        with connection.begin_nested():
            insert_exchanges(connection, exchanges, created_at=now)
    except (DataError, IntegrityError):
        single = (exchanges.take(np.array([row])) for row in range(len(exchanges)))
        refused = (_insert_alone(connection, exchange, now=now) for exchange in single)
        return [dead_letter for dead_letter in refused if dead_letter]
    return []


def store_observations(connection: Connection, prepared: PreparedBatch, *, now: datetime) -> None:
    """Insert the observations of a batch, and count unknown labels."""
    n_refused = insert_observations(connection, prepared.observations)
    if n_refused:
        log.warning("observations_refused", count=n_refused, action="they are not measured")
    add_labels(connection, prepared.unknown_labels, now)


def _insert_alone(
    connection: Connection, exchange: Exchanges, *, now: datetime
) -> DeadLetterRow | None:
    """Insert one exchange; return its dead letter where the database refuses it."""
    try:
        with connection.begin_nested():
            insert_exchanges(connection, exchange, created_at=now)
    except (DataError, IntegrityError) as error:
        detail = str(error.orig).split("\n", maxsplit=1)[0]
        return refused_dead_letter(exchange, detail)
    return None
