"""Output, exit status and progress of the commands that compare and evaluate."""

from enum import IntEnum
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from monitor.store.windows.assessment import Assessment


class ExitStatus(IntEnum):
    """Exit status of a comparison, for scripts and CI jobs."""

    NO_DRIFT = 0
    DRIFT = 3
    NOT_ENOUGH_DATA = 4


def exit_status(assessment: "Assessment") -> ExitStatus:
    """Return the exit status of an assessment."""
    return ExitStatus[assessment.verdict.upper()]


def escape_controls(text: str) -> str:
    """Return a text whose names of files and models can't steer a terminal, nor turn its order."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else repr(character)[1:-1] for character in text
    )


def print_line(text: str) -> None:
    """Print one line on standard output, with line breaks and controls in it escaped."""
    typer.echo(escape_controls(text))


def print_json(content: Any) -> None:
    """Print a document as indented JSON on standard output."""
    import msgspec

    typer.echo(msgspec.json.format(msgspec.json.encode(content), indent=2).decode())


def show(assessment: "Assessment", *, as_json: bool) -> None:
    """Print an assessment on standard output."""
    if as_json:
        print_json(assessment)
        return
    from rich.console import Console

    from monitor.windows.report.terminal import print_assessment

    print_assessment(assessment, Console())


class ProgressBars:
    """Progress bars on stderr, one per step; silent where stderr is not a terminal."""

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
        """Update the bar of a step."""
        if step not in self._tasks:
            self._tasks[step] = self._bars.add_task(step, total=total)
        # A step without a count shows a moving bar until it is done.
        known_total = total if total > 1 or done == total else None
        self._bars.update(self._tasks[step], completed=done, total=known_total)
