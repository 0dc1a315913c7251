"""`driftwarden suppress`: end users whose records are not stored."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from monitor.cli.shared.access import account_name
from monitor.cli.shared.context import ConfigOption, open_database, read_configuration
from monitor.cli.shared.output import print_line
from monitor.plurals import pluralize

app = typer.Typer(
    no_args_is_help=True, help="Add, list and remove end users whose records are not stored."
)

Subject = Annotated[
    str,
    typer.Option(help="Id of the end user, as production sends it in `user`.", show_default=False),
]


@app.command()
def add(subject: Subject, config: ConfigOption = None) -> None:
    """Put an end user who objects on the list: nothing more of them is stored.

    What is stored already stays; `driftwarden forget` erases it, and adds the end user too. Running
    daemons follow with their next batch. The list holds keyed digests, never an id.
    """
    from monitor.privacy.end_users.suppression import suppress

    settings = read_configuration(config)
    listed = suppress(
        open_database(settings),
        settings,
        subject,
        "objected",
        by=account_name(),
        now=datetime.now(UTC),
    )
    print_line(
        f"on the list as {listed.main_digest}: {listed.reason}, since {listed.since:%Y-%m-%d}"
    )


@app.command("list")
def list_(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False,
    config: ConfigOption = None,
) -> None:
    """List the end users on the list: digest, reason, since when, by whom."""
    from monitor.privacy.end_users.suppression import listed_end_users

    end_users = listed_end_users(open_database(read_configuration(config)))
    if as_json:
        import msgspec

        typer.echo(msgspec.json.encode(end_users).decode())
        return
    for listed in end_users:
        since = listed.since.isoformat(timespec="seconds")
        print_line(f"{listed.main_digest}  {listed.reason:<9}  {since}  {listed.by}")
    if not end_users:
        print_line("nobody is on the list")


@app.command()
def remove(
    *,
    reason: Annotated[
        str,
        typer.Option(help="Why, for the audit log; the id in it is masked.", show_default=False),
    ],
    subject: Subject = "",
    digest: Annotated[
        str, typer.Option(help="First characters of a digest of `list`.", show_default=False)
    ] = "",
    key: Annotated[
        str,
        typer.Option(
            help="First characters of a key's check value: all of it.", show_default=False
        ),
    ] = "",
    config: ConfigOption = None,
) -> None:
    """Take an end user off the list: their records are stored again from now on."""
    from monitor.privacy.end_users.suppression import mask_reason, unsuppress

    if sum(map(bool, (subject, digest, key))) != 1:
        raise typer.BadParameter("--subject, --digest and --key: give one of them")
    settings = read_configuration(config)
    engine = open_database(settings)
    stored = mask_reason(engine, settings, subject, reason) if subject else reason
    n_end_users = unsuppress(
        engine,
        settings,
        subject=subject,
        main_digest=digest,
        key=key,
        reason=stored,
        by=account_name(),
        now=datetime.now(UTC),
    )
    print_line(f"{pluralize(n_end_users, 'end user')} taken off the list")
    if stored != reason:
        print_line(f"the id was removed from the reason, which is stored as: {stored}")


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="A new file.")], config: ConfigOption = None
) -> None:
    """Write the list to a file, to keep it apart from the database."""
    from monitor.privacy.end_users.suppression import export_list

    n_end_users = export_list(open_database(read_configuration(config)), file)
    print_line(f"{file}: {pluralize(n_end_users, 'end user')}")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A file that `suppress export` wrote.")],
    config: ConfigOption = None,
) -> None:
    """Add what a file has and the list lacks. Then run `driftwarden forget --suppressed`."""
    from monitor.privacy.end_users.suppression import import_list

    settings = read_configuration(config)
    n_end_users = import_list(open_database(settings), settings, file)
    print_line(f"{pluralize(n_end_users, 'end user')} added or changed")
