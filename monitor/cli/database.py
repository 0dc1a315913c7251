"""`driftwarden db`: schema, copies, backups."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.privileges.grants import grants
from monitor.cli.shared.access import record_copy
from monitor.cli.shared.context import ConfigOption, open_database, read_configuration
from monitor.plurals import pluralize

if TYPE_CHECKING:
    from monitor.settings import Configuration
    from monitor.store.schema.inspection import DatabaseState

app = typer.Typer(
    no_args_is_help=True, help="Migrate, check, copy, back up and restore the database."
)
app.command()(grants)

CopyFolder = Annotated[
    Path | None,
    typer.Option("--copy-folder", help="Folder of the copy of a SQLite database."),
]
NoCopy = Annotated[
    bool, typer.Option("--no-copy", help="Don't copy a SQLite database before: there is a backup.")
]
KeepCopy = Annotated[
    bool,
    typer.Option("--keep-copy", help="Keep the copy. Later erasures don't reach it: delete it."),
]


@app.command()
def upgrade(
    *,
    copy_folder: CopyFolder = None,
    no_copy: NoCopy = False,
    keep_copy: KeepCopy = False,
    from_copy: Annotated[
        bool,
        typer.Option(
            "--from-copy",
            help="Go back to the copy that an interrupted migration made, if the database is "
            "damaged.",
        ),
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Upgrade the database schema to the revision that this version needs.

    Run it before starting a new version. The version before may run until you stop it. The command
    may be repeated, and run by several processes at once. It changes everything or nothing; a
    SQLite database is copied before, and the copy is deleted afterwards.

    Exit status 75: the database is in use, or there is no room; 78: its schema is unknown.
    """
    from monitor.store.engine import make_engine
    from monitor.store.migrations import upgrade as upgrade_schema
    from monitor.store.schema.safety_copy import CopyOptions

    before, after = upgrade_schema(
        make_engine(read_configuration(config).database.url),
        copies=CopyOptions(copy_folder, not no_copy, keep_copy),
        report=_report,
        from_copy=from_copy,
    )
    if before == after:
        typer.echo(f"database: already at revision {after}")
    else:
        typer.echo(f"database: {before or 'empty'} -> revision {after}")


@app.command()
def downgrade(
    *,
    version: Annotated[
        str | None,
        typer.Argument(help="A release. Default: the newest with an older schema."),
    ] = None,
    discard_data: Annotated[
        bool,
        typer.Option("--discard-data", help="Delete rows for which the older schema has no place."),
    ] = False,
    copy_folder: CopyFolder = None,
    no_copy: NoCopy = False,
    keep_copy: KeepCopy = False,
    config: ConfigOption = None,
) -> None:
    """Return the database to the schema of an earlier release.

    Stop the daemon first, and start the earlier release afterwards. If rows or values would be
    lost, they are listed and nothing is changed.

    Exit status 2: something would be lost; 75: a daemon runs, or the database is in use.
    """
    from monitor.store.engine import make_engine
    from monitor.store.schema.downgrading import downgrade as downgrade_schema
    from monitor.store.schema.safety_copy import CopyOptions

    done = downgrade_schema(
        make_engine(read_configuration(config).database.url),
        version,
        discard=discard_data,
        copies=CopyOptions(copy_folder, not no_copy, keep_copy),
        report=_report,
    )
    for loss in done.losses:
        typer.echo(f"deleted: {loss}")
    typer.echo(
        f"database: {done.before} -> revision {done.release.revision}, {done.release.version}"
    )


@app.command()
def check(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    config: ConfigOption = None,
) -> None:
    """Check the revision and the integrity of the database.

    Reads the whole database once: pages and references of SQLite, indexes and sequences of
    PostgreSQL, the audit log's chain of hashes. Changes nothing.

    Exit status 0: fine; 1: damaged; 75: unavailable; 78: its schema is not this version's,
    or there is no such file.
    """
    from monitor.store.engine import make_engine
    from monitor.store.schema.inspection import inspect_database

    engine = make_engine(read_configuration(config).database.url)
    try:
        state = inspect_database(engine)
    finally:
        engine.dispose()
    if as_json:
        import msgspec

        typer.echo(msgspec.json.encode(state).decode())
    else:
        _print_state(state)
    raise typer.Exit(state.exit_status)


@app.command()
def copy(
    target_url: Annotated[
        str, typer.Argument(help="postgresql+psycopg2://..., or sqlite:///FILE that is new.")
    ],
    config: ConfigOption = None,
) -> None:
    """Copy the database into an empty one, of the same kind or the other.

    A daemon may run: the copy is of one moment. Prints the number of rows of each table and their
    SHA-256, which the target was compared with. Set database.url to the target afterwards. A
    password may be given by PGPASSWORD instead.

    Exit status 1: the target refuses a value; 2: it is not empty; 75: unavailable, or no room.
    """
    from monitor.store.transfer.copying import copy_database

    engine = open_database(read_configuration(config))
    record_copy(engine, "db copy")
    copied = copy_database(engine, target_url, typer.echo)
    n_rows = sum(row.n_rows for row in copied)
    typer.echo(f"copied and compared: {n_rows:,} rows of {len(copied)} tables")


