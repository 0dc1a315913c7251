"""`driftwarden compare` and `driftwarden evaluate`: drift, now."""

from datetime import datetime
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli.context import ConfigOption, open_database, read_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.evaluation.compare_files import Comparison
    from monitor.settings import Settings
    from monitor.store.assessment import Assessment
    from monitor.traffic.file_source import BadLine

BAD_LINES_SHOWN = 10


class Status(IntEnum):
    """The exit status of a comparison: what a script or a CI job asks for."""

    NO_DRIFT = 0
    DRIFT = 3
    NOT_ENOUGH_DATA = 4


def compare(
    reference: Annotated[Path, typer.Argument(help="What is normal: JSONL, one exchange a line.")],
    current: Annotated[Path, typer.Argument(help="What is to be judged, in the same form.")],
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the whole assessment as JSON.")
    ] = False,
    html: Annotated[
        Path | None,
        typer.Option(help="Write a page of the findings to this file.", show_default=False),
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

    Exit status: 0 no drift, 3 drift, 4 not enough data, 2 a file or an option can't be used.
    """
    import logging

    from monitor.evaluation.compare_files import compare_files

    # It warns of a faster kernel that isn't installed; embedding doesn't use it.
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    settings = _with_overrides(read_settings(config), alpha=alpha, seed=seed)
    with _Progress() as progress:
        comparison = compare_files(reference, current, settings, progress)
    _say_bad_lines(reference, comparison.reference_bad_lines)
    _say_bad_lines(current, comparison.current_bad_lines)
    if html is not None:
        _write_page(html, comparison, reference, current)
    _show(comparison.assessed.assessment, as_json=as_json)
    raise typer.Exit(_status(comparison.assessed.assessment))


def evaluate(
    *,
    model: Annotated[
        str | None,
        typer.Option(help="The model, as the traffic names it. Default: model.name."),
    ] = None,
    start: Annotated[
        datetime | None,
        typer.Option(
            "--from",
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
            help="First instant of the window, UTC. Default: the last whole week (or day) of "
            "monitoring.drift_detection.",
            show_default=False,
        ),
    ] = None,
    end: Annotated[
        datetime | None,
        typer.Option(
            "--to",
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
            help="First instant after the window, UTC. Default: one week (or day) after --from.",
            show_default=False,
        ),
    ] = None,
    again: Annotated[
        bool,
        typer.Option("--again", help="Evaluate it even if it was: after importing a baseline."),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the whole assessment as JSON.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Evaluate a window of the stored traffic now, as the daemon does when the week is over.

    The findings are stored; the daemon, when it runs, opens the incident and fills the review
    queue. A window that was evaluated before is shown as it was found.

    Exit status: 0 no drift, 3 drift, 4 not enough data, 2 an option can't be used.
    """
    from datetime import UTC

    from monitor.evaluation.weekly import evaluate_window
    from monitor.evaluation.windows import LENGTH, window_of
    from monitor.store.engine import transaction
    from monitor.store.evaluations import evaluation_of_window

    settings = read_settings(config)
    if model is not None:
        settings = settings.model_copy(
            update={"model": settings.model.model_copy(update={"name": model})}
        )
    now = datetime.now(UTC)
    length = LENGTH[settings.monitoring.drift_detection]
    begins, ends = window_of(now - length, settings.monitoring.drift_detection)
    if start is not None:
        begins = start.replace(tzinfo=UTC)
        ends = begins + length
    if end is not None:
        ends = end.replace(tzinfo=UTC)
        begins = begins if start is not None else ends - length
    if begins >= ends:
        raise typer.BadParameter(f"--from {begins:%Y-%m-%d} is not before --to {ends:%Y-%m-%d}")
    engine = open_database(settings)
    with _Progress() as progress:
        progress("Evaluating", 0, 1)
        evaluation_id = evaluate_window(engine, settings, begins, ends, now, again=again)
    with transaction(engine) as connection:
        evaluation = evaluation_of_window(connection, settings.model.name, begins, ends)
    if evaluation is None or evaluation.assessment is None:
        typer.echo(
            "Another process is evaluating this window; ask again when it is done.", err=True
        )
        raise typer.Exit(75)
    if evaluation_id is None:
        typer.echo(
            f"Evaluated before, at {evaluation.finished_at:%Y-%m-%d %H:%M} UTC; "
            "--again evaluates it anew.",
            err=True,
        )
    typer.echo(
        f"Evaluation {evaluation.id}: {settings.model.name}, {begins:%Y-%m-%d %H:%M} to "
        f"{ends:%Y-%m-%d %H:%M} UTC",
        err=True,
    )
    _show(evaluation.assessment, as_json=as_json)
    raise typer.Exit(_status(evaluation.assessment))


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


def _status(assessment: "Assessment") -> Status:
    return Status[assessment.verdict.upper()]


def _show(assessment: "Assessment", *, as_json: bool) -> None:
    if as_json:
        import msgspec

        typer.echo(msgspec.json.format(msgspec.json.encode(assessment), indent=2).decode())
        return
    from rich.console import Console

    from monitor.evaluation.terminal import print_assessment

    print_assessment(assessment, Console())


def _say_bad_lines(path: Path, bad_lines: "Sequence[BadLine]") -> None:
    if not bad_lines:
        return
    for bad in bad_lines[:BAD_LINES_SHOWN]:
        typer.echo(f"{path}: {bad}", err=True)
    left = len(bad_lines) - BAD_LINES_SHOWN
    more = f" ({left:,} more not shown)" if left > 0 else ""
    typer.echo(f"{path}: {len(bad_lines):,} bad lines left out{more}", err=True)


def _write_page(html: Path, comparison: "Comparison", reference: Path, current: Path) -> None:
    from monitor.errors import InputError
    from monitor.evaluation.summary_html import render_summary

    page = render_summary(
        comparison.assessed.assessment,
        reference_name=reference.name,
        current_name=current.name,
    )
    try:
        html.write_text(page, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{html}: {error.strerror or error}") from None
    typer.echo(f"page: {html}", err=True)


class _Progress:
    """Bars on stderr, one for each step; nothing where stderr is not a terminal."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        console = Console(stderr=True)
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:,.0f}/{task.total:,.0f}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> "_Progress":
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def __call__(self, step: str, done: int, total: int) -> None:
        """Show how far a step is."""
        if step not in self._tasks:
            self._tasks[step] = self._bars.add_task(step, total=total)
        # A step that can't be counted shows a moving bar until it is done.
        counted = total if total > 1 or done == total else None
        self._bars.update(self._tasks[step], completed=done, total=counted)
