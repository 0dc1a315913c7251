"""Markdown report, printed line by line during the measurement."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TextIO

from monitor.bench.figure import Figure

#: Columns with their widths in a terminal.
COLUMNS = {
    "figure": 66,
    "value": 10,
    "95% interval": 14,
    "goal": 29,
    "": 6,
    "measured": 0,
}
GOAL_MARKS = {True: "held", False: "MISSED", None: ""}


@dataclass(frozen=True)
class Table:
    """Figures in a table of their own."""

    note: str
    headings: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]
    #: The same figures, for build/bench.json.
    figures: tuple[Figure, ...]


class Report:
    """A report on several streams, with its figures."""

    def __init__(self, streams: Sequence[TextIO]) -> None:
        self._streams = streams
        self._started = False
        self._in_table = False
        #: The data set of the figures, as a prefix of their names.
        self.subject = ""
        self.figures: list[Figure] = []

    def title(self, text: str, level: int = 2) -> None:
        """Write the heading of a section."""
        self.note(f"{'#' * level} {text}")

    def note(self, text: str) -> None:
        """Write a paragraph."""
        self._write(f"\n{text}" if self._started else text)
        self._started, self._in_table = True, False

    def add(self, item: Figure | Table) -> None:
        """Write a figure or a table."""
        if isinstance(item, Table):
            self.note(item.note)
            self._begin(item.headings, [len(heading) for heading in item.headings])
            for cells in item.lines:
                self._line(cells, [0] * len(cells))
            self._in_table = False
            self._collect(*item.figures)
            return
        if not self._in_table:
            self._begin(tuple(COLUMNS), list(COLUMNS.values()))
            self._in_table = True
        self._line(cells_of(item), list(COLUMNS.values()))
        self._collect(item)

    def _collect(self, *figures: Figure) -> None:
        prefix = f"{self.subject}: " if self.subject else ""
        self.figures.extend(replace(figure, name=prefix + figure.name) for figure in figures)

    def _begin(self, headings: Sequence[str], widths: Sequence[int]) -> None:
        self._write("")
        self._line(headings, widths)
        self._line(["-" * max(width, 3) for width in widths], widths)

    def _line(self, cells: Sequence[str], widths: Sequence[int]) -> None:
        padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
        self._write(f"| {' | '.join(padded)} |")

    def _write(self, line: str) -> None:
        for stream in self._streams:
            stream.write(line + "\n")
            stream.flush()


def cells_of(figure: Figure) -> tuple[str, ...]:
    """Return the cells of a figure, one for each of :data:`COLUMNS`."""
    value = "" if figure.value is None else f"{figure.value:.3g} {figure.unit}".strip()
    interval = "{:.3f} - {:.3f}".format(*figure.interval) if figure.interval else ""
    return (
        figure.name,
        value,
        interval,
        figure.goal,
        GOAL_MARKS[figure.holds],
        figure.measured.replace("|", "/"),
    )


def summarize(figures: Sequence[Figure]) -> str:
    """Return the numbers of goals that hold, were missed, and were not measured, as text."""
    goals = [figure for figure in figures if figure.goal]
    n_held = sum(figure.holds is True for figure in goals)
    n_missed = sum(figure.holds is False for figure in goals)
    n_open = len(goals) - n_held - n_missed
    return f"{len(goals)} goals: {n_held} held, {n_missed} missed, {n_open} not measured."
