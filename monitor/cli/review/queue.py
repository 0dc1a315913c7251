"""`driftwarden review`: the review queue, the decision, the audit log, and gold."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from monitor.cli.review import exchange
from monitor.cli.shared.context import (
    ConfigOption,
    ModelFilter,
    database_transaction,
    open_database,
    read_configuration,
)
from monitor.cli.shared.users import require_user

app = typer.Typer(
    no_args_is_help=True, help="Show the review queue, decide on retraining, export gold."
)

app.command("export")(exchange.export)
app.command("import")(exchange.import_)


@app.command()
def queue(model: ModelFilter = None, config: ConfigOption = None) -> None:
    """Show the progress of the review batches, the newest first, and the decision as of now."""
    from monitor.rendering.excerpts import name_version
    from monitor.review.progress.batch_summary import batch_summaries

    settings = read_configuration(config)
    with database_transaction(settings) as connection:
        batches = [
            row for row in batch_summaries(connection, settings) if model in (None, row.batch.model)
        ]
    if not batches:
        typer.echo("no review batch yet; the first drift evaluation queues one")
    for row in batches:
        counts = ", ".join(f"{n} {status}" for status, n in row.by_status.items() if n)
        window = f"{row.batch.window_start:%Y-%m-%d}..{row.batch.window_end:%Y-%m-%d}"
        if not row.batch.evaluation_id:
            window = f"chosen {row.batch.created_at:%Y-%m-%d}"
        typer.echo(f"batch {row.batch.id}  {row.batch.model}  {window}")
        typer.echo(f"  {row.n_items} items: {counts or 'none'}")
        if not row.recommendation:
            continue
        of = name_version(row.inputs.get("version", ""))
        typer.echo(f"  {row.recommendation} of {of}: {' '.join(row.inputs['reasons'])}")
        if row.state is not None and row.state.reason:
            typer.echo(f"  {row.state.reason}")


@app.command()
def decide(
    batch: Annotated[
        int | None, typer.Option(help="Number of the batch. Default: every undecided batch.")
    ] = None,
    model: ModelFilter = None,
    config: ConfigOption = None,
) -> None:
    """Decide whether to retrain, from the submitted reviews. A decision is final."""
    from monitor.rendering.excerpts import name_version
    from monitor.review.decision.decisions import decide as decide_batch
    from monitor.review.decision.decisions import decide_open_batches
    from monitor.review.items.settling import settle_reviewed
    from monitor.store.engine import transaction
    from monitor.store.review.decision_states import decision_states
    from monitor.store.review.items import batch_by_id

    configuration = read_configuration(config)
    engine = open_database(configuration)
    now = datetime.now(UTC)
    with transaction(engine) as connection:  # as the daemon does, which may have stopped
        settle_reviewed(connection, now, audit_share=configuration.review.audit_share)
    if batch is None:
        decisions = [
            decision
            for settings in configuration.by_model
            if model in (None, settings.model.name)
            for decision in decide_open_batches(engine, settings, now)
        ]
    else:
        with transaction(engine) as connection:
            review = configuration.settings_of(batch_by_id(connection, batch).model).review
            decisions = [decide_batch(connection, batch, review, now)]
    with transaction(engine) as connection:
        states = decision_states(connection)
    if not decisions:
        typer.echo("no undecided batch")
    for row in decisions:
        state = states[row.id]
        of = f"{row.recommendation} of {name_version(state.version)}"
        typer.echo(f"decision {row.id}, batch {row.batch_id}: {of}")
        for reason in filter(None, (*row.inputs["reasons"], state.reason)):
            typer.echo(f"  {reason}")


@app.command()
def confirm(
    decision: Annotated[int, typer.Argument(help="Number of the decision.", show_default=False)],
    name: Annotated[
        str, typer.Option("--as", help="User who confirms: a lead or an admin.", show_default=False)
    ],
    config: ConfigOption = None,
) -> None:
    """Confirm a recommended retraining, so that it may start."""
    from monitor.review.decision.decisions import confirm_retraining

    with database_transaction(read_configuration(config)) as connection:
        confirm_retraining(connection, decision, require_user(connection, name), datetime.now(UTC))
    typer.echo(f"decision {decision}: confirmed by {name}")


@app.command()
def batch(
    evaluation: Annotated[
        int, typer.Argument(help="Number of a finished drift evaluation.", show_default=False)
    ],
    *,
    items: Annotated[
        int | None, typer.Option(help="Most items to queue. Default: review.weekly_budget.")
    ] = None,
    choice: Annotated[
        str,
        typer.Option(
            help="configured: the shares of the settings; control: every exchange equally likely; "
            "drift: drifted exchanges first, without a control slice."
        ),
    ] = "configured",
    topic: Annotated[
        int | None,
        typer.Option(help="Only exchanges on this drifted topic, by its index in the assessment."),
    ] = None,
    task_type: Annotated[
        str | None, typer.Option(help="Only exchanges of this task type.", show_default=False)
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Queue a review batch of a drift evaluation that has none.

    With a topic or a task type it is a batch beside that of the window: its exchanges are drawn at
    random among those that are no items yet, and it counts in no error rate and no decision.
    """
    from monitor.cli.shared.access import account_name
    from monitor.review.sampling.chosen import WindowPart, queue_window
    from monitor.store.windows.drift_evaluations import drift_evaluation_by_id

    configuration = read_configuration(config)
    with database_transaction(configuration) as connection:
        model = drift_evaluation_by_id(connection, evaluation).model
        settings = configuration.settings_of(model)
        batch_id, n = queue_window(
            connection,
            evaluation,
            settings,
            WindowPart(task_type, topic),
            by=account_name(),
            now=datetime.now(UTC),
            n_items=items,
            choice=choice,
        )
    typer.echo(f"batch {batch_id}: {n} items queued")


