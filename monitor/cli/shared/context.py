"""What every command starts from: the settings, the database, and how errors are shown."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from monitor.settings import Settings

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        help="Configuration file; without it ./config.toml where there is one, else the defaults.",
        show_default=False,
    ),
]


def read_settings(config: Path | None, **overrides: Any) -> "Settings":
    """Load the settings for a command, and send its logs to stderr: warnings and worse.

    Standard output is for what was asked, which may be JSON.
    """
    import logging

    from monitor.settings import load_settings
    from monitor.telemetry import configure_logging

    configure_logging(level=logging.WARNING)
    return load_settings(config, **overrides)


def open_database(settings: "Settings") -> "Engine":
    """Open the database and check that its schema is the one this version needs."""
    from monitor.store.engine import make_engine
    from monitor.store.migrations import require_current

    engine = make_engine(settings.database.url)
    require_current(engine)
    return engine
