"""The command `driftwarden compare`."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.shared.context import ConfigOption, ModelOption, read_settings
from monitor.cli.shared.inputs import INPUT_FILES
from monitor.cli.shared.output import ProgressBars, exit_status, show
from monitor.cli.shared.targets import require_distinct_files, require_writable
from monitor.plurals import pluralize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.settings import Settings
    from monitor.traffic.files.bad_lines import BadLine
    from monitor.windows.file_comparison import FileComparison

PROBLEMS_SHOWN = 10


def _print_schema(wanted: bool) -> None:
    if wanted:
        from monitor.packaged_files import packaged_file

        schema = packaged_file("docs/reference/assessment.schema.json")
        typer.echo(schema.read_text(encoding="utf-8"), nl=False)
        raise typer.Exit


def compare(
    reference: Annotated[Path, typer.Argument(help=f"Reference exchanges: {INPUT_FILES}.")],
    current: Annotated[Path, typer.Argument(help="Current exchanges, in any of these forms.")],
    *,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print the assessment as JSON; --schema prints its schema.",
        ),
    ] = False,
    schema: Annotated[  # noqa: ARG001 - its callback prints it
        bool,
        typer.Option(
            "--schema",
            help="Print the JSON schema of the assessment, and exit.",
            is_eager=True,
            callback=_print_schema,
        ),
    ] = False,
    html: Annotated[
        Path | None,
        typer.Option(help="Write an HTML report to this file.", show_default=False),
    ] = None,
    evidently: Annotated[
        Path | None,
        typer.Option(
            help="Write Evidently's report of the characteristics (about 4 MB of HTML) to this "
            "file; the page of --html links to it.",
            show_default=False,
        ),
    ] = None,
    false_alarms_a_year: Annotated[
        float | None,
        typer.Option(
            help="False alarms that windows without drift may raise in a year (0.05 to 12). The "
            "levels of all tests follow from it and from monitoring.drift_detection: with 0.5 and "
            "weekly windows, 0.005 for the prompts. Default: drift.false_alarms_a_year (0.5).",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            help="Seed of permutations and samples; equal seeds give equal figures. Default: "
            "drift.seed.",
            show_default=False,
        ),
    ] = None,
    power: Annotated[
        bool,
        typer.Option(
            "--power",
            help="Simulate on these prompts the smallest drifted share that would alarm in four of "
            "five windows of these sizes and end users. It takes 20 to 60 comparisons.",
        ),
    ] = False,
    power_windows: Annotated[
        Path | None,
        typer.Option(
            help="File of the windows that --power simulates, as JSON lines: with it, an "
            "interrupted simulation is continued.",
            show_default=False,
        ),
    ] = None,
    allow_same_prompt: Annotated[
        bool,
        typer.Option(
            "--allow-same-prompt",
            help="Accept a file most of whose prompts are one text, such as many responses to one "
            "prompt; without it, the file is refused.",
        ),
    ] = False,
    all_days: Annotated[
        bool,
        typer.Option(
            "--all-days",
            help="Compare with the whole reference file. Without it, exchanges of some days of the "
            "week are compared with these days of a reference of a week or more. Default: "
            "drift.match_weekdays.",
        ),
    ] = False,
    cache: Annotated[
        Path | None,
        typer.Option(
            help="Folder of vectors of texts that were embedded before: a second run on the same "
            "texts embeds none. Default: embedding.cache (none).",
            file_okay=False,
            show_default=False,
        ),
    ] = None,
    model: ModelOption = None,
    config: ConfigOption = None,
) -> None:
    """Compare two files of exchanges.

    Tests whether the prompts drifted, and whether the responses drifted given the prompts. No
    database is needed.

    A line, row or element has at least "prompt" (a string, or a list of {"role", "content"}). With
    "response", the responses are compared too. "user" groups the exchanges of one end user, which
    prevents false alarms. "task_type", "timestamp" and the numbers and booleans in "metadata"
    (metrics, such as "resolved") are used where present. Fine-tuning files, exports of tracers and
    columns with other names are detected, see docs/reference/file-shapes.md; traffic.fields in
    config.toml names other keys. All exchanges of a file count as one model.

    The findings are printed to standard output, everything else to standard error.

    Exit status: 0 no drift, 3 drift, 4 not enough data, 2 a file or an option can't be used, 78 the
    settings can't be used or the encoder can't be loaded.
    """
    settings = _with_overrides(
        read_settings(config, model),
        false_alarms_a_year=false_alarms_a_year,
        seed=seed,
        max_same_prompt_share=1.0 if allow_same_prompt else None,
        match_weekdays=False if all_days else None,
        cache=cache,
    )
    if power_windows is not None and not power:
        raise typer.BadParameter("--power-windows without --power; give both")
    targets = {"--html": html, "--evidently": evidently, "--power-windows": power_windows}
    for option, path in targets.items():
        require_writable(option, path)
    read = {
        "the reference file": reference,
        "the current file": current,
        "the configuration": config or Path("config.toml"),
    }
    require_distinct_files(targets, read)
    if evidently is not None:
        from monitor.extras import require_extras

        require_extras("driftwarden compare --evidently", "evidently")
    from monitor.windows.file_comparison import compare_files

    with ProgressBars() as progress:
        comparison = compare_files(
            reference, current, settings, progress, draws_map=html is not None
        )
        if evidently is not None and not comparison.columns:
            typer.echo("evidently: no report, as nothing was compared", err=True)
            evidently = None
        if evidently is not None:
            progress("Rendering Evidently's report", 0, 1)
            report = _evidently_report(comparison, settings)
            progress("Rendering Evidently's report", 1, 1)
            if report is None:
                evidently = None
            else:
                _write("evidently", evidently, report)
    _print_bad_lines(reference, comparison.reference_bad_lines)
    _print_bad_lines(current, comparison.current_bad_lines)
    assessment = comparison.assessment
    if power:
        from monitor.cli.shared.power import assess_with_power

        assessment = assess_with_power(comparison, settings.drift, power_windows)
    if html is not None:
        from monitor.windows.report.page import render_page

        link = "" if evidently is None else _relative_link(html, evidently)
        _write(
            "page", html, render_page(assessment, evidently=link, prompt_map=comparison.prompt_map)
        )
    show(assessment, as_json=as_json)
    raise typer.Exit(exit_status(assessment))


def _with_overrides(
    settings: "Settings",
    *,
    false_alarms_a_year: float | None,
    seed: int | None,
    max_same_prompt_share: float | None,
    match_weekdays: bool | None,
    cache: Path | None,
) -> "Settings":
    from monitor.statistics.alarm_levels import BUDGET_RANGE

    least, most = BUDGET_RANGE
    if false_alarms_a_year is not None and not least <= false_alarms_a_year <= most:
        raise typer.BadParameter(
            f"--false-alarms-a-year {false_alarms_a_year}: not from {least:g} to {most:g}; give a "
            "number such as 0.5"
        )
    if seed is not None and seed < 0:
        raise typer.BadParameter(f"--seed {seed}: negative; give 0 or more")
    overrides = {
        "false_alarms_a_year": false_alarms_a_year,
        "seed": seed,
        "max_same_prompt_share": max_same_prompt_share,
        "match_weekdays": match_weekdays,
    }
    drift = settings.drift.model_copy(
        update={key: value for key, value in overrides.items() if value is not None}
    )
    embedding = settings.embedding
    if cache is not None:
        embedding = embedding.model_copy(update={"cache": str(cache)})
    return settings.model_copy(update={"drift": drift, "embedding": embedding})


def _write(label: str, path: Path, text: str) -> None:
    from monitor.errors import InputError
    from monitor.private_files import write_private_text

    try:
        write_private_text(path, text, errors="replace")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    typer.echo(f"{label}: {path}", err=True)


def _relative_link(page: Path, target: Path) -> str:
    from urllib.parse import quote

    return quote(Path(os.path.relpath(target.resolve(), page.resolve().parent)).as_posix())


def _evidently_report(comparison: "FileComparison", settings: "Settings") -> str | None:
    """Render Evidently's report; a failure is printed and the report left out."""
    import numpy as np

    from monitor.windows.report.evidently import render_evidently

    try:
        return render_evidently(
            comparison.columns,
            comparison.reference.task_types,
            comparison.current.task_types,
            np.random.default_rng([settings.drift.seed, 4]),
        )
    except Exception as error:  # noqa: BLE001 - whatever Evidently raises
        typer.echo(
            f"evidently: no report, rendering failed: {type(error).__name__}: {error}",
            err=True,
        )
        return None


def _print_bad_lines(path: Path, bad_lines: "Sequence[BadLine]") -> None:
    from monitor.traffic.files.bad_lines import summarize_bad_lines

    if not bad_lines:
        return
    for problem in summarize_bad_lines(bad_lines, PROBLEMS_SHOWN):
        typer.echo(f"{path}: {problem}", err=True)
    typer.echo(f"{path}: {pluralize(len(bad_lines), 'bad line')} skipped", err=True)
