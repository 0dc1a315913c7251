"""File of results: one line of JSON for each row of docs/benchmarks.md, written by measurements."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from bench.results.measured_code import DIGITS, present_code
from bench.results.measurements import MEASUREMENTS, measurement_of, measurement_of_table
from bench.results.origin import Origin, module_command, present_origin
from monitor.bench.row import Row

RESULTS = Path(__file__).with_name("results.jsonl")


@dataclass(frozen=True)
class Result:
    """One row of a table, with its origin."""

    table: str
    #: Heading -> text of the cell; the first one names the row.
    cells: Mapping[str, str]
    origin: Origin
    #: Digest of the measured code; empty for rows from before digests were recorded.
    code: str
    #: Digest of all the above: a figure that is typed by hand doesn't have it.
    check: str = ""

    @property
    def name(self) -> str:
        """The row's name."""
        return next(iter(self.cells.values()))

    def checksum(self) -> str:
        """Return the digest that ``check`` must be."""
        text = json.dumps(asdict(replace(self, check="")))
        return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]

    def signed(self) -> "Result":
        """Return the row with its digest."""
        return replace(self, check=self.checksum())


def read_results(path: Path = RESULTS) -> list[Result]:
    """Return the rows of a file of results."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    listed = [json.loads(line) for line in lines]
    return [Result(**(fields | {"origin": Origin(**fields["origin"])})) for fields in listed]


def write_results(results: Iterable[Result], path: Path = RESULTS) -> None:
    """Write rows in the order of the tables."""
    order = {listed.table: place for place, listed in enumerate(MEASUREMENTS)}
    ordered = sorted(results, key=lambda result: order[result.table])
    lines = [json.dumps(asdict(result), ensure_ascii=False) + "\n" for result in ordered]
    path.write_text("".join(lines), encoding="utf-8")


def value_of(row: Row) -> str:
    """Return the text of a row's value."""
    return "not measured" if row.value is None else f"{row.value:.4g} {row.unit}".strip()


def cells_of(row: Row) -> dict[str, str]:
    """Return the cells of a measured row."""
    return {
        "figure": row.name,
        "measured": value_of(row),
        "goal": f"{row.goal}: **no**" if row.holds is False else row.goal,
        "how": row.against,
    }


class Recorder:
    """Writer of an area's rows to a file of results, each as soon as it is measured.

    A row replaces the one of its table with its name. The code is that of the time at which the
    recorder is made: an area takes up to an hour.

    Args:
        area: Of `make bench`; empty: the tables of other commands.
        origin: Where the rows come from.
        path: The file.
    """

    def __init__(self, area: str, origin: Origin, path: Path = RESULTS) -> None:
        self._area, self._origin, self._path = area, origin, path
        code = present_code()
        own = (listed for listed in MEASUREMENTS if listed.area == area)
        self._codes = {listed.table: code.digest(listed.code) for listed in own}
        self._recorded: set[tuple[str, str]] = set()
        self._is_whole = True

    def add(self, row: Row) -> None:
        """Write a row; one without a value isn't a result."""
        if row.value is None:
            self._is_whole = False
            return
        self.write(measurement_of(row.area, row.name).table, cells_of(row))

    def write(self, table: str, cells: Mapping[str, str]) -> None:
        """Write the cells of a row, of which the first one names it."""
        result = Result(table, cells, self._origin, self._codes[table]).signed()
        results = {(listed.table, listed.name): listed for listed in read_results(self._path)}
        results[table, result.name] = result
        self._recorded.add((table, result.name))
        write_results(results.values(), self._path)

    def finish(self) -> None:
        """Remove the old rows that are no longer measured, unless some were skipped.

        Of an area, from all its tables; else from those with a row of this run.
        """
        tables = set(self._codes) if self._area else {table for table, _ in self._recorded}
        remaining = [
            result
            for result in read_results(self._path)
            if result.table not in tables
            or (result.table, result.name) in self._recorded
            or result.code == self._codes[result.table]
        ]
        if self._is_whole:
            write_results(remaining, self._path)


def recorder_of(module: str, arguments: Sequence[str], area: str = "") -> Recorder:
    """Return the recorder of a module that is run by itself."""
    return Recorder(area, replace(present_origin(), command=module_command(module, arguments)))


def is_old(result: Result) -> bool:
    """Return whether the measured code has changed since, or isn't recorded."""
    measured = measurement_of_table(result.table).code
    return not result.code or result.code != present_code().digest(measured)


def faults(results: Sequence[Result]) -> list[str]:
    """Return what is wrong with rows, whatever their age."""
    counts = Counter((result.table, result.name) for result in results)
    twice = [f"{table}: {name!r} has {n} rows" for (table, name), n in counts.items() if n > 1]
    by_hand = [
        f"{result.table}: {result.name!r} was changed by hand"
        for result in results
        if result.check != result.checksum()
    ]
    return twice + by_hand
