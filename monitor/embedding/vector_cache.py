"""Vectors of texts in a folder: a SQLite file, by encoder and keyed digest of the text."""

import os
import secrets
import sqlite3
import stat
import warnings
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from math import ceil
from pathlib import Path

import numpy as np
import structlog
from numpy.typing import NDArray
from xxhash import xxh3_64_digest

from monitor.errors import InputError

log = structlog.get_logger()

FILE = "vectors.sqlite"
#: The first bytes of each SQLite file.
MAGIC = b"SQLite format 3\x00"
#: "dwVC": tells the file from other SQLite databases.
APPLICATION_ID = 0x64775643
#: Version of the tables; a file of an older one is emptied, one of a newer one is left alone.
VERSION = 1
#: Longest wait for another process that writes.
BUSY_SECONDS = 10
#: Bytes of a row besides its vector: digest, check, index.
ROW_BYTES = 128
#: Share of the largest size that is left after an eviction.
FILLED = 0.9
#: Of a damaged file, sqlite3 cannot always decode even the message of its own error.
FAULTS = (sqlite3.Error, UnicodeError)
TABLES = {
    "secret": "key BLOB NOT NULL",
    "encoders": "id INTEGER PRIMARY KEY, fingerprint BLOB NOT NULL UNIQUE, "
    "identity TEXT NOT NULL, dimension INTEGER NOT NULL, checksum BLOB NOT NULL",
    # Rows are inserted in the order of their ids, so the oldest come first.
    "vectors": "id INTEGER PRIMARY KEY, digest BLOB NOT NULL, encoder INTEGER NOT NULL, "
    "created_day INTEGER NOT NULL, vector BLOB NOT NULL, UNIQUE (digest, encoder)",
}


def say_once(event: str, **facts: str) -> None:
    """Log a warning; in a program without logs, such as a notebook, warn on standard error."""
    if structlog.is_configured():
        log.warning(event, **facts)
    else:
        described = ", ".join(f"{name}: {fact}" for name, fact in facts.items())
        warnings.warn(f"{event}: {described}", RuntimeWarning, stacklevel=2)


@dataclass(frozen=True)
class KnownEncoder:
    """An encoder with vectors in the cache."""

    id: int
    fingerprint: bytes
    identity: str
    dimension: int


