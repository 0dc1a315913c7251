"""The launcher interface: children are submitted, adopted, watched and cancelled."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from monitor.errors import WorkflowError
from retrain.run_folder import RunFolder, Task

#: The module that does a task: ``python -m MODULE RUN_DIR``.
MODULES: dict[Task, str] = {
    "train": "retrain.training.child",
    "evaluate": "retrain.evaluation.child",
}
#: What a task's child is called in messages.
NOUNS: dict[Task, str] = {"train": "training", "evaluate": "evaluation"}

#: ``pending``: submitted, and it waits for a machine. ``gone``: not running any more; how it ended
#: stands in the task's result file.
ChildStatus = Literal["pending", "running", "gone"]
Handle = dict[str, Any]


@dataclass(frozen=True)
class Capability:
    """Whether a launcher can do something."""

    able: bool
    #: Within which limits; of what it can't do, why not and what to do instead.
    remark: str


@dataclass(frozen=True)
class Capabilities:
    """What a launcher can do beyond starting a child and ending it."""

    #: A child that died goes on from its checkpoint.
    resume: Capability
    #: What the child printed can be read.
    logs: Capability
    #: The child computes on a device of this machine, so its memory can be looked at before.
    device: Capability

    def describe(self) -> str:
        """Return a one-line description."""
        named = (("resume", self.resume), ("logs", self.logs), ("this device", self.device))
        return "; ".join(f"{n}: {'yes' if c.able else 'no'}. {c.remark}" for n, c in named)


class Launcher(Protocol):
    """Starts children. A handle is JSON and outlives the process that launched.

    A run has at most one child a task. What belongs to a task lies in
    :meth:`retrain.run_folder.RunFolder.task`.
    """

    name: str
    capabilities: Capabilities

    def submit(
        self, folder: RunFolder, environment: dict[str, str], task: Task = "train"
    ) -> Handle:
        """Start a task's child, unless :meth:`adopt` finds one; return how to find it."""
        ...

    def adopt(self, folder: RunFolder, task: Task = "train") -> Handle | None:
        """Find a child that was started for this task, by a process that then died."""
        ...

    def status(self, handle: Handle) -> ChildStatus:
        """Tell whether the child still waits or runs.

        Raises:
            RemoteServiceError: Its service is unavailable, so its status is unknown.
        """
        ...

    def explain(self, folder: RunFolder, task: Task = "train") -> str:
        """Return why the child waits, or how it ended, as seen from outside; empty: unknown."""
        ...

    def logs(self, folder: RunFolder, last_lines: int, task: Task = "train") -> list[str]:
        """Return the last lines that the child printed.

        Raises:
            WorkflowError: There is no log to be had.
        """
        ...

    def cancel(self, handle: Handle) -> None:
        """End the child and all it started; one that is gone is left alone.

        Raises:
            DriftwardenError: It can't be ended now, and may run on.
        """
        ...

    def check(self) -> str:
        """Say what is there to launch on.

        Raises:
            DriftwardenError: Nothing is, and what to do.
        """
        ...


#: Finds the launcher that a run names.
LauncherSource = Callable[[str], Launcher]


@dataclass(frozen=True)
class LogFile:
    """The end of a log file."""

    path: Path

    def lines(self, n: int) -> list[str]:
        """Return the last ``n`` lines; none where there is no log."""
        if not self.path.is_file():
            return []
        return self.path.read_text(encoding="utf-8", errors="replace").splitlines()[-n:]


def child_command(python: Sequence[str], task: Task, folder: RunFolder) -> list[str]:
    """Return what is run for a task, with the command that starts Python where it runs."""
    return [*python, "-m", MODULES[task], str(folder.root)]


def require_resume(launcher: Launcher) -> None:
    """Refuse where a launcher can't let a child go on from its checkpoint.

    Raises:
        WorkflowError: It can't; the message says why, and what to do instead.
    """
    resume = launcher.capabilities.resume
    if not resume.able:
        raise WorkflowError(f"the launcher {launcher.name!r} can't resume a run. {resume.remark}")