@app.command()
def give(
    to: Annotated[list[str], typer.Option(help="Reviewer; may be repeated.", show_default=False)],
    batch: Annotated[
        int | None, typer.Option(help="Give the queued items of this batch.", show_default=False)
    ] = None,
    item: Annotated[
        list[int] | None,
        typer.Option(help="Give this item; may be repeated.", show_default=False),
    ] = None,
    days: Annotated[
        int, typer.Option(min=1, max=90, help="Days for which the items are kept for them.")
    ] = 7,
    config: ConfigOption = None,
) -> None:
    """Give review items to reviewers: until then they are offered to them alone.

    An item needs two reviewers: where one is named, the other slot is free to all. After the days,
    or once a reviewer is deactivated or declines, the slot is free to all too.
    """
    from monitor.cli.shared.access import account_name
    from monitor.errors import InputError
    from monitor.review.items.giving import give_items
    from monitor.store.review.items import batch_by_id, item_by_id, items_of_batches

    if (batch is None) == (not item):
        raise InputError("which items: name --batch or --item", code="which_items")
    now = datetime.now(UTC)
    with database_transaction(read_configuration(config)) as connection:
        if batch is None:
            rows = [item_by_id(connection, number) for number in dict.fromkeys(item or ())]
        else:
            rows = items_of_batches(connection, [batch_by_id(connection, batch).id])
        reviewers = [require_user(connection, name) for name in dict.fromkeys(to)]
        until = now + timedelta(days=days)
        gift = give_items(connection, rows, reviewers, until=until, by=account_name(), now=now)
    names = ", ".join(row.name for row in reviewers)
    taken = f", taken from {', '.join(gift.taken_from)}" if gift.taken_from else ""
    typer.echo(f"{gift.n_items} items are given to {names} until {until:%Y-%m-%d}{taken}")
    if gift.n_unfit:
        typer.echo(
            f"{gift.n_unfit} items can't be given to all of them: reviewed, declined, or "
            "of another task type"
        )


@app.command("verify-audit")
def verify_audit(
    expect: Annotated[
        str | None,
        typer.Option(help="Hash printed by an earlier check, whose entry must still exist."),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Verify the audit log: no entry was changed, removed, inserted or moved.

    Prints the number of entries and the hash of the last one. Store that hash elsewhere: with
    --expect, the next check also detects a truncated or rewritten log.
    """
    from monitor.errors import WorkflowError
    from monitor.store.audit_log import check_chain

    with database_transaction(read_configuration(config)) as connection:
        chain = check_chain(connection, expect)
    if chain.broken_at is not None:
        raise WorkflowError(
            f"audit log broken at entry {chain.broken_at}: {chain.problem}; the "
            f"{chain.n_entries} entries before it are intact, up to hash {chain.head}"
        )
    if not chain.holds_expected:
        raise WorkflowError(
            f"audit log without the expected hash: {expect}; it was truncated or rewritten: "
            f"{chain.n_entries} entries now, up to hash {chain.head}"
        )
    typer.echo(f"audit log: intact, {chain.n_entries} entries")
    typer.echo(chain.head)
