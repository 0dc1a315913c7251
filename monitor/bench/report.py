"""The benchmark as Markdown, printed line by line while it is measured."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TextIO

from monitor.bench.figure import Figure

#: Columns, and the width that a terminal shows them in.
COLUMNS = {
    "figure": 66,
    "value": 10,
    "95% interval": 14,
    "goal": 29,
    "": 6,
    "measured": 0,
}
VERDICTS = {True: "held", False: "MISSED", None: ""}


@dataclass(frozen=True)
class Table:
    """Figures that are read side by side."""

    note: str
    headings: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]
    #: The same, one by one, for build/bench.json.
    figures: tuple[Figure, ...]


class Report:
    """Writes the benchmark to every stream as it comes, and keeps its figures."""

    def __init__(self, streams: Sequence[TextIO]) -> None:
        self._streams = streams
        self._begun = False
        self._in_table = False
        #: What the figures are about, where a name of theirs stands alone.
        self.subject = ""
        self.figures: list[Figure] = []

    def title(self, text: str, level: int = 2) -> None:
        """Begin a section."""
        self.note(f"{'#' * level} {text}")

    def note(self, text: str) -> None:
        """Write a paragraph."""
        self._write(f"\n{text}" if self._begun else text)
        self._begun, self._in_table = True, False

    def add(self, item: Figure | Table) -> None:
        """Write a figure, or a table of its own."""
        if isinstance(item, Table):
            self.note(item.note)
            self._begin(item.headings, [len(heading) for heading in item.headings])
            for cells in item.lines:
                self._line(cells, [0] * len(cells))
            self._in_table = False
            self._keep(*item.figures)
            return
        if not self._in_table:
            self._begin(tuple(COLUMNS), list(COLUMNS.values()))
            self._in_table = True
        self._line(cells_of(item), list(COLUMNS.values()))
        self._keep(item)

    def _keep(self, *figures: Figure) -> None:
        prefix = f"{self.subject}: " if self.subject else ""
        self.figures.extend(replace(one, name=prefix + one.name) for one in figures)

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
    """Return a figure's cells, one for each of :data:`COLUMNS`."""
    value = "" if figure.value is None else f"{figure.value:.3g} {figure.unit}".strip()
    interval = "{:.3f} - {:.3f}".format(*figure.interval) if figure.interval else ""
    return (
        figure.name,
        value,
        interval,
        figure.goal,
        VERDICTS[figure.holds],
        figure.measured.replace("|", "/"),
    )


def summary(figures: Sequence[Figure]) -> str:
    """Count the goals that were held, missed and not measured."""
    goals = [figure for figure in figures if figure.goal]
    held = sum(figure.holds is True for figure in goals)
    missed = sum(figure.holds is False for figure in goals)
    open_goals = len(goals) - held - missed
    return f"{len(goals)} goals: {held} held, {missed} missed, {open_goals} not told."
