"""Runners of evaluations: in this process, or in a child process with a time limit."""

import os
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import Any, Protocol

from sqlalchemy import Engine
from structlog.contextvars import get_contextvars

from monitor.child_process import ChildProcess, describe_end
from monitor.embedding.encoder import load_encoder
from monitor.errors import ChildProcessFailedError, DatabaseUnavailableError
from monitor.scheduling.protocol import Ready, Reply, Start, Task
from monitor.setting_types.durations import format_duration
from monitor.settings import Embedding
from monitor.settings.secrets.database_url import DatabaseUrl
from monitor.store.leadership import acting_epoch
from monitor.telemetry import get_logger
from monitor.windows.reading.reembedding import EncoderSource

#: Time for the start of the child: its imports, on a busy machine.
START_SECONDS = 300.0
#: Time in which a running evaluation may end after the daemon was told to stop.
STOP_SECONDS = 60.0
#: Memory after a task, as a multiple of that after the start, above which the child is replaced.
MAX_REMNANT = 1.25
#: Time between checks whether the daemon is to stop.
POLL_SECONDS = 0.5
#: What helps where a child was killed for its memory.
OUT_OF_MEMORY = "Give the daemon more, or sample less of this model: [[traffic.rates]]"
STOPPED = "the daemon was stopped, or another replica leads; it is repeated"

log = get_logger(__name__)


class Runner(Protocol):
    """A runner of tasks: functions of the engine, their arguments and the encoder."""

    def run(self, task: Callable[..., Any], *arguments: Any, limit: timedelta) -> Any:
        """Return the result of ``task(engine, *arguments, encoder=encoder)``.

        Raises:
            ChildProcessFailedError: The task had no result.
            DatabaseUnavailableError: The database is unavailable.
        """
        ...

    def rest(self) -> None:
        """Free what is kept between tasks."""
        ...


class DirectRunner:
    """A runner in this process, without a time limit."""

    def __init__(self, engine: Engine, embedding: Embedding, encoder: EncoderSource | None) -> None:
        self._engine = engine
        self._encoder = encoder or cache(lambda: load_encoder(embedding))

    def run(self, task: Callable[..., Any], *arguments: Any, limit: timedelta) -> Any:  # noqa: ARG002
        """Return the result of the task; its errors are raised as they are."""
        return task(self._engine, *arguments, encoder=self._encoder)

    def rest(self) -> None:
        """Keep everything."""


class ProcessRunner:
    """A runner in a child process, which serves one task after the other.

    The child has its own connections to the database and its own encoder, loaded where a task
    embeds texts again. It is killed when a task exceeds its limit, and replaced when one leaves too
    much memory behind. Only functions at the top of a module can be tasks.
    """

    def __init__(
        self,
        engine: Engine,
        embedding: Embedding,
        stop: threading.Event,
        *,
        leads: Callable[[], bool] = lambda: True,
        preload: tuple[str, ...] = (),
    ) -> None:
        """Start nothing yet.

        The engine names the database; its connections stay in this process. Once ``stop`` is set,
        the running task has :data:`STOP_SECONDS` to end, and none begins; where this process
        doesn't lead, it is killed. The child imports the modules of ``preload`` at its start,
        before the limit counts.
        """
        url = DatabaseUrl(engine.url.render_as_string(hide_password=False))
        self._start = Start(url, embedding, preload, os.getpid())
        self._stop = stop
        self._leads = leads
        self._child: ChildProcess | None = None
        #: Bytes of the child after its start.
        self._resident = 0

    @property
    def pid(self) -> int | None:
        """The child; ``None`` where there is none."""
        child = self._child
        return None if child is None else child.process.pid

    def run(self, task: Callable[..., Any], *arguments: Any, limit: timedelta) -> Any:
        """Return the result of the task; see :class:`Runner`."""
        child = self._running_child()
        try:
            self._require_start()
            child.connection.send(Task(task, arguments, acting_epoch(), get_contextvars()))
            reply: Reply = self._receive(child, limit.total_seconds(), _describe_limit(limit))
        except (EOFError, OSError):
            raise self._crash(child) from None
        except BaseException:
            self.rest()
            raise
        if reply.resident > MAX_REMNANT * self._resident:
            self.rest()
        if reply.database_unavailable:
            raise DatabaseUnavailableError(reply.error)
        if reply.error:
            raise ChildProcessFailedError(reply.error, code="failed")
        return reply.value

    def rest(self) -> None:
        """End the child."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def _running_child(self) -> ChildProcess:
        """Return the child; start it where there is none, or where it has died since."""
        if self._child is not None and self._child.process.poll() is not None:
            self.rest()
        if self._child is None:
            self._require_start()
            self._child = ChildProcess("monitor.scheduling.child")
            try:
                self._child.connection.send(self._start)
                too_slow = (
                    f"its process did not start in {START_SECONDS:.0f} s; is the machine busy?"
                )
                ready: Ready = self._receive(self._child, START_SECONDS, too_slow, stop_seconds=0.0)
            except (EOFError, OSError):
                raise self._crash(self._child) from None
            except BaseException:
                self.rest()
                raise
            self._resident = ready.resident
        return self._child

    def _require_start(self) -> None:
        """Refuse to begin a task in a daemon that stops, or no longer leads."""
        if self._stop.is_set() or not self._leads():
            raise ChildProcessFailedError(STOPPED, code="stopped")

    def _receive(
        self,
        child: ChildProcess,
        seconds: float,
        too_slow: str,
        *,
        stop_seconds: float | None = None,
    ) -> Any:
        """Return the child's next message.

        Without one in time, ``too_slow`` is the reason. Once the daemon stops, the time is
        ``stop_seconds``; ``None``: :data:`STOP_SECONDS`.

        Raises:
            ChildProcessFailedError: There was none in time, or the daemon stops.
            EOFError: The child has died.
        """
        deadline, code, reason = time.monotonic() + seconds, "time_limit", too_slow
        while True:
            if self._stop.is_set() and code == "time_limit":
                grace = STOP_SECONDS if stop_seconds is None else stop_seconds
                deadline = min(deadline, time.monotonic() + grace)
                code, reason = "stopped", STOPPED
            if not self._leads():
                deadline, code, reason = 0.0, "stopped", STOPPED
            left = deadline - time.monotonic()
            # A reply that is there counts, even where this process was frozen past the limit.
            if child.connection.poll(max(0.0, min(left, POLL_SECONDS))):
                return child.connection.recv()
            if left <= 0.0:
                raise ChildProcessFailedError(reason, code=code)

    def _crash(self, child: ChildProcess) -> ChildProcessFailedError:
        status = child.status()
        self.rest()
        return ChildProcessFailedError(
            describe_end(status, out_of_memory=OUT_OF_MEMORY), code="killed"
        )


def _describe_limit(limit: timedelta) -> str:
    return (
        f"not done after monitoring.max_evaluation_time = {format_duration(limit)}, and ended; "
        "raise the limit for this model if its windows are large, or find in the log where it hangs"
    )
