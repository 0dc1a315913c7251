"""Sweeper of pending halves: joins complete pairs, expires overdue halves."""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Engine

from monitor.errors import (
    ChildProcessFailedError,
    DatabaseUnavailableError,
    LostOwnershipError,
    RulesChangedError,
)
from monitor.settings import format_duration
from monitor.settings.traffic import TrafficJoin
from monitor.store.engine import transaction
from monitor.store.traffic.dead_letters import DeadLetterRow, restore_dead_letters
from monitor.store.traffic.pending_halves import (
    StoredHalf,
    claim_pairs,
    delete_halves,
    oldest_pending_at,
    overdue_halves,
    unpaired_halves,
)
from monitor.store.traffic.record_counts import add_record_counts
from monitor.store.traffic.unlisted import add_unlisted
from monitor.store.traffic.withheld import add_withheld
from monitor.telemetry import EXCHANGES_JOINED, SERVICE_FAILURES, get_logger
from monitor.traffic.dead_letters import unpaired_dead_letter
from monitor.traffic.ingest.end_user_filter import EndUserFilter
from monitor.traffic.ingest.preparation import BatchPreparer
from monitor.traffic.ingest.prepared_batch import PreparedBatch
from monitor.traffic.ingest.storage_metrics import (
    count_dead_letters,
    count_stored,
    count_suppressed,
)
from monitor.traffic.ingest.writer import insert_accepted, store_observations

log = get_logger(__name__)

INTERVAL_SECONDS = 2.0
#: Pairs embedded and stored at once; halves expired at once.
PAIRS = 256
#: Duration of the claim on a pair.
CLAIM = timedelta(minutes=5)
#: Overlap of two sweeps, for transactions that commit late and clocks that differ.
OVERLAP = timedelta(minutes=5)
#: Additional wait of a half whose source isn't read to its end.
PATIENCE = timedelta(hours=24)
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


class Sweeper:
    """Sweeper of pending halves.

    Any number of replicas may sweep: a pair is claimed, and stored by the replica that deletes both
    halves.
    """

    def __init__(
        self,
        engine: Engine,
        preparer: BatchPreparer,
        settings: TrafficJoin,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._engine = engine
        self._preparer = preparer
        self._timeout = settings.timeout
        self._clock = clock
        self._since = BEGINNING
        self._next = 0.0
        #: ``None`` until known: with joins disabled there may be halves left from before.
        self._active: bool | None = settings.enabled or None

    def sweep_when_due(self, stop: threading.Event) -> None:
        """Sweep if due; failures are logged and retried at the next interval."""
        if self._active is False or time.monotonic() < self._next:
            return
        try:
            if self._active is None:
                with transaction(self._engine) as connection:
                    self._active = oldest_pending_at(connection) is not None
            if self._active:
                self.sweep(stop)
        except DatabaseUnavailableError as error:
            SERVICE_FAILURES.labels("database").inc()
            log.warning("sweep_failed", error=str(error), action="retry")
        except ChildProcessFailedError:
            pass  # it is told
        except (RuntimeError, MemoryError, OSError):
            SERVICE_FAILURES.labels("encoder").inc()
            log.exception("embedding_failed", action="retry")
        self._next = time.monotonic() + INTERVAL_SECONDS

    def sweep(self, stop: threading.Event) -> tuple[int, int]:
        """Join all complete pairs and expire all overdue halves; return the number of each.

        Raises:
            DatabaseUnavailableError: The next sweep does the rest.
        """
        began = self._clock()
        joined = _repeat(self._join_some, stop)
        expired = _repeat(lambda: self._expire_overdue(began), stop)
        if not stop.is_set():
            self._since = began - OVERLAP
        return joined, expired

    def finish(self, source: str, stop: threading.Event) -> tuple[int, int]:
        """Sweep a source that has ended: its remaining halves have no partner."""
        joined = _repeat(self._join_some, stop)
        return joined, _repeat(lambda: self._expire_rest(source), stop)

    def _join_some(self) -> int:
        """Join one batch of pairs; return their number."""
        now = self._clock()
        with transaction(self._engine) as connection:
            pairs = claim_pairs(
                connection, since=self._since, until=now + CLAIM, now=now, limit=PAIRS
            )
        if not pairs:
            return 0
        prepared = self._preparer.prepare_pairs([(p.request.row, p.response.row) for p in pairs])
        ids = [half.id for pair in pairs for half in (pair.request, pair.response)]
        try:
            refused = self._store(prepared, ids)
        except (LostOwnershipError, RulesChangedError) as error:
            log.warning("pairs_deferred", reason=str(error))
            return 0
        count_stored(prepared, refused)
        for pair in pairs:
            EXCHANGES_JOINED.labels(pair.request.row.position.source).inc()
        return len(pairs)

    def _store(self, prepared: PreparedBatch, ids: Sequence[int]) -> list[DeadLetterRow]:
        """Replace halves by their exchanges in one transaction.

        Raises:
            LostOwnershipError: Another process took a half; nothing was stored.
        """
        with transaction(self._engine) as connection:
            if delete_halves(connection, ids) != len(ids):
                raise LostOwnershipError("another process has taken halves of these pairs")
            refused = insert_accepted(connection, prepared, now=self._clock())
            add_withheld(connection, prepared.withheld)
            add_unlisted(connection, prepared.unlisted)
            store_observations(connection, prepared, now=self._clock())
            new = restore_dead_letters(connection, refused)
            add_record_counts(connection, {}, new, self._clock())
        return refused

    def _expire_overdue(self, now: datetime) -> int:
        """Expire one batch of overdue halves; return their number."""
        time_limit = f"traffic.join.timeout = {format_duration(self._timeout)}"
        end_users = self._preparer.end_user_filter()
        with transaction(self._engine) as connection:
            halves = overdue_halves(
                connection, now=now, timeout=self._timeout, patience=PATIENCE, limit=PAIRS
            )
            dead_letters, new = _expire(connection, halves, time_limit, end_users)
            add_record_counts(connection, {}, new, now)
        count_dead_letters(dead_letters)
        count_suppressed(end_users.n_dropped)
        return len(halves)

    def _expire_rest(self, source: str) -> int:
        """Expire one batch of halves of an ended source; return their number."""
        end_users = self._preparer.end_user_filter()
        with transaction(self._engine) as connection:
            halves = unpaired_halves(connection, source, limit=PAIRS)
            dead_letters, _ = _expire(connection, halves, "the file", end_users)
        count_dead_letters(dead_letters)
        count_suppressed(end_users.n_dropped)
        return len(halves)


def _expire(
    connection: Connection,
    halves: Sequence[StoredHalf],
    time_limit: str,
    end_users: EndUserFilter,
) -> tuple[list[DeadLetterRow], list[DeadLetterRow]]:
    """Replace halves by dead letters; return these, and which of them were none before."""
    # A half that waited to be observed only is no loss of the sample.
    dead_letters = [
        unpaired_dead_letter(half.row, time_limit)
        for half in halves
        if half.row.is_sampled and not end_users.drops_half(half.row)
    ]
    new = restore_dead_letters(connection, dead_letters)
    delete_halves(connection, [half.id for half in halves])
    return dead_letters, new


def _repeat(step: Callable[[], int], stop: threading.Event) -> int:
    """Repeat a step until it does nothing or a stop is requested; return the sum."""
    total = 0
    while not stop.is_set() and (done := step()):
        total += done
    return total
