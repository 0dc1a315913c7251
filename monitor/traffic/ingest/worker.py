"""Worker threads that have rows built, embed and store, so that the main loop keeps polling."""

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from monitor.errors import ChildProcessFailedError, LostOwnershipError, RulesChangedError
from monitor.telemetry import OWNERSHIP_LOST, SERVICE_FAILURES, get_logger
from monitor.traffic.backoff import Backoff
from monitor.traffic.ingest.preparation import BatchPreparer
from monitor.traffic.ingest.prepared_batch import PreparedBatch
from monitor.traffic.ingest.sweeper import Sweeper
from monitor.traffic.ingest.writer import store_with_retries
from monitor.traffic.kafka.batch import OffsetRange, RawBatch

log = get_logger(__name__)

#: Batches at work: rows of one are built while the one before is stored. More only cost memory.
MAX_BATCHES = 2
#: Wait for a batch before pending halves are swept.
IDLE_SECONDS = 1.0


@dataclass(frozen=True)
class BatchOutcome:
    """Outcome of a batch."""

    ranges: list[OffsetRange]
    stored: bool


@dataclass(frozen=True)
class _Built:
    """A batch and its rows; without rows where the stop came first."""

    batch: RawBatch
    rows: PreparedBatch | None


class IngestWorker:
    """Worker that takes batches one at a time, and stores them in their order.

    One thread has the rows of a batch built, another embeds and stores the batch before it.
    """

    def __init__(
        self,
        engine: Engine,
        preparer: BatchPreparer,
        stop: threading.Event,
        *,
        sweeper: Sweeper,
        clock: Callable[[], datetime],
    ) -> None:
        self._engine = engine
        self._preparer = preparer
        self._stop = stop
        self._sweeper = sweeper
        self._clock = clock
        self._free = threading.Semaphore(MAX_BATCHES)
        self._offered: queue.SimpleQueue[RawBatch | None] = queue.SimpleQueue()
        self._built: queue.SimpleQueue[_Built | None] = queue.SimpleQueue()
        #: Outcomes of batches, for the main loop.
        self.outcomes: queue.SimpleQueue[BatchOutcome] = queue.SimpleQueue()
        #: The exception that ended a thread.
        self.failure: BaseException | None = None
        self._threads = [
            threading.Thread(target=self._run, args=(work,), name=name, daemon=True)
            for name, work in (("ingest-rows", self._build_all), ("ingest-store", self._store_all))
        ]
        for thread in self._threads:
            thread.start()

    def offer(self, batch: RawBatch, *, timeout_seconds: float = 0.0) -> bool:
        """Take a batch; return ``False`` if as many are at work as may be."""
        if not self._free.acquire(timeout=timeout_seconds):
            return False
        self._offered.put(batch)
        return True

    def close(self, *, timeout_seconds: float) -> bool:
        """Let the threads finish their batches; return whether they did in time."""
        deadline = time.monotonic() + timeout_seconds
        self._offered.put(None)
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as failure:  # noqa: BLE001 - the main loop raises it again
            self.failure = failure

    def _build_all(self) -> None:
        try:
            while (batch := self._offered.get()) is not None:
                self._built.put(self._build(batch))
        finally:
            self._built.put(None)

    def _store_all(self) -> None:
        while (built := self._next()) is not None:
            self.outcomes.put(self._store(built))
            self._free.release()
            self._sweeper.sweep_when_due(self._stop)

    def _next(self) -> _Built | None:
        """Wait for a batch; sweep pending halves meanwhile."""
        while True:
            try:
                return self._built.get(timeout=IDLE_SECONDS)
            except queue.Empty:
                self._sweeper.sweep_when_due(self._stop)

    def _build(self, offered: RawBatch) -> _Built:
        """Build the rows of what is not revoked; repeat where that fails."""
        batch = offered.drop_revoked()
        backoff = Backoff(first_seconds=1.0)
        while batch.ranges:
            try:
                return _Built(
                    batch,
                    self._preparer.build_rows(
                        batch.records,
                        received_at=batch.received_at,
                        dead_letters=batch.dead_letters,
                    ),
                )
            except ChildProcessFailedError:
                pass  # it is told
            except (RuntimeError, MemoryError, OSError):
                SERVICE_FAILURES.labels("preparation").inc()
                log.exception("preparation_failed", action="retry")
            if backoff.wait(self._stop):
                break
        return _Built(batch, None)

    def _store(self, built: _Built) -> BatchOutcome:
        while True:
            try:
                return self._embed_and_store(built)
            except RulesChangedError as change:
                log.info("batch_prepared_again", reason=str(change))
                built = self._build(built.batch)

    def _embed_and_store(self, built: _Built) -> BatchOutcome:
        ranges = built.batch.ranges
        prepared = self._embed(built.rows)
        if prepared is None or not all(offset_range.state.current for offset_range in ranges):
            return BatchOutcome(ranges, stored=False)
        moves = [offset_range.move for offset_range in ranges]
        try:
            stored = store_with_retries(
                self._engine, prepared, moves, stop=self._stop, clock=self._clock
            )
        except LostOwnershipError as error:
            OWNERSHIP_LOST.labels(ranges[0].state.source).inc()
            log.warning("batch_rolled_back", reason=str(error))
            return BatchOutcome(ranges, stored=False)
        return BatchOutcome(ranges, stored=stored is not None)

    def _embed(self, rows: PreparedBatch | None) -> PreparedBatch | None:
        """Embed; retry if the encoder fails, as a full GPU may have room soon."""
        backoff = Backoff(first_seconds=1.0)
        while rows is not None:
            try:
                return self._preparer.embed(rows)
            except (RuntimeError, MemoryError, OSError):
                SERVICE_FAILURES.labels("encoder").inc()
                log.exception("embedding_failed", action="retry")
                if backoff.wait(self._stop):
                    break
        return None
