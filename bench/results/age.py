"""Old rows of the file of results: the code that they measure has changed since."""

from collections.abc import Iterable
from dataclasses import dataclass

from bench.results.measured_code import ROOT, present_code
from bench.results.measurements import MEASUREMENTS, Measurement
from bench.results.origin import WITH_CHANGES, output_of
from bench.results.results_file import Result, is_old

#: Files that are named as examples.
N_NAMED = 3


@dataclass(frozen=True)
class OldTable:
    """A table that has old rows, or rows that can't be measured again at their commit."""

    measurement: Measurement
    n_rows: int
    n_old: int
    n_uncommitted: int
    #: Measured files that changed since the newest old row, as far as git knows.
    changed: tuple[str, ...]

    def __str__(self) -> str:
        """Return the line that says what to measure."""
        parts = [f"{self.n_old} of {self.n_rows} rows are old"] if self.n_old else []
        if self.n_uncommitted:
            parts.append(f"{self.n_uncommitted} measured with changes that no commit has")
        line = f"{self.measurement.table}: {', '.join(parts)}: {self.measurement.command}"
        if self.changed:
            more = len(self.changed) - N_NAMED
            named = ", ".join(self.changed[:N_NAMED])
            line += f" (changed: {named}{f' and {more} more' if more > 0 else ''})"
        return line


def old_tables(results: Iterable[Result]) -> list[OldTable]:
    """Return the tables with rows that a release can't have."""
    listed = list(results)
    tables = []
    for measurement in MEASUREMENTS:
        rows = [result for result in listed if result.table == measurement.table]
        old = [result for result in rows if is_old(result)]
        uncommitted = [row for row in rows if WITH_CHANGES in row.origin.remark]
        if old or uncommitted:
            changed = _changed_since(old, measurement)
            tables.append(OldTable(measurement, len(rows), len(old), len(uncommitted), changed))
    return tables


def _changed_since(old: Iterable[Result], measurement: Measurement) -> tuple[str, ...]:
    """Return the measured files that differ from those of the newest old row's commit.

    None where git doesn't have that commit, as in a shallow clone.
    """
    recorded = [result for result in old if result.code]
    newest = max(recorded, key=lambda result: result.origin.date, default=None)
    if newest is None:
        return ()
    git = ("git", "-C", str(ROOT), "diff", "--name-only", newest.origin.commit, "--")
    files = present_code().files(measurement.code)
    measured = {path.relative_to(ROOT).as_posix() for path in files}
    return tuple(sorted(measured.intersection(output_of(*git).splitlines())))
