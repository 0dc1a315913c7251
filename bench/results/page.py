"""Tables of docs/benchmarks.md, from the file of results."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.results.measured_code import ROOT
from bench.results.measurements import MEASUREMENTS, measurement_of_table
from bench.results.origin import Origin
from bench.results.results_file import RESULTS, Result, is_old, read_results

PAGE = ROOT / "docs" / "benchmarks.md"
BLOCK = re.compile(r"<!-- rows: ([\w-]+) -->\n(.*?)<!-- /rows -->", re.DOTALL)


def page_text(page: Path = PAGE, results: Path = RESULTS) -> str:
    """Return the page with its tables as the file of results has them.

    Raises:
        ValueError: A measurement has no place in the page, or more than one.
    """
    text = page.read_text(encoding="utf-8")
    places = [name for name, _ in BLOCK.findall(text)]
    if sorted(places) != sorted(listed.table for listed in MEASUREMENTS):
        raise ValueError(f"{page.name} has the tables {places}; each measurement needs one place")
    rows = read_results(results)
    return BLOCK.sub(lambda match: _block(match[1], rows), text)


def write_page(page: Path = PAGE) -> None:
    """Write the page."""
    page.write_text(page_text(page), encoding="utf-8")


def _block(table: str, results: Iterable[Result]) -> str:
    rows = [result for result in results if result.table == table]
    text = "\n\n".join(_tables(rows)) if rows else _not_measured(table)
    return f"<!-- rows: {table} -->\n{text}\n<!-- /rows -->"


def _not_measured(table: str) -> str:
    return f"Not measured yet: `{measurement_of_table(table).command}`."


def _tables(rows: Sequence[Result]) -> Iterable[str]:
    """Yield a table for all rows with the same columns, command and machine, which precede it."""
    groups: dict[tuple[str, str, tuple[str, ...]], list[Result]] = {}
    for row in rows:
        key = row.origin.command, row.origin.machine, tuple(row.cells)
        groups.setdefault(key, []).append(row)
    above = ""
    for (command, machine, columns), group in groups.items():
        if (line := f"`{command}`, {machine}:") != above:
            yield line
            above = line
        heading = _line((*columns, "measured at"))
        separator = _line(["---"] * (len(columns) + 1))
        lines = [_line((*row.cells.values(), _origin(row))) for row in group]
        yield "\n".join([heading, separator, *lines])


def _origin(row: Result) -> str:
    origin: Origin = row.origin
    parts = [f"`{origin.commit}`" if origin.commit else "no commit", origin.date, origin.remark]
    text = ", ".join(part for part in parts if part)
    return f"{text}; **old**" if is_old(row) else text


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"
