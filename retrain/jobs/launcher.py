"""Interface of launchers: submit, adopt, watch and cancel children."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from monitor.errors import WorkflowError
from retrain.run_folder import RunFolder, Task

#: The module of each task: ``python -m MODULE RUN_DIR``.
MODULES: dict[Task, str] = {
    "train": "retrain.training.child",
    "evaluate": "retrain.evaluation.child",
}
#: Name of a task's child in messages.
NOUNS: dict[Task, str] = {"train": "training", "evaluate": "evaluation"}

#: ``pending``: submitted, waiting for a machine. ``gone``: ended; the task's result file says how.
ChildStatus = Literal["pending", "running", "gone"]
Handle = dict[str, Any]


@dataclass(frozen=True)
class Capability:
    """A capability of a launcher."""

    able: bool
    #: Limits of the capability, or the reason for its absence and an alternative.
    remark: str


@dataclass(frozen=True)
class Capabilities:
    """Optional capabilities of a launcher."""

    #: A lost child can continue from its checkpoint.
    resume: Capability
    #: The child's output can be read.
    logs: Capability
    #: The child uses a device of this machine, so its memory can be checked first.
    device: Capability

    def describe(self) -> str:
        """Return a one-line description."""
        named = (("resume", self.resume), ("logs", self.logs), ("this device", self.device))
        return "; ".join(f"{n}: {'yes' if c.able else 'no'}. {c.remark}" for n, c in named)


class Launcher(Protocol):
    """A launcher of children. A handle is JSON and outlives the launching process.

    A run has at most one child per task, with its files in
    :meth:`retrain.run_folder.RunFolder.task`.
    """

    name: str
    capabilities: Capabilities

    def submit(
        self, folder: RunFolder, environment: dict[str, str], task: Task = "train"
    ) -> Handle:
        """Start a task's child, unless :meth:`adopt` finds one; return its handle."""

    def adopt(self, folder: RunFolder, task: Task = "train") -> Handle | None:
        """Find the task's child that a dead process has started."""

    def status(self, handle: Handle) -> ChildStatus:
        """Return whether the child waits, runs or has ended.

        Raises:
            RemoteServiceError: Its service is unavailable, so its status is unknown.
        """

    def explain(self, folder: RunFolder, task: Task = "train") -> str:
        """Return why the child waits, or how it ended; empty: unknown."""

    def logs(self, folder: RunFolder, last_lines: int, task: Task = "train") -> list[str]:
        """Return the last lines of the child's log; ``WorkflowError`` where it is unavailable."""

    def cancel(self, handle: Handle) -> None:
        """Terminate the child and its subprocesses; ignore a child that has ended.

        Raises:
            DriftwardenError: The child can't be terminated now and may still run.
        """

    def check(self) -> str:
        """Describe the machine or service that runs children.

        Raises:
            DriftwardenError: It is unavailable; the message says what to do.
        """


#: Returns the launcher of a name.
LauncherSource = Callable[[str], Launcher]


def child_command(python: Sequence[str], task: Task, folder: RunFolder) -> list[str]:
    """Return the command line of a task, given the command that starts Python.

    A folder of the name of one of our packages, where the child starts, is not searched (-P).
    """
    return [*python, "-Pm", MODULES[task], str(folder.root)]


def require_resume(launcher: Launcher) -> None:
    """Require that a launcher can resume a child from its checkpoint.

    Raises:
        WorkflowError: It can't; the message names the reason and an alternative.
    """
    resume = launcher.capabilities.resume
    if not resume.able:
        raise WorkflowError(
            f"the launcher {launcher.name!r} can't resume a run. {resume.remark}", code="no_resume"
        )
