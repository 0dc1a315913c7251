"""`driftwarden retrain human-evaluation`: blind ratings of candidates."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli.shared.access import record_read
from monitor.cli.shared.context import (
    ConfigOption,
    ModelFilter,
    database_transaction,
    open_database,
    read_configuration,
)
from monitor.cli.shared.targets import database_file, require_distinct_files, require_writable
from monitor.cli.shared.users import require_user

if TYPE_CHECKING:
    from monitor.store.human_evaluation.human_evaluations import HumanEvaluationRow

app = typer.Typer(
    no_args_is_help=True,
    help="Show the progress of human evaluations, lock and export them.",
)

HumanEvaluationArgument = Annotated[
    int, typer.Argument(help="Number of the human evaluation.", show_default=False)
]


@app.command("list")
def list_(model: ModelFilter = None, config: ConfigOption = None) -> None:
    """List the human evaluations, the newest first."""
    from monitor.review.human_evaluation.locking import completeness
    from monitor.store.human_evaluation.human_evaluations import list_human_evaluations

    with database_transaction(read_configuration(config)) as connection:
        rows = [
            (row, completeness(connection, row))
            for row in list_human_evaluations(connection)
            if model in (None, row.model)
        ]
    if not rows:
        typer.echo("no human evaluation yet; `human_eval` in the evaluation file requests one")
    for row, progress in rows:
        typer.echo(
            f"{row.id:5d}  {row.status:9s} {row.model} version {row.version}, "
            f"evaluation {row.candidate_evaluation_id}  "
            f"{progress.n_submitted} of {progress.n_needed} ratings, "
            f"opened {row.opened_at:%Y-%m-%d}"
        )


@app.command()
def show(human_evaluation: HumanEvaluationArgument, config: ConfigOption = None) -> None:
    """Show progress and agreement of a human evaluation, and its results once it is locked."""
    import numpy as np

    from monitor.review.human_evaluation.locking import completeness
    from monitor.review.human_evaluation.view import agreement_by_dimension
    from monitor.store.human_evaluation.assignments import progress_by_rater
    from monitor.store.human_evaluation.human_evaluations import human_evaluation_by_id

    with database_transaction(read_configuration(config)) as connection:
        row = human_evaluation_by_id(connection, human_evaluation)
        progress = completeness(connection, row)
        raters = progress_by_rater(connection, human_evaluation)
        agreement = agreement_by_dimension(connection, row, np.random.default_rng(human_evaluation))
    typer.echo(
        f"human evaluation {human_evaluation}: {row.status}, {row.model} version "
        f"{row.version}, evaluation {row.candidate_evaluation_id}"
    )
    typer.echo(
        f"{progress.n_items} items, {row.raters_per_item} raters each, scale {row.scale_min} to "
        f"{row.scale_max}; {progress.n_submitted} of {progress.n_needed} ratings submitted"
    )
    if row.n_available < row.sample_size:
        typer.echo(f"{row.sample_size} items requested, {row.n_available} in the benchmarks")
    for rater in raters:
        typer.echo(f"  {rater.name}: {rater.n_submitted} items, {rater.n_declined} declined")
    for dimension, result in agreement.items():
        if result.alpha is None:
            typer.echo(f"  {dimension}: agreement undefined")
            continue
        interval = (
            f" ({result.alpha_lower:.2f} to {result.alpha_upper:.2f})"
            if result.alpha_lower is not None and result.alpha_upper is not None
            else ""
        )
        typer.echo(f"  {dimension}: alpha {result.alpha:.2f}{interval}")
    _say_results(row)


@app.command()
def lock(
    human_evaluation: HumanEvaluationArgument,
    name: Annotated[
        str, typer.Option("--as", help="User who locks it: a lead or an admin.", show_default=False)
    ],
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Lock although ratings are missing.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Lock a human evaluation: end the ratings, unblind the responses, compute the results.

    This can't be undone.
    """
    from monitor.daemon.human_evaluations import score_locked_human_evaluations
    from monitor.errors import InputError
    from monitor.review.human_evaluation.locking import lock_human_evaluation
    from monitor.store.engine import transaction
    from monitor.store.human_evaluation.human_evaluations import human_evaluation_by_id

    settings = read_configuration(config)
    engine = open_database(settings)
    now = datetime.now(UTC)
    with transaction(engine) as connection:
        user = require_user(connection, name)
        model = human_evaluation_by_id(connection, human_evaluation).model
        if not user.is_lead_of(model):
            role = user.grants.role_on(model) or "no user"
            raise InputError(
                f"not permitted: {name} is {role} of {model}; a lead or an admin locks a human "
                "evaluation"
            )
        lock_human_evaluation(connection, human_evaluation, user, now, allow_missing=allow_missing)
    score_locked_human_evaluations(engine, settings, now)
    with transaction(engine) as connection:
        row = human_evaluation_by_id(connection, human_evaluation)
    typer.echo(f"human evaluation {human_evaluation}: locked by {name}")
    _say_results(row)


@app.command()
def export(
    human_evaluation: HumanEvaluationArgument,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File to write.", show_default=False)
    ],
    config: ConfigOption = None,
) -> None:
    """Export a locked human evaluation as JSON lines: items with texts, systems and ratings."""
    import json
    from dataclasses import asdict

    from monitor.private_files import write_private_text
    from monitor.review.human_evaluation.view import rated_items

    settings = read_configuration(config)
    require_writable("--output", output)
    require_distinct_files({"--output": output}, {"the database": database_file(settings)})
    with database_transaction(settings) as connection:
        items: list[Any] = [asdict(item) for item in rated_items(connection, human_evaluation)]
        command = "retrain human-evaluation export"
        record_read(connection, command, "human_evaluation", human_evaluation, action="exported")
    lines = [json.dumps(item, ensure_ascii=False) + "\n" for item in items]
    write_private_text(output, "".join(lines))
    typer.echo(f"{output}: {len(lines)} items")


def _say_results(row: "HumanEvaluationRow") -> None:
    results = row.results
    if results is None:
        return
    for rating in results.systems:
        typer.echo(
            f"{rating.system:10s} {rating.dimension:14s} {rating.mean:.2f} "
            f"[{rating.lower:.2f}, {rating.upper:.2f}]"
        )
    for difference in results.comparisons:
        typer.echo(
            f"candidate - {difference.reference}, {difference.dimension}: "
            f"{difference.difference:+.2f} [{difference.lower:+.2f}, {difference.upper:+.2f}], "
            f"p = {difference.adjusted_p_value:.2g} after Holm; better on {difference.wins}, equal "
            f"on {difference.ties}, worse on {difference.losses}"
        )
    for check in results.checks:
        typer.echo(f"{check.outcome}: {check.name}; {check.observed}")
    for remark in results.remarks:
        typer.echo(f"note: {remark}")
