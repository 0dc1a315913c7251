"""Rows of batches, built in a child process: polling needs this process's interpreter."""

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Any, Literal

from monitor.child_process import ChildProcess, describe_end
from monitor.errors import ChildProcessFailedError
from monitor.settings import Sections
from monitor.store.traffic.dead_letters import DeadLetterRow
from monitor.store.traffic.position import HalfRow
from monitor.telemetry import SERVICE_FAILURES, Counted, count_all, get_logger
from monitor.traffic.end_users.rules import PresentRules
from monitor.traffic.ingest.prepared_batch import PreparedBatch
from monitor.traffic.record import RawRecord
from monitor.traffic.sampling.observation_plan import ObservationPlan
from monitor.traffic.sampling.sampler import Draw

log = get_logger(__name__)

CHILD = "monitor.traffic.ingest.row_child"
#: Time for a task; a batch of hostile texts takes seconds.
TASK_SECONDS = 300.0
OUT_OF_MEMORY = "Give the daemon more, or lower traffic.batch_size"


@dataclass(frozen=True)
class Start:
    """The first message to the child."""

    settings: Sections
    parent: int


@dataclass(frozen=True)
class NewRules:
    """The rules of the tasks that follow."""

    rules: PresentRules | None


@dataclass(frozen=True)
class Task:
    """A call of :class:`monitor.traffic.ingest.row_builder.RowBuilder`."""

    method: Literal["from_records", "from_pairs"]
    content: Sequence[Any]
    options: dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """The outcome of the start, or of a task."""

    outcome: PreparedBatch | Exception | None
    #: What the child's counters have counted since the last reply.
    counted: Counted = field(default_factory=dict)


class RowProcess:
    """Rows built in a child process, one batch at a time.

    It is started and ended by a ``with`` block. A child that has died is replaced at the next call.
    """

    def __init__(self, settings: Sections) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._child: ChildProcess | None = None
        #: The rules that the child has.
        self._rules: PresentRules | None = None

    def __enter__(self) -> "RowProcess":
        try:
            self._await_child()
        except ChildProcessFailedError:
            pass  # it is told; the first call starts another
        except BaseException:
            self._end_child()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end_child()

    @property
    def pid(self) -> int | None:
        """The child; ``None`` where there is none."""
        child = self._child
        return None if child is None else child.process.pid

    def from_records(
        self,
        records: Sequence[RawRecord],
        *,
        received_at: datetime,
        rules: PresentRules | None,
        plan: ObservationPlan | None,
        draws: Sequence[Draw] | None = None,
        dead_letters: Sequence[DeadLetterRow] = (),
    ) -> PreparedBatch:
        """Build the rows of records.

        Raises:
            ChildProcessFailedError: The child has died; the call can be repeated.
        """
        options = {
            "received_at": received_at,
            "plan": plan,
            "draws": draws,
            "dead_letters": dead_letters,
        }
        return self._call(Task("from_records", records, options), rules)

    def from_pairs(
        self,
        pairs: Sequence[tuple[HalfRow, HalfRow]],
        *,
        rules: PresentRules | None,
        plan: ObservationPlan | None,
    ) -> PreparedBatch:
        """Build the rows of joined pairs.

        Raises:
            ChildProcessFailedError: The child has died; the call can be repeated.
        """
        return self._call(Task("from_pairs", pairs, {"plan": plan}), rules)

    def _call(self, task: Task, rules: PresentRules | None) -> PreparedBatch:
        with self._lock:
            child = self._await_child()
            if rules is not self._rules:
                self._ask(child, NewRules(rules))
                self._rules = rules
            built: PreparedBatch = self._ask(child, task)
            return built

    def _await_child(self) -> ChildProcess:
        """Return the child; start it where there is none."""
        if self._child is None:
            self._child = ChildProcess(CHILD)
            self._rules = None
            self._ask(self._child, Start(self._settings, os.getpid()))
        return self._child

    def _ask(self, child: ChildProcess, message: Start | NewRules | Task) -> Any:
        """Return the outcome of a message; raise it where it is an error.

        A child that hangs is killed, as sending and receiving would wait for ever.
        """
        hung = threading.Event()

        def end() -> None:
            hung.set()
            child.process.kill()

        limit = threading.Timer(TASK_SECONDS, end)
        limit.daemon = True  # it keeps no interpreter from ending
        limit.start()
        try:
            child.connection.send(message)
            reply: Reply = child.connection.recv()
        except (EOFError, OSError):
            raise self._told_death(child, hung=hung.is_set()) from None
        finally:
            limit.cancel()
        count_all(reply.counted)
        if isinstance(reply.outcome, Exception):
            raise reply.outcome
        return reply.outcome

    def _told_death(self, child: ChildProcess, *, hung: bool) -> ChildProcessFailedError:
        """End the child, and tell once how it died."""
        status = child.status()
        self._end_child()
        reason = (
            f"its process gave no rows in {TASK_SECONDS:g} s and was ended"
            if hung
            else describe_end(status, out_of_memory=OUT_OF_MEMORY)
        )
        SERVICE_FAILURES.labels("preparation").inc()
        log.error("preparation_process_died", reason=reason, action="another repeats the batch")
        return ChildProcessFailedError(reason, code="killed")

    def _end_child(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child = None
