"""Leader election among replicas by a PostgreSQL advisory lock."""

import threading
from contextlib import suppress

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

#: Key of the lock in PostgreSQL: an arbitrary number of this application.
ADVISORY_LOCK = 0x6472_6966_746C_6561


class Leadership:
    """The leadership of this process, by a session-level advisory lock on its own connection.

    The lock ends with the connection, so another replica takes over at once when the leader dies or
    is cut off. A transaction-pooling proxy would share the connection: connect to PostgreSQL
    directly. With SQLite the only process is the leader.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None
        self._lock = threading.Lock()

    def held(self) -> bool:
        """Return whether this process is the leader, after trying to become it."""
        if self._engine.dialect.name != "postgresql":
            return True
        with self._lock:
            return self._confirm()

    def release(self) -> None:
        """Release the leadership."""
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
                # Closing alone would return the connection to the pool with its lock.
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