class VectorCache:
    """Vectors that encoders made of texts; it holds digests of the texts, never the texts.

    Whatever fails, the run goes on as without a cache, and a warning is logged once.
    """

    def __init__(
        self,
        folder: Path,
        *,
        max_bytes: int,
        max_age: timedelta,
        now: datetime | None = None,
    ) -> None:
        """Open the cache in a folder, which is created with the permissions of its owner only.

        From ``max_age`` on vectors are removed; from ``max_bytes`` on, the oldest. Without ``now``,
        the time is that of the clock.

        Raises:
            InputError: The path is no folder.
        """
        self.file = folder.expanduser() / FILE
        self._max_bytes = max_bytes
        self._today = (now or datetime.now(UTC)).toordinal()
        self._connection: sqlite3.Connection | None = None
        self._is_writable = True
        self._key = b""
        try:
            _make_private(self.file)
            self._open()
            self._remove_expired(max_age)
        except (NotADirectoryError, FileExistsError):
            raise InputError(
                f"the cache of vectors is no folder: {folder}; name a folder of its own",
                code="cache_is_no_folder",
            ) from None
        except (OSError, *FAULTS, _UnusableError) as error:
            self._stop(error)

    def known_encoder(self, fingerprint: bytes) -> KnownEncoder | None:
        """Return the encoder of a fingerprint; ``None``: it has no vectors yet."""
        if self._connection is None:
            return None
        try:
            row = self._connection.execute(
                "SELECT id, identity, dimension, checksum FROM encoders WHERE fingerprint = ?",
                (fingerprint,),
            ).fetchone()
        except FAULTS as error:
            self._stop(error)
            return None
        if row is None or row[3] != _checksum(fingerprint, row[1], row[2]):
            return None
        return KnownEncoder(row[0], fingerprint, row[1], row[2])

    def add_encoder(self, fingerprint: bytes, identity: str, dimension: int) -> KnownEncoder | None:
        """Add an encoder, or return the one that another process has added meanwhile.

        Return ``None`` where the cache can't be written.
        """
        with self._writing() as connection:
            if connection is not None:
                connection.execute(
                    "INSERT INTO encoders (fingerprint, identity, dimension, checksum) "
                    "VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET identity = excluded.identity, "
                    "dimension = excluded.dimension, checksum = excluded.checksum",
                    (fingerprint, identity, dimension, _checksum(fingerprint, identity, dimension)),
                )
        return self.known_encoder(fingerprint)

    def read(self, encoder: KnownEncoder, texts: Sequence[str]) -> dict[str, NDArray[np.float16]]:
        """Return the vectors ``[d]`` of those texts that have one."""
        if self._connection is None:
            return {}
        vectors = {}
        try:
            self._connection.execute("BEGIN")  # one lock for all rows
            for text in texts:
                digest = self._digest(text)
                row = self._connection.execute(
                    "SELECT vector FROM vectors WHERE digest = ? AND encoder = ?",
                    (digest, encoder.id),
                ).fetchone()
                vector = None if row is None else _unpack(row[0], encoder, digest)
                if vector is not None:
                    vectors[text] = vector
            self._connection.execute("COMMIT")
        except FAULTS as error:
            self._stop(error)
        return vectors

    def write(
        self, encoder: KnownEncoder, texts: Sequence[str], vectors: NDArray[np.float16]
    ) -> None:
        """Store the vectors ``[n, d]`` of texts, in one transaction."""
        rows = []
        for text, vector in zip(texts, vectors, strict=True):
            digest = self._digest(text)
            rows.append((digest, encoder.id, self._today, _pack(vector, encoder, digest)))
        with self._writing() as connection:
            if connection is not None:
                self._make_room(connection, len(rows) * (ROW_BYTES + 2 * encoder.dimension))
                try:
                    _insert(connection, rows)
                except sqlite3.OperationalError as error:
                    if error.sqlite_errorcode != sqlite3.SQLITE_FULL:
                        raise
                    # Full pages of the index split in two: now and then many do at once.
                    if not connection.in_transaction:
                        connection.execute("BEGIN IMMEDIATE")
                    _evict(connection, 1.0 - FILLED)
                    _insert(connection, rows)

    def count(self, texts: Sequence[str]) -> int:
        """Return the number of vectors of texts, of all encoders."""
        if self._connection is None:
            return 0
        query = "SELECT count(*) FROM vectors WHERE digest = ?"
        try:
            return sum(
                self._connection.execute(query, (self._digest(text),)).fetchone()[0]
                for text in dict.fromkeys(texts)
            )
        except FAULTS as error:
            self._stop(error)
            return 0

    def remove(self, texts: Sequence[str]) -> None:
        """Remove the vectors of texts, of all encoders."""
        with self._writing() as connection:
            if connection is not None:
                connection.executemany(
                    "DELETE FROM vectors WHERE digest = ?",
                    [(self._digest(text),) for text in texts],
                )

    def close(self) -> None:
        """Close the file; the cache is empty from then on."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> None:
        connection = sqlite3.connect(
            self.file, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            # Runs no code of a foreign file; without a map of its pages, a cut file is an error.
            for pragma in ("trusted_schema = OFF", "mmap_size = 0", "secure_delete = ON"):
                connection.execute(f"PRAGMA {pragma}").fetchall()
            _create_tables(connection)
            if self.file.stat().st_size > self._max_bytes:  # the limit was lowered: start anew
                connection.execute("DELETE FROM vectors")
                connection.execute("VACUUM")
            self._key = _read_key(connection)
        except BaseException:
            connection.close()
            raise
        page_size = _pragma(connection, "page_size")
        connection.execute(f"PRAGMA max_page_count = {max(1, self._max_bytes // page_size)}")
        self._connection = connection

    def _digest(self, text: str) -> bytes:
        data = text.encode("utf-8", "surrogatepass")
        return blake2b(data, key=self._key, digest_size=16).digest()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection | None]:
        """Yield the connection in a transaction, or ``None`` where nothing can be written."""
        if self._connection is None or not self._is_writable:
            yield None
            return
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            yield self._connection
            self._connection.execute("COMMIT")
        except FAULTS as error:
            self._is_writable = False
            say_once("vector_cache_not_written", file=str(self.file), reason=str(error))
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def _make_room(self, connection: sqlite3.Connection, new_bytes: int) -> None:
        """Remove the oldest vectors, where the new ones would exceed the size."""
        page_size, n_pages, n_free = (
            _pragma(connection, name) for name in ("page_size", "page_count", "freelist_count")
        )
        used = (n_pages - n_free) * page_size
        if used + new_bytes > self._max_bytes:
            _evict(connection, min(1.0, (used + new_bytes - FILLED * self._max_bytes) / used))

    def _remove_expired(self, max_age: timedelta) -> None:
        first = self._today - max_age.days
        assert self._connection is not None  # noqa: S101 - called right after it is opened
        oldest = self._connection.execute(
            "SELECT created_day < ? FROM vectors ORDER BY id LIMIT 1", (first,)
        ).fetchone()
        if oldest is None or not oldest[0]:
            return
        with self._writing() as connection:
            if connection is not None:
                connection.execute("DELETE FROM vectors WHERE created_day < ?", (first,))

    def _stop(self, error: Exception) -> None:
        """Log why the cache can't be used, and use it no more."""
        say_once(
            "vector_cache_not_used",
            file=str(self.file),
            reason=str(error),
            remedy="if it is a cache of driftwarden, delete the file: it is made anew",
        )
        self.close()


