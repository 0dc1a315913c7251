"""How a run's children are started and watched, on this machine or elsewhere."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from monitor.errors import ConfigurationError
from retrain.run_folder import RunFolder, Task

#: The module that does a task: ``python -m MODULE RUN_DIR``.
MODULES: dict[Task, str] = {"train": "retrain.child", "evaluate": "retrain.evaluation.child"}
#: What a task's child is called in messages.
NOUNS: dict[Task, str] = {"train": "training", "evaluate": "evaluation"}

#: ``gone``: not running any more. How it ended stands in the task's result file.
ChildStatus = Literal["running", "gone"]
Handle = dict[str, Any]


class Launcher(Protocol):
    """Starts children. A handle is JSON and outlives the process that launched.

    A run has at most one child a task. What belongs to a task lies in
    :meth:`retrain.run_folder.RunFolder.task`.
    """

    name: str

    def submit(
        self, folder: RunFolder, environment: dict[str, str], task: Task = "train"
    ) -> Handle:
        """Start a task's child, unless :meth:`adopt` finds one; return how to find it."""
        ...

    def adopt(self, folder: RunFolder, task: Task = "train") -> Handle | None:
        """Find a child that was started for this task, by a process that then died."""
        ...

    def status(self, handle: Handle) -> ChildStatus:
        """Tell whether the child still runs."""
        ...

    def logs(self, folder: RunFolder, last_lines: int, task: Task = "train") -> list[str]:
        """Return the last lines that the child printed."""
        ...

    def cancel(self, handle: Handle) -> None:
        """End the child and all it started."""
        ...


@dataclass(frozen=True)
class LogTail:
    """The end of a log file."""

    path: Path

    def lines(self, n: int) -> list[str]:
        """Return the last ``n`` lines; none where there is no log."""
        if not self.path.is_file():
            return []
        return self.path.read_text(encoding="utf-8", errors="replace").splitlines()[-n:]


def launcher_named(name: str) -> Launcher:
    """Return the launcher that a run names."""
    if name == "subprocess":
        from retrain.launchers.local import SubprocessLauncher  # noqa: PLC0415 - cycle otherwise

        return SubprocessLauncher()
    raise ConfigurationError(f"launcher {name!r}: only 'subprocess' is known")
