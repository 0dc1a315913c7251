"""`driftwarden review`: people, the queue, the decision and the export, from the shell."""

from typing import Annotated

import typer

from monitor.cli import accounts
from monitor.cli.review import exchange
from monitor.cli.shared.context import ConfigOption, open_database, read_settings

app = typer.Typer(
    no_args_is_help=True, help="Invite reviewers, see the queue, decide, and export what is gold."
)

for name, command in accounts.COMMANDS.items():
    app.command(name)(command)
app.command("export")(exchange.export)
app.command("import")(exchange.import_)


@app.command()
def queue(config: ConfigOption = None) -> None:
    """Show how far the batches are, the newest first, and what would be decided now."""
    from monitor.review.progress.batch_summary import batch_summaries
    from monitor.store.engine import transaction

    settings = read_settings(config)
    with transaction(open_database(settings)) as connection:
        batches = batch_summaries(connection, settings.review)
    if not batches:
        typer.echo("no batch yet: the first evaluation queues one")
    for row in batches:
        counts = ", ".join(f"{n} {status}" for status, n in row.by_status.items() if n)
        window = f"{row.batch.window_start:%Y-%m-%d}..{row.batch.window_end:%Y-%m-%d}"
        typer.echo(f"batch {row.batch.id}  {row.batch.model}  {window}")
        typer.echo(f"  {row.n_items} items: {counts or 'none'}")
        typer.echo(f"  {row.recommendation}: {' '.join(row.inputs['reasons'])}")


@app.command()
def decide(
    batch: Annotated[
        int | None, typer.Option(help="The batch; without it every undecided one.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Decide whether to retrain, from the reviews that are in. A decision, once made, stands."""
    from datetime import UTC, datetime

    from monitor.review.decision.decisions import decide as decide_batch
    from monitor.review.decision.decisions import decide_open_batches
    from monitor.store.engine import transaction

    settings = read_settings(config)
    engine = open_database(settings)
    now = datetime.now(UTC)
    if batch is None:
        decisions = decide_open_batches(engine, settings, now)
    else:
        with transaction(engine) as connection:
            decisions = [decide_batch(connection, batch, settings.review, now)]
    if not decisions:
        typer.echo("no batch is undecided")
    for row in decisions:
        typer.echo(f"decision {row.id}, batch {row.batch_id}: {row.recommendation}")
        for reason in row.inputs["reasons"]:
            typer.echo(f"  {reason}")


@app.command()
def confirm(
    decision: Annotated[int, typer.Argument(help="The decision's id.", show_default=False)],
    name: Annotated[
        str, typer.Option("--as", help="Who confirms: a lead or an admin.", show_default=False)
    ],
    config: ConfigOption = None,
) -> None:
    """Confirm that a recommended retraining may start."""
    from datetime import UTC, datetime

    from monitor.errors import InputError
    from monitor.review.decision.decisions import confirm_retraining
    from monitor.store.accounts.users import user_by_name
    from monitor.store.engine import transaction

    with transaction(open_database(read_settings(config))) as connection:
        person = user_by_name(connection, name)
        if person is None:
            raise InputError(f"{name!r} is nobody's name; see `driftwarden accounts list`")
        confirm_retraining(connection, decision, person, datetime.now(UTC))
    typer.echo(f"decision {decision}: confirmed by {name}")


@app.command("verify-audit")
def verify_audit(
    expect: Annotated[
        str | None,
        typer.Option(help="A hash that was printed before: its entry must still be there."),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Check that no entry of the audit log was changed, removed, inserted or moved.

    Prints the number of entries and the hash of the last one. Keep that hash somewhere else: with
    --expect, the next check also sees entries that were cut off at the end, and a log that was
    written anew.
    """
    from monitor.errors import WorkflowError
    from monitor.store.audit_log import check_chain
    from monitor.store.engine import transaction

    with transaction(open_database(read_settings(config))) as connection:
        chain = check_chain(connection, expect)
    if chain.broken_at is not None:
        raise WorkflowError(
            f"the audit log is broken at entry {chain.broken_at}: {chain.problem}; the "
            f"{chain.n_entries} before it are whole, up to hash {chain.head}"
        )
    if not chain.holds_expected:
        raise WorkflowError(
            f"the audit log has no entry with hash {expect}: entries were cut off at the end, or "
            f"the log was written anew; it has {chain.n_entries} now, up to hash {chain.head}"
        )
    typer.echo(f"audit log: whole, {chain.n_entries} entries")
    typer.echo(chain.head)
