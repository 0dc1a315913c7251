"""The statistics of input drift; ``driftwarden bench drift`` measures the same."""

import sys
from pathlib import Path

from monitor.bench.benchmark import load_data, run_benchmark
from monitor.bench.plan import DEFAULT
from monitor.bench.report import Report
from monitor.bench.row import Row
from monitor.settings import load_settings

#: Its lines are printed as they come, not in one table at the end.
PRINTS_ITSELF = True


def run(data: Path | None) -> list[Row]:
    """Measure on the data set in the folder, if any, and on synthetic data."""
    given = None if data is None else load_data(data, load_settings())
    report = Report([sys.stdout])
    run_benchmark(given, DEFAULT, report, seed=0)
    return [figure.row() for figure in report.figures]
