"""The command `driftwarden compare`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.compare.gate import exit_status_of, print_deciding
from monitor.cli.compare.outputs import write_checks, write_evidently, write_page, write_reference
from monitor.cli.compare.overrides import with_overrides
from monitor.cli.shared.context import ConfigOption, ModelOption, read_settings
from monitor.cli.shared.inputs import INPUT_FILES
from monitor.cli.shared.output import ProgressBars, show
from monitor.cli.shared.targets import require_distinct_files, require_writable
from monitor.extras import require_extras
from monitor.plurals import pluralize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.traffic.files.bad_lines import BadLine

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
    save_reference: Annotated[
        Path | None,
        typer.Option(
            help="Write the reference side and its vectors to this file, a REFERENCE like others.",
            show_default=False,
        ),
    ] = None,
    without_texts: Annotated[
        bool,
        typer.Option(
            "--without-texts",
            help="Save descriptors in place of texts by --save-reference.",
        ),
    ] = False,
    fail_on: Annotated[
        list[str] | None,
        typer.Option(
            help="Finding that ends with status 3, or 4 where undecided: drift, segment, "
            "metric:NAME or rule. Repeat it for several. Default: drift, and rule where there are "
            "rules.",
            show_default=False,
        ),
    ] = None,
    rule: Annotated[
        list[str] | None,
        typer.Option(
            help="Rule for the current file, such as 'length_p95 < 800'; it joins drift.rules.",
            show_default=False,
        ),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="Also compare within each value of task_type, model, or a key of the metadata.",
            show_default=False,
        ),
    ] = None,
    junit: Annotated[
        Path | None,
        typer.Option(help="Write the checks as JUnit XML to this file.", show_default=False),
    ] = None,
    markdown: Annotated[
        Path | None,
        typer.Option(
            help="Write the checks as Markdown, for a pull request, to this file.",
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

    Exit status: 0 no drift and no broken rule, 3 drift or a broken rule, 4 not enough data or an
    undecided rule (--fail-on chooses of these), 2 a file or an option can't be used, 78 the
    settings can't be used or the encoder can't be loaded.
    """
    settings = with_overrides(
        read_settings(config, model),
        false_alarms_a_year=false_alarms_a_year,
        seed=seed,
        max_same_prompt_share=1.0 if allow_same_prompt else None,
        match_weekdays=False if all_days else None,
        cache=cache,
        rules=rule or (),
    )
    if power_windows is not None and not power:
        raise typer.BadParameter("--power-windows without --power; give both")
    if without_texts and save_reference is None:
        raise typer.BadParameter("--without-texts without --save-reference; give both")
    targets = {
        "--html": html,
        "--evidently": evidently,
        "--power-windows": power_windows,
        "--junit": junit,
        "--markdown": markdown,
        "--save-reference": save_reference,
    }
    for option, path in targets.items():
        require_writable(option, path)
    read = {
        "the reference file": reference,
        "the current file": current,
        "the configuration": config or Path("config.toml"),
    }
    require_distinct_files(targets, read)
    for path, option, extra in (
        (evidently, "--evidently", "evidently"),
        (save_reference, "--save-reference", "parquet"),
    ):
        if path is not None:
            require_extras(f"driftwarden compare {option}", extra)
    from monitor.windows.gate.fail_on import parse_fail_on
    from monitor.windows.reading.two_files import read_two_files

    gate = parse_fail_on(
        fail_on or (), has_rules=bool(settings.drift.rules), has_segments=by is not None
    )
    files = read_two_files(reference, current, settings)
    # Loading what compares takes longer than refusing a file.
    from monitor.windows.file_comparison import compare_files
    from monitor.windows.gate.checks import list_checks

    with ProgressBars() as progress:
        comparison = compare_files(
            files,
            settings,
            progress,
            draws_map=html is not None,
            by=by,
            guarded=gate.metrics,
        )
        if evidently is not None:
            evidently = write_evidently(evidently, comparison, settings, progress)
    _print_bad_lines(reference, comparison.reference_bad_lines)
    _print_bad_lines(current, comparison.current_bad_lines)
    assessment = comparison.assessment
    if power:
        from monitor.cli.shared.power import assess_with_power

        assessment = assess_with_power(comparison, settings.drift, power_windows)
    if html is not None:
        write_page(html, assessment, comparison, evidently)
    if save_reference is not None:
        write_reference(save_reference, comparison, with_texts=not without_texts)
    checks = list_checks(assessment, gate)
    write_checks(assessment, checks, junit=junit, markdown=markdown)
    show(assessment, as_json=as_json)
    if fail_on or by or assessment.rules:
        print_deciding(checks)
    raise typer.Exit(exit_status_of(checks))


def _print_bad_lines(path: Path, bad_lines: "Sequence[BadLine]") -> None:
    from monitor.traffic.files.bad_lines import summarize_bad_lines

    if not bad_lines:
        return
    for problem in summarize_bad_lines(bad_lines, PROBLEMS_SHOWN):
        typer.echo(f"{path}: {problem}", err=True)
    typer.echo(f"{path}: {pluralize(len(bad_lines), 'bad line')} skipped", err=True)
