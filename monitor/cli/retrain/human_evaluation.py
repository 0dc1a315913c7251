"""`driftwarden retrain human-evaluation`: blind human evaluations, from the shell."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli.shared.context import ConfigOption, open_database, read_settings
from monitor.cli.shared.targets import database_file, require_distinct_files, require_writable

if TYPE_CHECKING:
    from monitor.store.human_evaluation.human_evaluations import HumanEvaluationRow

app = typer.Typer(
    no_args_is_help=True,
    help="People who rate candidates blind on the page: see how far they are, lock, export.",
)

HumanEvaluationArgument = Annotated[
    int, typer.Argument(help="Number of the study.", show_default=False)
]


@app.command("list")
def list_(config: ConfigOption = None) -> None:
    """List the studies, the newest first."""
    from monitor.review.human_evaluation.locking import completeness
    from monitor.store.engine import transaction
    from monitor.store.human_evaluation.human_evaluations import list_human_evaluations

    with transaction(open_database(read_settings(config))) as connection:
        rows = [(row, completeness(connection, row)) for row in list_human_evaluations(connection)]
    if not rows:
        typer.echo("no study yet; `human_eval` in the evaluation file asks for one")
    for row, so_far in rows:
        typer.echo(
            f"{row.id:5d}  {row.status:9s} {row.model} version {row.version}{_evaluation(row)}  "
            f"{so_far.n_submitted} of {so_far.n_needed} ratings, opened {row.opened_at:%Y-%m-%d}"
        )


@app.command()
def show(human_evaluation: HumanEvaluationArgument, config: ConfigOption = None) -> None:
    """Show how far people are, how well they agree, and once it is locked what they say."""
    import numpy as np

    from monitor.review.human_evaluation.locking import completeness
    from monitor.review.human_evaluation.view import agreement_by_dimension, summarize_raters
    from monitor.store.engine import transaction
    from monitor.store.human_evaluation.human_evaluations import human_evaluation_by_id

    with transaction(open_database(read_settings(config))) as connection:
        row = human_evaluation_by_id(connection, human_evaluation)
        so_far = completeness(connection, row)
        people = summarize_raters(connection, human_evaluation)
        agreement = agreement_by_dimension(connection, row, np.random.default_rng(human_evaluation))
    typer.echo(
        f"study {human_evaluation}: {row.status}, {row.model} version {row.version}{_evaluation(row)}"
    )
    typer.echo(
        f"{so_far.n_items} items by {row.reviewers} people each, rated from {row.scale_min} to "
        f"{row.scale_max}; {so_far.n_submitted} of {so_far.n_needed} ratings are in"
    )
    if row.n_available < row.sample_size:
        typer.echo(f"{row.sample_size} items were asked for, the benchmarks have {row.n_available}")
    for user in people:
        typer.echo(f"  {user.name}: {user.n_submitted} items, {user.n_declined} declined")
    for dimension, found in agreement.items():
        if found.alpha is None:
            typer.echo(f"  {dimension}: agreement undefined")
            continue
        between = (
            f" ({found.alpha_lower:.2f} to {found.alpha_upper:.2f})"
            if found.alpha_lower is not None and found.alpha_upper is not None
            else ""
        )
        typer.echo(f"  {dimension}: alpha {found.alpha:.2f}{between}")
    _say_results(row)


@app.command()
def lock(
    human_evaluation: HumanEvaluationArgument,
    name: Annotated[
        str, typer.Option("--as", help="Who locks: a lead or an admin.", show_default=False)
    ],
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Lock though ratings are missing.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """End a study: nothing is rated any more, and everybody may know whose each answer was.

    This can't be undone. The figures are worked out at once.
    """
    from datetime import UTC, datetime

    from monitor.daemon.human_evaluations import score_locked_human_evaluations
    from monitor.errors import InputError
    from monitor.review.human_evaluation.locking import lock_human_evaluation
    from monitor.store.accounts.users import user_by_name
    from monitor.store.engine import transaction
    from monitor.store.human_evaluation.human_evaluations import human_evaluation_by_id

    settings = read_settings(config)
    engine = open_database(settings)
    now = datetime.now(UTC)
    with transaction(engine) as connection:
        user = user_by_name(connection, name)
        if user is None:
            raise InputError(f"{name!r} is nobody's name; see `driftwarden accounts list`")
        if not user.leads:
            raise InputError(f"{name} is {user.role}; a lead or an admin locks a study")
        lock_human_evaluation(connection, human_evaluation, user, now, allow_missing=allow_missing)
    score_locked_human_evaluations(engine, settings, now)
    with transaction(engine) as connection:
        row = human_evaluation_by_id(connection, human_evaluation)
    typer.echo(f"study {human_evaluation}: locked by {name}")
    _say_results(row)


@app.command()
def export(
    human_evaluation: HumanEvaluationArgument,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The file to write.", show_default=False)
    ],
    config: ConfigOption = None,
) -> None:
    """Write a locked study as JSON lines: an item each, with texts, systems and every rating."""
    import json
    from dataclasses import asdict

    from monitor.review.human_evaluation.view import rated_items
    from monitor.store.engine import transaction

    settings = read_settings(config)
    require_writable("--output", output)
    require_distinct_files({"--output": output}, {"the database": database_file(settings)})
    with transaction(open_database(settings)) as connection:
        items: list[Any] = [asdict(one) for one in rated_items(connection, human_evaluation)]
    lines = [json.dumps(one, ensure_ascii=False) + "\n" for one in items]
    output.write_text("".join(lines), encoding="utf-8")
    typer.echo(f"{output}: {len(lines)} items")


def _evaluation(row: "HumanEvaluationRow") -> str:
    """Tell which evaluation waits, or waited, for a study: a version may have several."""
    return "" if row.evaluation_id is None else f", evaluation {row.evaluation_id}"


def _say_results(row: "HumanEvaluationRow") -> None:
    results = row.results
    if results is None:
        return
    for one in results["systems"]:
        typer.echo(
            f"{one['system']:10s} {one['dimension']:14s} {one['mean']:.2f} "
            f"[{one['lower']:.2f}, {one['upper']:.2f}]"
        )
    for one in results["comparisons"]:
        typer.echo(
            f"candidate - {one['other']}, {one['dimension']}: {one['difference']:+.2f} "
            f"[{one['lower']:+.2f}, {one['upper']:+.2f}], p = {one['adjusted_p_value']:.2g} after "
            f"Holm; better on {one['wins']}, the same on {one['ties']}, worse on {one['losses']}"
        )
    for check in results["checks"]:
        typer.echo(f"{check['outcome']}: {check['name']}; {check['seen']}")
    for remark in results["remarks"]:
        typer.echo(f"note: {remark}")
