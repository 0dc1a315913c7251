"""Terminal output of the demo: sections, tables, quotes and progress bars."""

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

    def describe(self, state: str) -> None:
        """Set the text."""
        self._progress.update(self._task, description=state)

    def advance(self, amount: int) -> None:
        """Add to the completed amount."""
        self._progress.advance(self._task, amount)

    def update(self, completed: int, total: int | None = None) -> None:
        """Set the completed amount."""
        self._progress.update(self._task, completed=completed, total=total)


class DemoConsole:
    """The console of the demo, with numbered sections and the elapsed time."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)
        self._started = time.monotonic()
        self._section = 0

    @property
    def elapsed_seconds(self) -> float:
        """Seconds since the start of the demo."""
        return time.monotonic() - self._started

    def section(self, title: str) -> None:
        """Print the heading of a section."""
        self._section += 1
        stamp = f"{self.elapsed_seconds:.0f} s"
        self.console.print()
        self.console.rule(
            f"[bold]{self._section}. {title}[/bold] [dim]({stamp})[/dim]", align="left"
        )

    def write(self, text: str) -> None:
        """Print a paragraph with Rich markup."""
        self.console.print(text)

    def quote(self, text: str, *, title: str = "") -> None:
        """Print text in a frame, without interpreting markup."""
        self.console.print(Panel(Text(text), title=title or None, title_align="left"))

    def show(self, renderable: RenderableType) -> None:
        """Print a table or a panel."""
        self.console.print(renderable)

    @contextmanager
    def step(self, description: str, total: int | None = None) -> Iterator[Step]:
        """Show a progress bar for a step, then a line with its duration."""
        began = time.monotonic()
        with Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,  # it would leave empty lines in a file
        ) as progress:
            yield Step(progress, description, total)
        self.console.print(f"  [dim]{description}: {time.monotonic() - began:.1f} s[/dim]")


def figures(title: str, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Table:
    """Build a table: names in the first column, right-aligned figures in the others."""
    table = Table(title=title or None, title_justify="left", header_style="bold")
    for i, column in enumerate(columns):
        table.add_column(column, justify="left" if i == 0 else "right")
    for row in rows:
        table.add_row(*row)
    return table
