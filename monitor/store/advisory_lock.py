"""Advisory locks of PostgreSQL; SQLite's transactions are exclusive anyway."""

from sqlalchemy import Connection, text

_LOCK = text("SELECT pg_advisory_xact_lock(:key)")


def lock_until_commit(connection: Connection, key: int) -> None:
    """Let one process at a time hold a key, until its transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(_LOCK, {"key": key})
