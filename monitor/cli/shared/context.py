"""Settings and database of the commands."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from monitor.settings import Settings

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        help="Configuration file. Default: ./config.toml if it exists, else the defaults.",
        show_default=False,
    ),
]


def read_settings(config: Path | None, **overrides: Any) -> "Settings":
    """Load the settings of a command, and log warnings and errors to stderr.

    Standard output is for results, which may be JSON.
    """
    import logging

    from monitor.settings import load_settings
    from monitor.telemetry import configure_logging

    configure_logging(level=logging.WARNING)
    return load_settings(config, **overrides)


def open_database(settings: "Settings") -> "Engine":
    """Open the database and check the revision of its schema."""
    from monitor.store.engine import make_engine
    from monitor.store.migrations import require_current

    engine = make_engine(settings.database.url)
    require_current(engine)
    return engine


@contextmanager
def database_transaction(settings: "Settings") -> Iterator["Connection"]:
    """Open the database, and one transaction on it."""
    from monitor.store.engine import transaction

    with transaction(open_database(settings)) as connection:
        yield connection
