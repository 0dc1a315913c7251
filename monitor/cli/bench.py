"""Command group `driftwarden bench`: the drift tests on labelled data."""

import sys
from pathlib import Path
from typing import Annotated, TextIO

import typer

from monitor.bench.plan import DEFAULT, FULL, QUICK, Section
from monitor.cli.shared.context import ConfigOption, read_configuration
from monitor.cli.shared.targets import require_distinct_files
from monitor.errors import InputError

app = typer.Typer(no_args_is_help=True, help="Measure the drift tests against their goals.")


@app.callback()
def bench() -> None:
    """Measure the drift tests against their goals."""


@app.command()
def drift(
    *,
    data: Annotated[
        Path,
        typer.Option(
            envvar="DRIFTWARDEN_DATA",
            help="Folder with a labelled data set: CLINC150, or .jsonl files of exchanges with the "
            "topic in `metadata.topic` or `task_type` (none: out of scope) and optionally the "
            "domain, a group of topics, in `metadata.domain`.",
            show_default=False,
        ),
    ],
    quick: Annotated[
        bool, typer.Option("--quick", help="A minute: few trials, small windows.")
    ] = False,
    full: Annotated[bool, typer.Option("--full", help="All trials of all sizes: hours.")] = False,
    only: Annotated[
        list[Section] | None,
        typer.Option(help="Measure this section only; may be repeated.", show_default=False),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of the first trial; trial k has seed + k.")
    ] = 0,
    row_seconds: Annotated[
        float | None,
        typer.Option(
            min=0, help="Seconds after which a row starts no further trial.", show_default=False
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Number of trials that run at once; default: one per core."),
    ] = None,
    markdown: Annotated[
        Path | None,
        typer.Option(help="Write the report to this file too.", show_default=False),
    ] = None,
    json_file: Annotated[
        Path, typer.Option("--json", help="File of the figures, as a JSON list.")
    ] = Path("build/bench.json"),
    config: ConfigOption = None,
) -> None:
    """Measure the input drift tests on your data: false alarms, power, localisation, drifted share.

    Drift is planted in windows of labelled prompts, so that the truth is known. The prompts are
    embedded by the configured encoder. The report is printed as Markdown while it is measured:
    value, 95% interval, goal, held or missed. It takes about five minutes on two cores.
    """
    from contextlib import ExitStack
    from dataclasses import replace

    from monitor.bench.benchmark import load_data, run_benchmark
    from monitor.bench.report import Report
    from monitor.bench.row import write_rows

    if quick and full:
        raise typer.BadParameter("--quick and --full exclude each other; give one of them")
    require_distinct_files({"--markdown": markdown, "--json": json_file}, _files_of(data))
    plan = QUICK if quick else FULL if full else DEFAULT
    if row_seconds is not None:
        plan = replace(plan, row_seconds=row_seconds)
    labelled = load_data(data, read_configuration(config))
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
                sections=only or tuple(Section),
                n_processes=workers,
            )
        finally:  # an interrupted run keeps the figures that it has measured
            write_rows(json_file, [figure.row() for figure in report.figures])
    typer.echo(f"Figures: {json_file}", err=True)


def _files_of(folder: Path) -> dict[str, Path]:
    """Return the files of the data set by their description in error messages."""
    return {
        f"{path.name} of the data in {folder}": path
        for pattern in ("*.json*", "clinc150/*.json")
        for path in folder.glob(pattern)
    }


def _open(path: Path) -> TextIO:
    try:
        return path.open("w", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
