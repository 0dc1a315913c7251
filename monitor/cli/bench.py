"""`driftwarden bench`: the statistics against their goals and their peers, on your data too."""

import sys
from pathlib import Path
from typing import Annotated, TextIO

import typer

from monitor.bench.plan import DEFAULT, FULL, QUICK, Section
from monitor.cli.shared.context import ConfigOption, read_settings
from monitor.cli.shared.targets import require_distinct_files
from monitor.errors import InputError

app = typer.Typer(no_args_is_help=True, help="Measure driftwarden against its goals.")


@app.callback()
def bench() -> None:
    """Measure driftwarden against its goals."""


@app.command()
def drift(
    *,
    data: Annotated[
        Path | None,
        typer.Option(
            envvar="DRIFTWARDEN_DATA",
            help="Folder with a labelled data set: CLINC150, or .jsonl files of exchanges whose "
            "topic is in `metadata.topic` or `task_type` (none: out of scope) and whose domain, a "
            "group of topics, may be in `metadata.domain`. Without it: synthetic data only.",
            show_default=False,
        ),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Two minutes: few trials, small windows.")
    ] = False,
    full: Annotated[
        bool, typer.Option("--full", help="Every trial and every size: hours.")
    ] = False,
    only: Annotated[
        list[Section] | None,
        typer.Option(help="Measure this part only; may be repeated.", show_default=False),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of the first trial; trial k has seed + k.")
    ] = 0,
    ledger: Annotated[
        Path | None,
        typer.Option(
            help="Keep finished trials in this folder, and go on from those that it holds: a run "
            "may be stopped at any time. Trials of other code are not used.",
            show_default=False,
        ),
    ] = None,
    row_seconds: Annotated[
        float | None,
        typer.Option(
            min=0, help="Seconds after which a row begins no further trial.", show_default=False
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Trials that run at once; by default one on each core."),
    ] = None,
    markdown: Annotated[
        Path | None,
        typer.Option(help="Write what is printed to this file too.", show_default=False),
    ] = None,
    json_file: Annotated[
        Path, typer.Option("--json", help="Where the figures go, one object each.")
    ] = Path("build/bench.json"),
    config: ConfigOption = None,
) -> None:
    """Measure the tests of input drift: false alarms, power, localisation, peers, speed.

    Drift is planted in windows of labelled prompts, so that the truth is known; the encoder is that
    of the configuration, so that the figures are those of your topics as your daemon sees them.
    Figures are printed as Markdown as they come: value, 95% interval, goal, held or missed. About
    ten minutes on two cores.
    """
    from contextlib import ExitStack
    from dataclasses import replace

    from bench.drift.ledger import Ledger
    from monitor.bench.benchmark import load_data, run_benchmark
    from monitor.bench.report import Report
    from monitor.bench.row import write_rows

    if quick and full:
        raise typer.BadParameter("give --quick or --full, not both")
    files = {"--markdown": markdown, "--json": json_file}
    require_distinct_files(files, _files_of(data, ledger))
    plan = QUICK if quick else FULL if full else DEFAULT
    if row_seconds is not None:
        plan = replace(plan, row_seconds=row_seconds, peer_seconds=row_seconds)
    settings = read_settings(config)
    sections = only or tuple(Section)
    labelled = None if data is None else load_data(data, settings, sections)
    if labelled is None:
        typer.echo("No --data: synthetic data only.", err=True)
    with ExitStack() as stack:
        streams: list[TextIO] = [sys.stdout]
        if markdown is not None:
            streams.append(stack.enter_context(_open(markdown)))
        report = Report(streams)
        try:
            run_benchmark(
                labelled,
                plan,
                report,
                seed=seed,
                sections=sections,
                ledger=None if ledger is None else Ledger(ledger),
                n_processes=workers,
            )
        finally:  # a run of hours that is stopped keeps what it has measured
            write_rows(json_file, [figure.row() for figure in report.figures])
    typer.echo(f"Figures: {json_file}", err=True)


def _files_of(*folders: Path | None) -> dict[str, Path]:
    """Return the files that data or trials are read from, by what they are."""
    return {
        f"{path.name} of what is read from {folder}": path
        for folder in folders
        if folder is not None
        for pattern in ("*.json*", "clinc150/*.json", "alpaca_eval/*.json")
        for path in folder.glob(pattern)
    }


def _open(path: Path) -> TextIO:
    try:
        return path.open("w", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
