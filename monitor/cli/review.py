"""`driftwarden review`: people, the queue, the decision and the export, from the shell."""

import sys
from typing import Annotated

import typer

from monitor.cli import review_exchange
from monitor.cli.context import ConfigOption, open_database, read_settings

app = typer.Typer(
    no_args_is_help=True, help="Add reviewers, see the queue, decide, and export what is gold."
)


app.command("export")(review_exchange.export)
app.command("import")(review_exchange.import_)


@app.command("add-reviewer")
def add_reviewer(
    name: Annotated[str, typer.Argument(help="The name to sign in with.", show_default=False)],
    role: Annotated[
        str,
        typer.Option(
            help="reviewer; adjudicator (also decides where two disagree); lead (also sees "
            "progress and confirms retraining); admin."
        ),
    ] = "reviewer",
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    prompt: Annotated[
        bool,
        typer.Option("--prompt", help="Ask for the password instead of generating one."),
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Add a person who reviews. Without a password option one is made up and printed once."""
    from datetime import UTC, datetime

    from monitor.review.accounts import create_account, generate_password
    from monitor.store.engine import transaction

    engine = open_database(read_settings(config))
    generated = ""
    if password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    elif prompt:
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        password = generated = generate_password()
    with transaction(engine) as connection:
        create_account(connection, name, password, role, datetime.now(UTC))
    typer.echo(f"{name}: added as {role}")
    if generated:
        typer.echo(f"password, shown only now: {generated}")


@app.command("list")
def list_people(config: ConfigOption = None) -> None:
    """List who may sign in."""
    from monitor.store.engine import transaction
    from monitor.store.reviewers import list_reviewers

    with transaction(open_database(read_settings(config))) as connection:
        people = list_reviewers(connection)
    if not people:
        typer.echo("nobody yet: `driftwarden review add-reviewer NAME`")
    for person in people:
        typer.echo(f"{person.name:24} {person.role:12} {'active' if person.active else 'inactive'}")


@app.command()
def queue(config: ConfigOption = None) -> None:
    """Show how far the batches are, the newest first, and what would be decided now."""
    from monitor.review.progress import batch_progress
    from monitor.store.engine import transaction

    settings = read_settings(config)
    with transaction(open_database(settings)) as connection:
        batches = batch_progress(connection, settings.review)
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

    from monitor.review.decision import decide as decide_batch
    from monitor.review.decision import decide_open_batches
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
    from monitor.review.decision import confirm_retraining
    from monitor.store.engine import transaction
    from monitor.store.reviewers import reviewer_by_name

    with transaction(open_database(read_settings(config))) as connection:
        person = reviewer_by_name(connection, name)
        if person is None:
            raise InputError(f"{name!r} is nobody's name; see `driftwarden review list`")
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
    from monitor.store.audit import check_chain
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
