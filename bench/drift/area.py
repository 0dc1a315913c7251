"""Drift tests on public and synthetic data; see also ``python -m bench.drift``."""

import sys
from pathlib import Path

from bench.drift.benchmark import load_data, run_benchmark
from bench.drift.plan import DEFAULT
from monitor.bench.report import Report
from monitor.bench.row import Row
from monitor.settings import load_configuration

#: Its lines are printed as they are measured, not in one table at the end.
PRINTS_ITSELF = True


def run(data: Path | None) -> list[Row]:
    """Measure on the data set in the folder, if any, and on synthetic data."""
    source = None if data is None else load_data(data, load_configuration())
    report = Report([sys.stdout])
    run_benchmark(source, DEFAULT, report, seed=0)
    return [figure.row() for figure in report.figures]
