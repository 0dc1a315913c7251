"""What was deleted must not stay readable in the database's files, as far as a client can help."""

from collections.abc import Sequence

from sqlalchemy import Engine, text


def purge_deleted_rows(engine: Engine, tables: Sequence[str]) -> str:
    """Make the database let go of deleted rows; return what is still left to do, if anything.

    SQLite overwrites what is deleted (``secure_delete``) and here empties its write-ahead log.
    PostgreSQL frees the space of deleted rows; their bytes stay in the files until it is reused.
    """
    if engine.dialect.name == "sqlite":
        raw = engine.raw_connection()
        try:
            busy = raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        finally:
            raw.close()
        if busy:
            return (
                "the write-ahead log beside the database file (-wal): another process was reading; "
                "it is emptied at the next checkpoint, or when that process ends"
            )
        return ""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in tables:
            connection.execute(text(f"VACUUM {table}"))
    return (
        "PostgreSQL's files: the space of deleted rows was freed, its bytes go when it is used "
        f"again; VACUUM FULL {', '.join(tables)} rewrites the files at once and locks the tables "
        "meanwhile"
    )
