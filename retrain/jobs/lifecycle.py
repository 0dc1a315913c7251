"""Life cycle of a child process, the same for training runs and candidate evaluations.

A row comes first, then the child. Whoever comes later finds both: a daemon that starts again adopts
a child that its predecessor started, and reads the result that the child left.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy import Connection, Engine

from monitor.errors import DatabaseUnavailableError, DriftwardenError, WorkflowError
from monitor.store.engine import transaction
from monitor.store.training import children
from monitor.store.training.children import ChildTable
from monitor.telemetry import get_logger
from retrain.jobs.child_result import read_result
from retrain.jobs.launcher import ChildStatus, Handle, Launcher, LauncherSource
from retrain.run_folder import RunFolder, Task

log = get_logger(__name__)

#: Reason of a child that nobody has tried to terminate yet, though its row is cancelled.
JUST_CANCELLED = "it was cancelled a moment ago"


class ChildRow(Protocol):
    """A training run or a candidate evaluation, as far as its child is concerned."""

    @property
    def id(self) -> int:
        """Primary key."""
        ...

    @property
    def status(self) -> str:
        """A status of :data:`monitor.store.training.children.TRANSITIONS`."""
        ...

    @property
    def launcher(self) -> str:
        """Name of the launcher."""
        ...

    @property
    def handle(self) -> Handle | None:
        """The launcher's handle of the child."""
        ...

    @property
    def work_dir(self) -> str:
        """The run's folder."""
        ...

    @property
    def termination_error(self) -> str | None:
        """Why a cancelled child couldn't be terminated; ``None``: none is left."""
        ...


Row = TypeVar("Row", bound=ChildRow)
State = TypeVar("State")


@dataclass(frozen=True)
class ChildReport:
    """A child as its launcher and its folder show it."""

    status: ChildStatus
    #: The result that the child wrote last; ``None``: none yet.
    result: dict[str, Any] | None
    #: Why the child waits for a machine; empty where it doesn't wait.
    pending_reason: str

    @property
    def is_lost(self) -> bool:
        """Whether the child is gone without a result."""
        return self.status == "gone" and self.result is None