@app.command()
def backup(
    archive: Annotated[Path, typer.Argument(help="A new file, .tar or .tar.gz.")],
    config: ConfigOption = None,
) -> None:
    """Back up the database, run folders and adapters into one file.

    A daemon may run. The database is of one moment; a file that is written meanwhile may be
    incomplete. The configuration and secrets are not in it. It holds texts of end users: keep it as
    you keep the database, and no longer than `retention` keeps them. DRIFTWARDEN_BACKUP_KEY
    seals it.

    Exit status 2: the file exists; 75: the database is unavailable, or there is no room.
    """
    from monitor.store.transfer.backup import back_up

    configuration = read_configuration(config)
    engine = open_database(configuration)
    record_copy(engine, "db backup")
    key = _backup_key()
    manifest = back_up(engine, configuration, archive, typer.echo, key=key)
    record_copy(engine, "db backup", "archive", str(archive.resolve()))
    for line in manifest.left_out:
        typer.echo(f"left out: {line}", err=True)
    size = archive.stat().st_size
    typer.echo(f"{archive}: {size:,} bytes, as of {manifest.created_at}")


@app.command()
def restore(
    *,
    archive: Annotated[Path, typer.Argument(help="A file that `db backup` wrote.")],
    verify_only: Annotated[
        bool, typer.Option("--verify-only", help="Read the whole file and compare its digests.")
    ] = False,
    folder: Annotated[
        list[str] | None,
        typer.Option(help="A folder outside the configuration's that may be written. Repeatable."),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Restore a backup into an empty database, and its files to where they were.

    The whole file is compared with its digests before anything is written, and its seal with
    DRIFTWARDEN_BACKUP_KEY, where that is set. A backup of either kind
    of database fits both. Users sign in again.

    Who was forgotten since is erased again, by the suppression file.

    Exit status 1: the file is cut or altered, or something of a forgotten end user is left; 4:
    nothing of them was found, and something could not be read; 2: the database is not empty, or a
    file is in the way; 75: there is no room; 78: the backup is of a newer version.
    """
    from monitor.store.transfer.backup import folders_of
    from monitor.store.transfer.restore import restore as restore_archive
    from monitor.store.transfer.restore import verify

    configuration = read_configuration(config)
    key = _backup_key()
    if verify_only:
        manifest = verify(archive, key=key)
        typer.echo(f"{archive}: undamaged, {len(manifest.files):,} files, of {manifest.created_at}")
        return
    manifest = restore_archive(
        archive,
        configuration.database.url,
        allowed=[*folders_of(configuration), *(folder or [])],
        key=key,
        report=typer.echo,
    )
    status = _forget_again(configuration)
    typer.echo(
        f"restored; repeat erasures of single exchanges (`driftwarden forget --exchange`) and "
        f"deactivations of users since {manifest.created_at}, then start the daemon"
    )
    raise typer.Exit(status)


def _backup_key() -> str:
    """Return the key that seals backups; empty: none."""
    from monitor.errors import ConfigurationError
    from monitor.settings import Secrets
    from monitor.traffic.end_users.keys import MIN_KEY_CHARACTERS

    key = Secrets().driftwarden_backup_key.get_secret_value().strip()
    if 0 < len(key) < MIN_KEY_CHARACTERS:
        raise ConfigurationError(
            f"DRIFTWARDEN_BACKUP_KEY: fewer than {MIN_KEY_CHARACTERS} characters; make one by "
            "`openssl rand -hex 32`"
        )
    return key


def _forget_again(configuration: "Configuration") -> int:
    """Merge the suppression file into a restored database, and erase who is on the list.

    Return the exit status of `driftwarden forget --suppressed`.
    """
    from monitor.cli.privacy.erasure import erase_listed
    from monitor.store.engine import make_engine
    from monitor.traffic.end_users.suppression_file import suppression_file, synchronize

    engine = make_engine(configuration.database.url)
    try:
        path = suppression_file(configuration, engine)
        if path is None or not path.is_file():
            typer.echo(
                "no suppression list outside the database: repeat `driftwarden forget` for all end "
                "users that were forgotten since, or `driftwarden suppress import FILE`"
            )
            return 0
        n_end_users = synchronize(engine, path)
        typer.echo(f"suppression list: {pluralize(n_end_users, 'end user')} added from {path}")
        typer.echo("erased again by the list:")
        return erase_listed(engine, configuration)
    finally:
        engine.dispose()


def _report(line: str) -> None:
    typer.echo(f"database: {line}", err=True)


def _print_state(state: "DatabaseState") -> None:
    typer.echo(f"kind:         {state.kind}")
    typer.echo(f"revision:     {state.revision or 'none'}{_since(state.release)}")
    typer.echo(f"this version: {state.needed}")
    typer.echo(f"schema:       {state.schema.replace('_', ' ')}")
    if state.remedy:
        typer.echo(f"              {state.remedy}")
    for pending in state.pending:
        typer.echo(f"pending:      {pending.revision} {pending.summary}")
    if state.previous_release:
        typer.echo(f"downgrade to: {state.previous_release}")
    if state.interrupted is not None:
        typer.echo(
            f"interrupted:  a migration to {state.interrupted.after} of "
            f"{state.interrupted.started_at}; run `driftwarden db upgrade`"
        )
    if state.leader:
        typer.echo(f"daemon:       {state.leader}")
    if state.n_audit_entries is not None:
        typer.echo(f"audit log:    {state.n_audit_entries:,} entries follow each other")
    for problem in state.problems:
        typer.secho(f"FAIL          {problem}", fg=typer.colors.RED)
    if not state.problems:
        typer.echo("integrity:    no problem found")


def _since(release: str) -> str:
    return f" (the schema of {release}, or newer)" if release else ""
