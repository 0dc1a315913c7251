"""One leader among replicas: who holds the advisory lock runs what must run once."""

import threading
from contextlib import suppress

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

#: The lock's key in PostgreSQL; any number that nobody else uses.
ADVISORY_LOCK = 0x6472_6966_746C_6561


class Leadership:
    """Holds PostgreSQL's session-level advisory lock on a connection of its own.

    The lock goes when the connection does, so a replica that dies or is cut off hands over at once.
    A transaction-pooling proxy would share the connection: connect to PostgreSQL directly. SQLite
    has one process, which leads.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None
        self._lock = threading.Lock()

    def held(self) -> bool:
        """Return whether this process leads, trying to become the leader if nobody does."""
        if self._engine.dialect.name != "postgresql":
            return True
        with self._lock:
            return self._confirm()

    def release(self) -> None:
        """Hand the leadership over."""
        with self._lock:
            self._drop()

    def _confirm(self) -> bool:
        try:
            if self._connection is None:
                self._connection = self._engine.connect().execution_options(
                    isolation_level="AUTOCOMMIT"
                )
                return self._take(self._connection)
            self._connection.execute(text("SELECT 1"))
        except DBAPIError:
            self._drop()
            return False
        return True

    def _drop(self) -> None:
        if self._connection is not None:
            with suppress(DBAPIError):
                # Closing would return it to the pool, lock and all.
                self._connection.invalidate()
            self._connection.close()
            self._connection = None

    def _take(self, connection: Connection) -> bool:
        statement = text("SELECT pg_try_advisory_lock(:key)")
        if connection.execute(statement, {"key": ADVISORY_LOCK}).scalar_one():
            return True
        connection.close()
        self._connection = None
        return False
