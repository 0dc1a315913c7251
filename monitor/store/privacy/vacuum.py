"""Purge of deleted rows from the database's files, as far as a client can."""

from collections.abc import Sequence

from sqlalchemy import Engine, text


def purge_deleted_rows(engine: Engine, tables: Sequence[str]) -> str:
    """Purge deleted rows from the files; return what is left to do, or an empty string.

    SQLite overwrites deleted rows (``secure_delete``), and its write-ahead log is emptied here.
    PostgreSQL frees their space; their bytes stay in the files until the space is reused.
    """
    if engine.dialect.name == "sqlite":
        raw = engine.raw_connection()
        try:
            busy = raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        finally:
            raw.close()
        if busy:
            return (
                "SQLite's write-ahead log (-wal): not emptied, another process was reading; "
                "it is emptied at the next checkpoint or when that process ends"
            )
        return ""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in tables:
            connection.execute(text(f"VACUUM {table}"))
    return (
        "PostgreSQL's data files: bytes of deleted rows stay until their space is reused; "
        f"VACUUM FULL {', '.join(tables)} rewrites the files at once and locks the tables meanwhile"
    )
