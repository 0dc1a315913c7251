"""Tells the demo's story in the terminal: chapters, figures, tables and progress bars."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.panel import Panel
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text


class Step:
    """A running progress bar."""

    def __init__(self, progress: Progress, description: str, total: int | None) -> None:
        self._progress = progress
        self._task = progress.add_task(description, total=total)

    def update(self, completed: int, total: int | None = None) -> None:
        """Set how much is done."""
        self._progress.update(self._task, completed=completed, total=total)


class Narrator:
    """Writes to one console; knows when the story began."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)
        self._started = time.monotonic()
        self._chapter = 0

    @property
    def elapsed_seconds(self) -> float:
        """Seconds since the story began."""
        return time.monotonic() - self._started

    def chapter(self, title: str) -> None:
        """Begin a chapter."""
        self._chapter += 1
        stamp = f"{self.elapsed_seconds:.0f} s"
        self.console.print()
        self.console.rule(
            f"[bold]{self._chapter}. {title}[/bold] [dim]({stamp})[/dim]", align="left"
        )

    def say(self, text: str) -> None:
        """Print a paragraph; rich's markup is understood."""
        self.console.print(text)

    def quote(self, text: str, *, title: str = "") -> None:
        """Show foreign text in a frame, without reading markup into it."""
        self.console.print(Panel(Text(text), title=title or None, title_align="left"))

    def show(self, renderable: RenderableType) -> None:
        """Print a table or a panel."""
        self.console.print(renderable)

    @contextmanager
    def step(self, description: str, total: int | None = None) -> Iterator[Step]:
        """Show a bar for something that takes more than a second, then a line with its duration."""
        began = time.monotonic()
        with Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
        ) as progress:
            yield Step(progress, description, total)
        self.console.print(f"  [dim]{description}: {time.monotonic() - began:.1f} s[/dim]")


def figures(title: str, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Table:
    """Build a table: the first column names, the others are right-aligned figures."""
    table = Table(title=title or None, title_justify="left", header_style="bold")
    for i, column in enumerate(columns):
        table.add_column(column, justify="left" if i == 0 else "right")
    for row in rows:
        table.add_row(*row)
    return table
