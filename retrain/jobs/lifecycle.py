"""Life cycle of a child process, the same for training runs and candidate evaluations.

The row is stored before the child starts. A restarted daemon adopts the child of its predecessor
and reads the child's result.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Engine

from monitor.errors import DatabaseUnavailableError, DriftwardenError, WorkflowError
from monitor.store.engine import transaction
from monitor.store.training import children
from monitor.store.training.candidate_evaluations import CandidateEvaluationRow
from monitor.store.training.children import ChildTable
from monitor.store.training.runs import RunRow
from monitor.telemetry import get_logger
from retrain.jobs.child_result import read_result
from retrain.jobs.launcher import ChildStatus, Handle, Launcher, LauncherSource
from retrain.run_folder import RunFolder, Task

log = get_logger(__name__)

#: Termination error before the first attempt to terminate a cancelled row's child.
JUST_CANCELLED = "its termination has not been tried yet"


Row = TypeVar("Row", RunRow, CandidateEvaluationRow)
State = TypeVar("State")


@dataclass(frozen=True)
class ChildReport:
    """The state of a child, from its launcher and its folder."""

    status: ChildStatus
    #: The child's result; ``None``: none yet.
    result: dict[str, Any] | None
    #: Why the child waits for a machine; empty if it doesn't.
    pending_reason: str

    @property
    def is_lost(self) -> bool:
        """Whether the child ended without a result."""
        return self.status == "gone" and self.result is None


@dataclass(frozen=True)
class ChildLifecycle(Generic[Row]):
    """The life-cycle steps for the rows of a table."""

    task: Task
    #: Name of a row in messages, such as ``training run``.
    noun: str
    table: ChildTable
    #: Reads a row; locks it if the flag is set.
    row_by_id: Callable[[Connection, int, bool], Row]
    #: Returns the running rows.
    running: Callable[[Connection], list[Row]]
    #: Returns the cancelled rows with a child to terminate.
    to_terminate: Callable[[Connection], list[Row]]
    #: Checks a planned row and writes the child's input.
    prepare: Callable[[Connection, Row, RunFolder], None]
    #: Stores the transition to ``running``.
    mark_running: Callable[[Connection, int, Handle, datetime], bool]
    #: Stores the transition to ``cancelled``: row, time, actor.
    mark_cancelled: Callable[[Connection, Row, datetime, str], None]
    #: Advice for a row that can't be started.
    advice: Callable[[Row], str] = field(default=lambda _row: "plan another run")

    def start(
        self,
        engine: Engine,
        row_id: int,
        launcher: Launcher,
        now: datetime,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start the child of a planned row, or adopt the running child of a dead process.

        Raises:
            WorkflowError: The row is not planned.
        """
        with transaction(engine) as connection:
            # Lock the row until the handle is stored, so that two daemons don't start two children.
            row = self.row_by_id(connection, row_id, True)
            if row.status == "running":
                return
            if row.status != "planned":
                raise WorkflowError(
                    f"{self.noun} {row_id} is {row.status}; {self.advice(row)}", code="not_planned"
                )
            folder = RunFolder(Path(row.work_dir))
            self.prepare(connection, row, folder)
            handle = launcher.submit(folder, dict(environment or {}), self.task)
            self.mark_running(connection, row_id, handle, now)

    def report(self, row: Row, launcher: Launcher) -> ChildReport:
        """Return the state of a running row's child.

        Raises:
            RemoteServiceError: The launcher's service is unavailable, so the state is unknown.
        """
        folder = RunFolder(Path(row.work_dir))
        # Status before result: a child that ends in between has already written its result.
        status = launcher.status(row.handle or {})
        result = read_result(folder, self.task)
        pending_reason = launcher.explain(folder, self.task) if status == "pending" else ""
        return ChildReport(status, result, pending_reason)

    def poll_running(
        self, engine: Engine, launcher_of: LauncherSource, poll: Callable[[int, Launcher], State]
    ) -> list[State]:
        """Poll every running row; return the states.

        A row that can't be polled, for example because its launcher's service is unavailable or
        no longer configured, stays unchanged and is skipped.
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
        """Cancel a row and terminate its child; for a cancelled row, retry the termination.

        The row is cancelled first. If this process then dies, the child's result is ignored and the
        row still names the child. The result is why the child couldn't be terminated, which
        :meth:`terminate_all` retries; ``None``: it is, or there is none.

        Raises:
            WorkflowError: The row is finished and has no child left.
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
                raise WorkflowError(f"{self.noun} {row_id} is {row.status} already", code="ended")
        return self._terminate(engine, row, lambda _name: launcher)

    def terminate_all(self, engine: Engine, launcher_of: LauncherSource) -> None:
        """Retry the termination of cancelled rows' children."""
        with transaction(engine) as connection:
            rows = self.to_terminate(connection)
        for row in rows:
            if self._terminate(engine, row, launcher_of) is None:
                log.info("cancelled_child_terminated", task=self.task, id=row.id)

    def _child_to_terminate(self, launcher: Launcher, row: Row) -> Handle | None:
        """Return the handle of the child that a cancellation terminates.

        A process may have died before it stored the handle, so the folder is read before the row. A
        draft, and a row that awaits ratings, has no child.
        """
        if row.status in {"draft", "awaiting_ratings"}:
            return None
        return launcher.adopt(RunFolder(Path(row.work_dir)), self.task) or row.handle

    def _terminate(self, engine: Engine, row: Row, launcher_of: LauncherSource) -> str | None:
        if row.handle is None or row.termination_error is None:
            return None
        reason = _cancel_child(launcher_of, row.launcher, row.handle)
        with transaction(engine) as connection:
            current = self.row_by_id(connection, row.id, True)
            if current.termination_error is None or current.handle != row.handle:
                return None  # another process terminated it; a new child may run
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
