"""A database that the fixtures made, with the revision that commands ask for."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, text

from monitor.store import migrations
from monitor.store.engine import transaction


def stamp(engine: Engine, revision: str = "") -> None:
    """Give a database a revision, by default the newest."""
    with transaction(engine) as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
        values = {"revision": revision or migrations.head_revision()}
        connection.execute(text("INSERT INTO alembic_version VALUES (:revision)"), values)


@contextmanager
def stamped(engine: Engine, revision: str = "") -> Iterator[Engine]:
    """Give a database a revision, by default the newest, for the block."""
    stamp(engine, revision)
    try:
        yield engine
    finally:
        with transaction(engine) as connection:
            connection.execute(text("DROP TABLE alembic_version"))
