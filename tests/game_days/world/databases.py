"""Databases of the worlds: a SQLite file in each folder, or one each on a PostgreSQL server."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import NullPool, create_engine, make_url, text

FILE = "driftwarden.db"


@dataclass(frozen=True)
class Databases:
    """Databases by the folders of their worlds."""

    #: URL of a PostgreSQL server; empty: SQLite.
    server: str = ""

    def url(self, folder: Path) -> str:
        """Return the URL of the database of a folder."""
        if not self.server:
            return f"sqlite:///{folder / FILE}"
        url = make_url(self.server).set(database=_name(folder))
        return url.render_as_string(hide_password=False)

    def create(self, folder: Path) -> None:
        """Create the empty database of a folder; one of before is deleted."""
        if self.server:
            self.drop(folder)
            self._administer(f"CREATE DATABASE {_name(folder)}")

    def copy(self, source: Path, folder: Path) -> None:
        """Copy the database of a folder, which nobody has open, to that of another."""
        if self.server:
            self.drop(folder)
            self._administer(f"CREATE DATABASE {_name(folder)} TEMPLATE {_name(source)}")
        else:
            shutil.copyfile(source / FILE, folder / FILE)

    def drop(self, folder: Path) -> None:
        """Delete the database of a folder; a file is deleted with its folder."""
        if self.server:
            self._administer(f"DROP DATABASE IF EXISTS {_name(folder)} WITH (FORCE)")

    def _administer(self, statement: str) -> None:
        engine = create_engine(self.server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        with engine.connect() as connection:
            connection.execute(text(statement))


def _name(folder: Path) -> str:
    return f"game_days_{folder.name.replace('-', '_')}"
