"""``python -m bench.drift``: the whole benchmark of drift, with its options."""

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, TextIO

import typer

from bench.drift.benchmark import load_data, run_benchmark
from bench.drift.ledger import Ledger
from bench.drift.plan import DEFAULT, FULL, QUICK, Section
from bench.results.page import write_page
from bench.results.results_file import recorder_of
from monitor.bench.figure import AREA
from monitor.bench.report import Report
from monitor.bench.row import write_rows
from monitor.settings import load_configuration


def main(
    *,
    data: Annotated[
        Path | None,
        typer.Option(
            envvar="DRIFTWARDEN_DATA",
            help="Folder with CLINC150 and, if any, AlpacaEval. Without it: synthetic data only.",
        ),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Two minutes.")] = False,
    full: Annotated[
        bool, typer.Option("--full", help="Every trial and every size: hours.")
    ] = False,
    only: Annotated[
        list[Section] | None, typer.Option(help="Measure this section only; may be repeated.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first trial.")] = 0,
    ledger: Annotated[
        Path | None,
        typer.Option(
            help="Folder of finished trials: a run resumes from it. Trials of other code or data "
            "are not used."
        ),
    ] = None,
    row_seconds: Annotated[
        float | None, typer.Option(min=0, help="Seconds after which a row starts no trial.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Number of trials at once; default: one per core.")
    ] = None,
    markdown: Annotated[
        Path | None, typer.Option(help="Write the report to this file too.")
    ] = None,
    json_file: Annotated[Path, typer.Option("--json", help="File of the figures.")] = Path(
        "build/bench.json"
    ),
) -> None:
    """Measure false alarms, power, localisation, output drift, slow drift, peers and speed."""
    if quick and full:
        raise typer.BadParameter("--quick and --full exclude each other; give one of them")
    plan = QUICK if quick else FULL if full else DEFAULT
    if row_seconds is not None:
        plan = plan.limit_rows(row_seconds)
    sections = only or tuple(Section)
    recorder = recorder_of("bench.drift", sys.argv[1:], AREA)
    source = None if data is None else load_data(data, load_configuration(), sections)
    with ExitStack() as stack:
        streams: list[TextIO] = [sys.stdout]
        if markdown is not None:
            streams.append(stack.enter_context(markdown.open("w", encoding="utf-8")))
        report = Report(streams)
        try:
            run_benchmark(
                source,
                plan,
                report,
                seed=seed,
                sections=sections,
                ledger=None if ledger is None else Ledger(ledger),
                n_processes=workers,
            )
        finally:  # an interrupted run keeps the figures that it has measured
            rows = [figure.row() for figure in report.figures]
            write_rows(json_file, rows)
            if not quick:
                for row in rows:
                    recorder.add(row)
                write_page()


if __name__ == "__main__":
    typer.run(main)
