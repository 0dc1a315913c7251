"""Copies of SQLite databases."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine

from monitor.store.engine import make_engine


@contextmanager
def database_copy(template: Path, path: Path) -> Iterator[Engine]:
    """Copy a database that nobody has open; the copy is one file again at the end."""
    engine = make_engine(f"sqlite:///{shutil.copyfile(template, path)}")
    try:
        yield engine
    finally:
        engine.dispose()  # the last connection writes the log back into the file
