"""Children of cancelled trainings and evaluations: tried again until they could be ended."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from sqlalchemy import Connection, Engine

from monitor.errors import DriftwardenError
from monitor.store.engine import transaction
from monitor.telemetry import get_logger
from retrain.jobs.launcher import Handle, Launcher, LauncherSource
from retrain.run_folder import RunFolder, Task

log = get_logger(__name__)

#: Of a child that nobody has tried to end yet, though its row is cancelled.
JUST_CANCELLED = "it was cancelled a moment ago"


class Cancelled(Protocol):
    """The row of a run or of an evaluation, as far as its child is concerned."""

    @property
    def id(self) -> int:
        """Its key."""
        ...

    @property
    def launcher(self) -> str:
        """Name of the launcher that started the child."""
        ...

    @property
    def handle(self) -> Handle | None:
        """How to find the child."""
        ...

    @property
    def termination_error(self) -> str | None:
        """Why the child couldn't be ended yet; ``None``: there is none left."""
        ...


Row = TypeVar("Row", bound=Cancelled)


@dataclass(frozen=True)
class CancelledChildren(Generic[Row]):
    """The children that rows of one table have left."""

    #: What a row is of, in the log.
    noun: str
    #: Reads and locks a row.
    locked: Callable[[Connection, int], Row]
    #: Returns the rows whose child couldn't be ended yet.
    listed: Callable[[Connection], list[Row]]
    #: Notes of a row why its child couldn't be ended; ``None``: it could.
    note: Callable[[Connection, int, str | None], None]

    def end(self, engine: Engine, row: Row, launcher_of: LauncherSource) -> str | None:
        """End a row's child; return why it couldn't be, so that it is tried again."""
        if row.handle is None or row.termination_error is None:
            return None
        why = _try_to_end(launcher_of, row.launcher, row.handle)
        with transaction(engine) as connection:
            current = self.locked(connection, row.id)
            if current.termination_error is None or current.handle != row.handle:
                return None  # another process has ended it, and another child may run since
            self.note(connection, row.id, why)
        if why is not None:
            log.warning("a cancelled child runs on", of=self.noun, id=row.id, error=why)
        return why

    def end_all(self, engine: Engine, launcher_of: LauncherSource) -> None:
        """Try again to end those that couldn't be ended."""
        with transaction(engine) as connection:
            left = self.listed(connection)
        for row in left:
            if self.end(engine, row, launcher_of) is None:
                log.info("a cancelled child was ended", of=self.noun, id=row.id)


def child_to_stop(
    launcher: Launcher, folder: RunFolder, known: Handle | None, task: Task
) -> Handle | None:
    """Return the child that cancelling has to end; ``None`` where there is none.

    Call it while the row is locked. A process that died before it stored a handle left a child all
    the same; what the folder tells is newer than what the row knows.
    """
    return launcher.adopt(folder, task) or known


def _try_to_end(launcher_of: LauncherSource, name: str, handle: Handle) -> str | None:
    try:
        launcher_of(name).cancel(handle)
    except (DriftwardenError, OSError) as error:
        return str(error) or type(error).__name__
    return None
