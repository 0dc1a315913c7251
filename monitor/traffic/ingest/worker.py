"""Worker thread that has rows built, embeds and stores, so that the main loop keeps polling."""

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from monitor.errors import ChildProcessFailedError, LostOwnershipError, RulesChangedError
from monitor.telemetry import OWNERSHIP_LOST, SERVICE_FAILURES, get_logger
from monitor.traffic.backoff import Backoff
from monitor.traffic.ingest.preparation import BatchPreparer
from monitor.traffic.ingest.prepared_batch import PreparedBatch
from monitor.traffic.ingest.row_process import RowProcess
from monitor.traffic.ingest.sweeper import Sweeper
from monitor.traffic.ingest.writer import store_with_retries
from monitor.traffic.kafka.batch import OffsetRange, RawBatch

log = get_logger(__name__)

#: Queued batches. One keeps the worker busy; more only cost memory.
QUEUE_LENGTH = 1
#: Wait for a batch before pending halves are swept.
IDLE_SECONDS = 1.0


@dataclass(frozen=True)
class BatchOutcome:
    """Outcome of a batch."""

    ranges: list[OffsetRange]
    stored: bool


class IngestWorker:
    """Worker that takes batches from a bounded queue, one at a time, in order."""

    def __init__(
        self,
        engine: Engine,
        preparer: BatchPreparer,
        stop: threading.Event,
        *,
        rows: RowProcess,
        sweeper: Sweeper,
        clock: Callable[[], datetime],
    ) -> None:
        self._engine = engine
        self._preparer = preparer
        self._stop = stop
        self._rows = rows
        self._sweeper = sweeper
        self._clock = clock
        self._batches: queue.Queue[RawBatch | None] = queue.Queue(QUEUE_LENGTH)
        #: Outcomes of batches, for the main loop.
        self.outcomes: queue.SimpleQueue[BatchOutcome] = queue.SimpleQueue()
        #: The exception that ended the thread.
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="ingest-worker", daemon=True)
        self._thread.start()

    def offer(self, batch: RawBatch, *, timeout_seconds: float = 0.0) -> bool:
        """Queue a batch; return ``False`` if the queue is full."""
        try:
            self._batches.put(batch, block=timeout_seconds > 0, timeout=timeout_seconds or None)
        except queue.Full:
            return False
        return True

    def close(self, *, timeout_seconds: float) -> bool:
        """Let the thread finish its batches; return whether it did in time."""
        try:
            self._batches.put(None, timeout=timeout_seconds)
        except queue.Full:
            return False
        self._thread.join(timeout_seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            with self._rows:
                while (batch := self._next()) is not None:
                    self.outcomes.put(self._process(batch))
                    self._sweeper.sweep_when_due(self._stop)
        except BaseException as failure:  # noqa: BLE001 - the main loop raises it again
            self.failure = failure

    def _next(self) -> RawBatch | None:
        """Wait for a batch; sweep pending halves meanwhile."""
        while True:
            try:
                return self._batches.get(timeout=IDLE_SECONDS)
            except queue.Empty:
                self._sweeper.sweep_when_due(self._stop)

    def _process(self, batch: RawBatch) -> BatchOutcome:
        while True:
            try:
                return self._prepare_and_store(batch.drop_revoked())
            except RulesChangedError as change:
                log.info("batch_prepared_again", reason=str(change))

    def _prepare_and_store(self, batch: RawBatch) -> BatchOutcome:
        if not batch.ranges:
            return BatchOutcome([], stored=False)
        prepared = self._prepare(batch)
        if prepared is None or not all(offset_range.state.current for offset_range in batch.ranges):
            return BatchOutcome(batch.ranges, stored=False)
        moves = [offset_range.move for offset_range in batch.ranges]
        try:
            stored = store_with_retries(
                self._engine, prepared, moves, stop=self._stop, clock=self._clock
            )
        except LostOwnershipError as error:
            OWNERSHIP_LOST.labels(batch.ranges[0].state.source).inc()
            log.warning("batch_rolled_back", reason=str(error))
            return BatchOutcome(batch.ranges, stored=False)
        return BatchOutcome(batch.ranges, stored=stored is not None)

    def _prepare(self, batch: RawBatch) -> PreparedBatch | None:
        """Build rows and embed; retry if a process dies, or the encoder's GPU is full."""
        backoff = Backoff(first_seconds=1.0)
        while True:
            try:
                prepared = self._preparer.prepare(
                    batch.records, received_at=batch.received_at, dead_letters=batch.dead_letters
                )
            except ChildProcessFailedError:  # it is told
                if backoff.wait(self._stop):
                    return None
            except (RuntimeError, MemoryError, OSError):
                SERVICE_FAILURES.labels("encoder").inc()
                log.exception("embedding_failed", action="retry")
                if backoff.wait(self._stop):
                    return None
            else:
                return prepared
