"""`driftwarden compare`: drift between two files, without a daemon or a database."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.shared.context import ConfigOption, read_settings
from monitor.cli.shared.output import ProgressBars, exit_status, show
from monitor.cli.shared.targets import require_distinct_files, require_writable
from monitor.plurals import pluralize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.settings import Settings
    from monitor.traffic.file_source import BadLine
    from monitor.windows.file_comparison import Comparison

BAD_LINES_SHOWN = 10


def compare(
    reference: Annotated[Path, typer.Argument(help="What is normal: JSONL, one exchange a line.")],
    current: Annotated[Path, typer.Argument(help="What is to be judged, in the same form.")],
    *,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print the whole assessment as JSON; its schema is "
            "docs/reference/assessment.schema.json.",
        ),
    ] = False,
    html: Annotated[
        Path | None,
        typer.Option(help="Write a page of the findings to this file.", show_default=False),
    ] = None,
    evidently: Annotated[
        Path | None,
        typer.Option(
            help="Write Evidently's report of the characteristics (about 4 MB of HTML) to this "
            "file; the page of --html links to it.",
            show_default=False,
        ),
    ] = None,
    alpha: Annotated[
        float | None,
        typer.Option(
            help="Level of each family of tests: how often ordinary data may alarm. "
            "Default: drift.alpha (0.005).",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            help="Seed of permutations and samples; the same seed gives the same figures. "
            "Default: drift.seed.",
            show_default=False,
        ),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Compare two files of exchanges: did the prompts drift, or the responses given the prompts?

    A line is a JSON object with at least "prompt" (a string, or a list of {"role", "content"}).
    With "response" the answers are compared too; "user" keeps one user's messages together, which
    guards against false alarms; "task_type", "timestamp" and numbers or booleans in "metadata"
    (metrics, such as "resolved") are used where they are there. No database is needed.

    All lines of a file count as one model. Where they name several in "model", or the two files
    different ones, a remark says so; split a file to judge each model by itself.

    The findings go to standard output, everything else to standard error.

    Exit status: 0 no drift, 3 drift, 4 not enough data, 2 a file or an option can't be used, 78 the
    settings can't be used or the encoder can't be loaded.
    """
    settings = _with_overrides(read_settings(config), alpha=alpha, seed=seed)
    targets = {"--html": html, "--evidently": evidently}
    for option, path in targets.items():
        require_writable(option, path)
    read = {
        "the reference": reference,
        "what is to be judged": current,
        "the configuration": config or Path("config.toml"),
    }
    require_distinct_files(targets, read)
    from monitor.windows.file_comparison import compare_files

    with ProgressBars() as progress:
        comparison = compare_files(reference, current, settings, progress)
        if evidently is not None and not comparison.assessed.scalars:
            typer.echo("evidently: nothing was compared, so there is no report", err=True)
            evidently = None
        if evidently is not None:
            progress("Rendering Evidently's report", 0, 1)
            report = _evidently_report(comparison, settings)
            progress("Rendering Evidently's report", 1, 1)
            if report is None:
                evidently = None
            else:
                _write("evidently", evidently, report)
    _say_bad_lines(reference, comparison.reference_bad_lines)
    _say_bad_lines(current, comparison.current_bad_lines)
    assessment = comparison.assessed.assessment
    if html is not None:
        from monitor.windows.report.page import render_page

        link = "" if evidently is None else _relative_link(html, evidently)
        _write(
            "page", html, render_page(assessment, evidently=link, prompt_map=comparison.prompt_map)
        )
    show(assessment, as_json=as_json)
    raise typer.Exit(exit_status(assessment))


def _with_overrides(settings: "Settings", *, alpha: float | None, seed: int | None) -> "Settings":
    if alpha is not None and not 0 < alpha < 1:
        raise typer.BadParameter(f"--alpha {alpha}: a level lies between 0 and 1, such as 0.005")
    least = 1 / (1 + settings.drift.n_permutations)
    if alpha is not None and alpha < least:
        raise typer.BadParameter(
            f"--alpha {alpha}: {settings.drift.n_permutations} permutations (drift.n_permutations) "
            f"reach no p-value below {least:.2g}"
        )
    if seed is not None and seed < 0:
        raise typer.BadParameter(f"--seed {seed}: a seed is 0 or greater")
    given = {"alpha": alpha, "seed": seed}
    drift = settings.drift.model_copy(
        update={key: value for key, value in given.items() if value is not None}
    )
    return settings.model_copy(update={"drift": drift})


def _write(what: str, path: Path, text: str) -> None:
    from monitor.errors import InputError

    try:
        path.write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    typer.echo(f"{what}: {path}", err=True)


def _relative_link(page: Path, target: Path) -> str:
    from urllib.parse import quote

    return quote(Path(os.path.relpath(target.resolve(), page.resolve().parent)).as_posix())


def _evidently_report(comparison: "Comparison", settings: "Settings") -> str | None:
    """Render the report. One that fails is said and left out: the findings stand."""
    import numpy as np

    from monitor.windows.report.evidently import render_evidently

    try:
        return render_evidently(
            comparison.assessed.scalars,
            comparison.reference.task_types,
            comparison.current.task_types,
            np.random.default_rng([settings.drift.seed, 4]),
        )
    except Exception as error:  # noqa: BLE001 - whatever Evidently raises
        typer.echo(
            "evidently: could not render its report, which is left out: "
            f"{type(error).__name__}: {error}",
            err=True,
        )
        return None


def _say_bad_lines(path: Path, bad_lines: "Sequence[BadLine]") -> None:
    if not bad_lines:
        return
    for bad in bad_lines[:BAD_LINES_SHOWN]:
        typer.echo(f"{path}: {bad}", err=True)
    left = len(bad_lines) - BAD_LINES_SHOWN
    more = f" ({left:,} more not shown)" if left > 0 else ""
    typer.echo(f"{path}: {pluralize(len(bad_lines), 'bad line')} left out{more}", err=True)
