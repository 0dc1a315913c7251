"""`driftwarden access-log`: who signed in, and who read texts of end users."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from monitor.cli.shared.context import (
    ConfigOption,
    ModelFilter,
    database_transaction,
    read_configuration,
)

DATES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]


def access_log(
    *,
    user: Annotated[str, typer.Option(help="Only of this account.", show_default=False)] = "",
    action: Annotated[
        str,
        typer.Option(
            help="Only signed_in, sign_in_refused, signed_out, read or exported.",
            show_default=False,
        ),
    ] = "",
    item: Annotated[
        str,
        typer.Option(
            help='Only of a kind, or of one object: "item", "item 12", "incident 3".',
            show_default=False,
        ),
    ] = "",
    address: Annotated[
        str, typer.Option(help="Only from this address or machine.", show_default=False)
    ] = "",
    since: Annotated[
        datetime | None,
        typer.Option(
            "--from", help="Entries from this time on (UTC).", formats=DATES, show_default=False
        ),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(
            "--to", help="Entries before this time (UTC).", formats=DATES, show_default=False
        ),
    ] = None,
    model: ModelFilter = None,
    limit: Annotated[int, typer.Option(min=1, help="The most entries.")] = 100,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Verify that no linked entry was changed or removed."),
    ] = False,
    expect: Annotated[
        str,
        typer.Option(help="With --verify: a hash that an earlier one printed.", show_default=False),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON lines.")] = False,
    config: ConfigOption = None,
) -> None:
    """List who signed in, and who read texts of end users.

    The newest come first. Entries are removed after retention.access_log.

    The leader links each entry to the one before by a hash, about a minute after it was written.
    --verify prints the number of entries that were ever linked and the newest hash. Store them
    elsewhere: with --expect, the next check also detects a log that was rewritten as a whole.

    Exit status 1: an entry was changed or removed; 2: an option can't be used.
    """
    import msgspec

    from monitor.store.access_log import ACTIONS, AccessFilter, list_accesses
    from monitor.store.model_sets import EVERY_MODEL, ModelSet

    if verify:
        _verify(config, expect)
        return
    if action and action not in ACTIONS:
        raise typer.BadParameter(f"--action {action!r}: name one of {', '.join(ACTIONS)}")
    kind, _, object_id = item.strip().partition(" ")
    search = AccessFilter(
        actor=user,
        action=action,
        kind=kind,
        object_id=object_id.strip(),
        address=address,
        since=since.replace(tzinfo=UTC) if since else None,
        until=until.replace(tzinfo=UTC) if until else None,
        models=EVERY_MODEL if model is None else ModelSet(frozenset({model})),
    )
    with database_transaction(read_configuration(config)) as connection:
        rows = list_accesses(connection, search, limit)
    if as_json:
        for row in rows:
            typer.echo(msgspec.json.encode(row).decode())
        return
    if not rows:
        typer.echo("no such entry")
    for row in rows:
        object_name = " ".join(filter(None, (row.kind, row.object_id)))
        account = row.actor or "unknown"
        account += " (operating system)" if row.source == "command" else ""
        typer.echo(
            f"{row.occurred_at:%Y-%m-%d %H:%M:%S}  {account:24} {row.action:16} {object_name:24} "
            f"{row.place}  {row.origin}".rstrip()
        )


def _verify(config: Path | None, expect: str) -> None:
    from monitor.errors import WorkflowError
    from monitor.store.access_chain import check_access_chain

    with database_transaction(read_configuration(config)) as connection:
        chain = check_access_chain(connection, expect or None)
    if chain.broken_at is not None:
        raise WorkflowError(
            f"access log broken at link {chain.broken_at}: {chain.problem}; the {chain.n_links} "
            f"links before it hold, up to hash {chain.head.hash}"
        )
    if not chain.holds_expected:
        raise WorkflowError(
            f"access log without the expected hash: {expect}; it was rewritten, or the entry is "
            f"older than retention.access_log: {chain.n_links} links now, up to {chain.head.hash}"
        )
    waiting = f", {chain.n_unlinked} not linked yet" if chain.n_unlinked else ""
    typer.echo(
        f"access log: intact, {chain.n_links} of {chain.head.position} linked entries kept{waiting}"
    )
    typer.echo(chain.head.hash)
