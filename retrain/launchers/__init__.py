"""How a training child is started and watched, on this machine or elsewhere."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from monitor.errors import ConfigurationError
from retrain.run_folder import RunFolder

#: ``gone``: not running any more. How it ended stands in the run's ``result.json``.
ChildStatus = Literal["running", "gone"]
Handle = dict[str, Any]


class Launcher(Protocol):
    """Starts training children. A handle is JSON and outlives the process that launched."""

    name: str

    def submit(self, folder: RunFolder, environment: dict[str, str]) -> Handle:
        """Start the child of a run, unless :meth:`adopt` finds one; return how to find it."""
        ...

    def adopt(self, folder: RunFolder) -> Handle | None:
        """Find a child that was started for this folder, by a process that then died."""
        ...

    def status(self, handle: Handle) -> ChildStatus:
        """Tell whether the child still runs."""
        ...

    def logs(self, folder: RunFolder, last_lines: int) -> list[str]:
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
