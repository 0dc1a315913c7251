"""`driftwarden db`: the database schema."""

import typer

from monitor.cli.shared.context import ConfigOption, read_configuration

app = typer.Typer(no_args_is_help=True, help="Migrate the database.")


@app.command()
def upgrade(config: ConfigOption = None) -> None:
    """Upgrade the database schema to the revision that this version needs.

    Run it before starting a new version. It may be repeated, and run by several processes at once.
    """
    from monitor.store.engine import make_engine
    from monitor.store.migrations import upgrade as upgrade_schema

    before, after = upgrade_schema(make_engine(read_configuration(config).database.url))
    if before == after:
        typer.echo(f"database: already at revision {after}")
    else:
        typer.echo(f"database: {before or 'empty'} -> revision {after}")
