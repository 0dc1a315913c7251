"""`driftwarden retention` and `driftwarden forget`: personal data leaves."""

from monitor.cli.context import ConfigOption, open_database, read_settings


def retention(config: ConfigOption = None) -> None:
    """Remove what is older than [retention] allows, and tend the vector blocks.

    The daemon does the same once a day. It takes small steps, so that nothing waits for it; one
    that is interrupted goes on where it was.
    """
    import logging
    from datetime import UTC, datetime

    import typer

    from monitor.privacy.retention import apply_retention
    from monitor.telemetry import configure_logging

    configure_logging(level=logging.WARNING)
    settings = read_settings(config)
    removed = apply_retention(open_database(settings), settings.retention, datetime.now(UTC))
    for name, n in sorted(removed.items()):
        typer.echo(f"{name:20} {n:>10,}")
    if not removed:
        typer.echo("nothing is older than [retention] allows")