class _UnusableError(Exception):
    """Raised when the file is not a cache of this user and version."""


def _make_private(file: Path) -> None:
    """Create folder and file where they are missing, and check that only their owner writes."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if file.parent.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise _UnusableError(
            f"other users can write in {file.parent}; `chmod go-w` it, or name another folder"
        )
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with closing(os.fdopen(descriptor, "rb")):
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
            raise _UnusableError("it is another user's, or no file")
        if status.st_size and os.pread(descriptor, len(MAGIC), 0) != MAGIC:
            raise _UnusableError("it is no database")  # SQLite would fill a file of zeros
        if stat.S_IMODE(status.st_mode) != 0o600:
            os.fchmod(descriptor, 0o600)


def _create_tables(connection: sqlite3.Connection) -> None:
    """Create the tables of a new file, or of one of an older version.

    Raises:
        _UnusableError: The file is another program's, or a newer version's.
    """
    if _pragma(connection, "user_version") == VERSION and _is_own(connection):
        return
    connection.execute("BEGIN IMMEDIATE")  # of two processes, the second finds the tables
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_schema")]
    if names and not _is_own(connection):
        raise _UnusableError("it is another program's database")
    version = _pragma(connection, "user_version")
    if version > VERSION:
        raise _UnusableError(f"a newer driftwarden made it (version {version}, here {VERSION})")
    if version < VERSION:
        for name in set(names).intersection(TABLES):
            connection.execute(f"DROP TABLE {name}")
        for name, columns in TABLES.items():
            connection.execute(f"CREATE TABLE {name} ({columns})")
        connection.execute("INSERT INTO secret VALUES (?)", (secrets.token_bytes(32),))
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def _insert(connection: sqlite3.Connection, rows: Sequence[tuple[object, ...]]) -> None:
    connection.executemany(
        "INSERT OR REPLACE INTO vectors (digest, encoder, created_day, vector) VALUES (?, ?, ?, ?)",
        rows,
    )


def _evict(connection: sqlite3.Connection, share: float) -> None:
    """Remove a share of the vectors, the oldest ones."""
    n_rows = connection.execute("SELECT count(*) FROM vectors").fetchone()[0]
    connection.execute(
        "DELETE FROM vectors WHERE id IN (SELECT id FROM vectors ORDER BY id LIMIT ?)",
        (ceil(share * n_rows),),
    )


def _read_key(connection: sqlite3.Connection) -> bytes:
    row = connection.execute("SELECT key FROM secret").fetchone()
    if row is None or not isinstance(row[0], bytes):
        raise _UnusableError("it is damaged")
    return row[0]


def _is_own(connection: sqlite3.Connection) -> bool:
    return _pragma(connection, "application_id") == APPLICATION_ID


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def _pack(vector: NDArray[np.float16], encoder: KnownEncoder, digest: bytes) -> bytes:
    data = vector.astype("<f2").tobytes()
    return data + _checksum(encoder.fingerprint, digest, data)


def _unpack(blob: object, encoder: KnownEncoder, digest: bytes) -> NDArray[np.float16] | None:
    """Return the vector; ``None`` if it is damaged, or another encoder's or text's."""
    if not isinstance(blob, bytes) or len(blob) != 2 * encoder.dimension + 8:
        return None
    data = blob[:-8]
    if blob[-8:] != _checksum(encoder.fingerprint, digest, data):
        return None
    return np.frombuffer(data, dtype="<f2").astype(np.float16)


def _checksum(*parts: object) -> bytes:
    return xxh3_64_digest(repr(parts).encode("utf-8", "surrogatepass"))
