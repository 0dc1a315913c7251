"""`driftwarden db`: the schema."""

import typer

from monitor.cli.shared.context import ConfigOption, read_settings

app = typer.Typer(no_args_is_help=True, help="Migrate the database.")


@app.command()
def upgrade(config: ConfigOption = None) -> None:
    """Bring the database's schema to the revision this version needs.

    Safe to run again, and while another process runs it. Run it before starting a new version.
    """
    from monitor.store.engine import make_engine
    from monitor.store.migrations import upgrade as upgrade_schema

    before, after = upgrade_schema(make_engine(read_settings(config).database.url))
    if before == after:
        typer.echo(f"database: already at revision {after}")
    else:
        typer.echo(f"database: {before or 'empty'} -> revision {after}")