@dataclass(frozen=True)
class ChildLifecycle(Generic[Row]):
    """The steps of the rows of one table."""

    task: Task
    #: What a row is called in messages, such as ``training run``.
    noun: str
    table: ChildTable
    #: Reads a row, and locks it where the flag is set.
    row_by_id: Callable[[Connection, int, bool], Row]
    #: Returns the running rows.
    running: Callable[[Connection], list[Row]]
    #: Returns the cancelled rows whose child is still to be terminated.
    to_terminate: Callable[[Connection], list[Row]]
    #: Checks a planned row and writes what its child reads.
    prepare: Callable[[Connection, Row, RunFolder], None]
    #: Writes the row's step to ``running``.
    mark_running: Callable[[Connection, int, Handle, datetime], bool]
    #: Writes the row's step to ``cancelled``: row, time, actor.
    mark_cancelled: Callable[[Connection, Row, datetime, str], None]
    #: Advice where a row can't be started.
    advice: Callable[[Row], str] = field(default=lambda _row: "plan another one")

    def start(
        self,
        engine: Engine,
        row_id: int,
        launcher: Launcher,
        now: datetime,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start the child of a planned row, or adopt the child that a dead process started.

        Raises:
            WorkflowError: The row isn't planned.
        """
        with transaction(engine) as connection:
            # Locked until the handle is stored: two daemons must not start two children.
            row = self.row_by_id(connection, row_id, True)
            if row.status == "running":
                return
            if row.status != "planned":
                raise WorkflowError(f"{self.noun} {row_id} is {row.status}; {self.advice(row)}")
            folder = RunFolder(Path(row.work_dir))
            self.prepare(connection, row, folder)
            handle = launcher.submit(folder, dict(environment or {}), self.task)
            self.mark_running(connection, row_id, handle, now)

    def report(self, row: Row, launcher: Launcher) -> ChildReport:
        """Look at a running row's child.

        Raises:
            RemoteServiceError: The launcher's service is unavailable, so nothing is known.
        """
        folder = RunFolder(Path(row.work_dir))
        # In this order: a child that ends in between has written its result by then.
        status = launcher.status(row.handle or {})
        result = read_result(folder, self.task)
        pending_reason = launcher.explain(folder, self.task) if status == "pending" else ""
        return ChildReport(status, result, pending_reason)

    def poll_running(
        self, engine: Engine, launcher_of: LauncherSource, poll: Callable[[int, Launcher], State]
    ) -> list[State]:
        """Poll every running row; return the states.

        A row that can't be polled, for instance since its launcher's service is unavailable or
        not configured any more, stays as it is and is left out.
        """
        with transaction(engine) as connection:
            rows = self.running(connection)
        states = []
        for row in rows:
            try:
                states.append(poll(row.id, launcher_of(row.launcher)))
            except DatabaseUnavailableError:
                raise
            except (DriftwardenError, OSError) as error:
                log.warning("child_not_polled", task=self.task, id=row.id, error=str(error))
        return states

    def cancel(
        self, engine: Engine, row_id: int, launcher: Launcher, now: datetime, *, cancelled_by: str
    ) -> str | None:
        """Cancel a row and terminate its child; of a cancelled row, terminate its child again.

        The row is cancelled first: should this process die then, the child's result is ignored, and
        the row says which child is left.

        Returns:
            Why the child couldn't be terminated yet; :meth:`terminate_all` tries again. ``None``:
            it was, or there is none.

        Raises:
            WorkflowError: The row is finished and no child of it is left.
            RemoteServiceError: The launcher's service is unavailable; nothing was changed.
        """
        launcher.check()
        with transaction(engine) as connection:
            row = self.row_by_id(connection, row_id, True)
            if row.status in children.UNFINISHED:
                handle = self._child_to_terminate(launcher, row)
                if handle is not None:
                    children.record_unterminated_child(
                        connection, self.table, row_id, handle, JUST_CANCELLED
                    )
                self.mark_cancelled(connection, row, now, cancelled_by)
                row = self.row_by_id(connection, row_id, False)
            elif row.termination_error is None:
                raise WorkflowError(f"{self.noun} {row_id} is {row.status} already")
        return self._terminate(engine, row, lambda _name: launcher)

    def terminate_all(self, engine: Engine, launcher_of: LauncherSource) -> None:
        """Try again to terminate the children of cancelled rows."""
        with transaction(engine) as connection:
            rows = self.to_terminate(connection)
        for row in rows:
            if self._terminate(engine, row, launcher_of) is None:
                log.info("cancelled_child_terminated", task=self.task, id=row.id)

    def _child_to_terminate(self, launcher: Launcher, row: Row) -> Handle | None:
        """Return the handle of the child that a cancellation terminates.

        A process that died before it stored the handle left a child too, so the folder counts
        before the row. A row that awaits ratings has no child.
        """
        if row.status == "awaiting_ratings":
            return None
        return launcher.adopt(RunFolder(Path(row.work_dir)), self.task) or row.handle

    def _terminate(self, engine: Engine, row: Row, launcher_of: LauncherSource) -> str | None:
        if row.handle is None or row.termination_error is None:
            return None
        reason = _cancel_child(launcher_of, row.launcher, row.handle)
        with transaction(engine) as connection:
            current = self.row_by_id(connection, row.id, True)
            if current.termination_error is None or current.handle != row.handle:
                return None  # another process terminated it, and another child may run since
            children.set_termination_error(connection, self.table, row.id, reason)
        if reason is not None:
            log.warning("cancelled_child_still_running", task=self.task, id=row.id, error=reason)
        return reason


def _cancel_child(launcher_of: LauncherSource, name: str, handle: Handle) -> str | None:
    try:
        launcher_of(name).cancel(handle)
    except (DriftwardenError, OSError) as error:
        return str(error) or type(error).__name__
    return None
