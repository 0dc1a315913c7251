"""Copies of SQLite databases."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, Engine

from monitor.store.engine import make_engine
from monitor.store.tables import metadata


def create_tables(engine: Engine) -> None:
    """Create the declared tables; a copy into SQLite takes a thirtieth of making them."""
    if engine.dialect.name != "sqlite":
        metadata.create_all(engine)
        return
    with engine.connect() as connection:
        _driver_connection(_declared()).backup(_driver_connection(connection))


@cache
def _declared() -> Connection:
    """Return a database in memory with the declared schema, made once for this process."""
    engine = make_engine("sqlite://")
    metadata.create_all(engine)
    return engine.connect()


def _driver_connection(connection: Connection) -> sqlite3.Connection:
    own = connection.connection.driver_connection
    assert isinstance(own, sqlite3.Connection)
    return own


@contextmanager
def database_copy(template: Path, path: Path) -> Iterator[Engine]:
    """Copy a database that nobody has open; the copy is one file again at the end."""
    engine = make_engine(f"sqlite:///{shutil.copyfile(template, path)}")
    try:
        yield engine
    finally:
        engine.dispose()  # the last connection writes the log back into the file
