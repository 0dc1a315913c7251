"""Contents with which many tests begin: built once in each process, and copied from then on."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Engine

from monitor.store.tables.search import is_declared

T = TypeVar("T")
#: Databases that are kept, of a megabyte each.
N_KEPT = 20
#: What was built in which schema -> the database, and what the function returned.
_built: dict[tuple[str, str], tuple[sqlite3.Connection, Any]] = {}


def built_once(engine: Engine, key: object, build: Callable[[], T]) -> T:
    """Fill a database as ``build`` does, which returns the same for equal keys.

    Only a SQLite database without rows can be copied to.
    """
    if engine.dialect.name != "sqlite":
        return build()
    with _connection(engine) as own:
        schema = "\n".join(str(row) for row in own.execute("SELECT name, sql FROM sqlite_master"))
        tables = own.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        is_new = not any(
            own.execute(f'SELECT 1 FROM "{name}"').fetchone()
            for (name,) in tables
            if is_declared(name)
        )
    if not is_new:
        return build()
    place = repr(key), schema
    if place in _built:
        image, result = _built[place]
        with _connection(engine) as own:
            image.backup(own)
        return result
    if len(_built) == N_KEPT:
        _built.pop(next(iter(_built)))[0].close()
    result = build()
    image = sqlite3.connect(":memory:", check_same_thread=False)
    with _connection(engine) as own:
        own.backup(image)
    _built[place] = image, result
    return result


@contextmanager
def _connection(engine: Engine) -> Iterator[sqlite3.Connection]:
    pooled = engine.raw_connection()
    try:
        assert isinstance(pooled.driver_connection, sqlite3.Connection)
        yield pooled.driver_connection
    finally:
        pooled.close()
