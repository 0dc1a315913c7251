"""What the commands that assess have in common: output, exit status, progress."""

from enum import IntEnum
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from monitor.store.windows.assessment import Assessment


class ExitStatus(IntEnum):
    """The exit status of a comparison: what a script or a CI job asks for."""

    NO_DRIFT = 0
    DRIFT = 3
    NOT_ENOUGH_DATA = 4


def exit_status(assessment: "Assessment") -> ExitStatus:
    """Return the exit status that says what was found."""
    return ExitStatus[assessment.verdict.upper()]


def show(assessment: "Assessment", *, as_json: bool) -> None:
    """Print an assessment on standard output."""
    if as_json:
        import msgspec

        typer.echo(msgspec.json.format(msgspec.json.encode(assessment), indent=2).decode())
        return
    from rich.console import Console

    from monitor.windows.report.terminal import print_assessment

    print_assessment(assessment, Console())


class ProgressBars:
    """Bars on stderr, one for each step; nothing where stderr is not a terminal."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        console = Console(stderr=True)
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:,.0f}/{task.total:,.0f}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> "ProgressBars":
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def __call__(self, step: str, done: int, total: int) -> None:
        """Show how far a step is."""
        if step not in self._tasks:
            self._tasks[step] = self._bars.add_task(step, total=total)
        # A step that can't be counted shows a moving bar until it is done.
        counted = total if total > 1 or done == total else None
        self._bars.update(self._tasks[step], completed=done, total=counted)
