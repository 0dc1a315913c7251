"""SQLite databases, read without writing beside them."""

import io
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import BinaryIO, cast

from monitor.privacy.file_readers import text
from monitor.privacy.file_readers.parts import Budget, Member, Parts, Text, UnreadError

#: Instructions of SQLite between two looks at the time.
INSTRUCTIONS = 100_000


def read(content: BinaryIO, budget: Budget) -> Parts:
    """Yield the values of all tables, then the bytes, where deleted rows may be left."""
    name = getattr(content, "name", None)
    if isinstance(name, str):
        yield from _rows(Path(name), budget)
    else:  # a member of an archive
        with tempfile.NamedTemporaryFile(prefix=".driftwarden-", suffix=".db") as copy:
            shutil.copyfileobj(content, copy)
            copy.flush()
            yield from _rows(Path(copy.name), budget)
    content.seek(0)
    yield from text.read(content, budget)


def _rows(path: Path, budget: Budget) -> Parts:
    def is_over() -> int:
        try:
            budget.spend()
        except UnreadError:
            return 1
        return 0

    uri = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
            connection.set_progress_handler(is_over, INSTRUCTIONS)
            # A view could compute without end.
            tables = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
            for table, sql in tables.fetchall():
                yield Text(f"{table}\n{sql}")
                if str(sql).upper().startswith("CREATE VIRTUAL"):
                    continue  # its content is in tables of its own
                quoted = str(table).replace('"', '""')
                rows = connection.execute(f'SELECT * FROM "{quoted}"')  # noqa: S608 - quoted
                while page := rows.fetchmany(500):
                    budget.spend()
                    values = [value for row in page for value in row]
                    yield Text("\n".join(str(v) for v in values if isinstance(v, str | int)))
                    for value in values:
                        if isinstance(value, bytes) and value:
                            yield Member("bytes of a row", cast("BinaryIO", io.BytesIO(value)))
    except sqlite3.Error as error:
        budget.spend()
        raise UnreadError(f"damaged: {error}") from error
