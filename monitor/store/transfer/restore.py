"""Restoration of a backup: verified as a whole before anything is written."""

import gzip
import hashlib
import tarfile
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO

from sqlalchemy import delete, func, update

from monitor.errors import DatabaseDamagedError, DatabaseUnavailableError, InputError
from monitor.store import migrations
from monitor.store.audit_log import append_entry
from monitor.store.engine import make_engine, transaction
from monitor.store.schema.changes import Report, database_file, say_nothing
from monitor.store.schema.safety_copy import CopyOptions, integrity_problem, require_room
from monitor.store.tables import OutboxMessage, WebSession
from monitor.store.transfer.copying import copy_database, publish_file, require_empty_target
from monitor.store.transfer.manifest import (
    DATABASE,
    MANIFEST,
    SEAL,
    ArchivedFile,
    Manifest,
    Root,
    decode_manifest,
)

PART_BYTES = 2**20


def verify(archive: Path, *, key: str = "") -> Manifest:
    """Read a whole archive and compare it with its manifest; nothing is written.

    Raises:
        InputError: There is no such file.
        ConfigurationError: The ``key`` is missing, or its seal is without one.
        DatabaseDamagedError: It is cut or altered, or of another form.
    """
    entries_read: dict[str, tuple[int, str]] = {}
    ends: dict[str, bytes] = {}
    with _entries(archive) as entries:
        for entry, file in entries:
            if entry.name in {MANIFEST, SEAL}:
                ends[entry.name] = file.read()
                continue
            if entry.name in entries_read:
                raise _damaged(archive, f"{entry.name} is in it twice")
            entries_read[entry.name] = (entry.size, _digest(file))
    if set(ends) != {MANIFEST, SEAL}:
        raise _damaged(archive, "it is cut: its manifest is missing")
    manifest = decode_manifest(ends[MANIFEST], ends[SEAL], key)
    expected = {file.name: (file.size, file.digest) for file in manifest.files}
    for name in sorted(set(entries_read) | set(expected)):
        if entries_read.get(name) != expected.get(name):
            raise _damaged(archive, f"{name} is missing or was altered")
    return manifest


def restore(
    archive: Path,
    url: str,
    *,
    allowed: Sequence[str],
    actor: str = "driftwarden",
    key: str = "",
    report: Report = say_nothing,
) -> Manifest:
    """Restore a backup into an empty database, and its files to where they were.

    The database comes last and at once. A restoration that was interrupted is repeated: files that
    are there already are compared and kept. The address is that of an empty PostgreSQL database, or
    of a SQLite file that does not exist. The folders of the configuration are ``allowed``: they may
    be written. The actor is for the audit log; ``report`` receives a line about each part.

    Raises:
        DatabaseDamagedError: The archive is cut or altered; nothing was written.
        InputError: The database is not empty, a file with other content is in the way, or the
            archive has files of another folder; nothing was written.
        SchemaError: The archive is of a newer version; nothing was written.
    """
    manifest = verify(archive, key=key)
    migrations.check_known(manifest.revision)
    path = database_file(make_engine(url))
    require_empty_target(url)
    _require_allowed(manifest.roots, allowed)
    _require_free(manifest)
    size = next(file.size for file in manifest.files if file.name == DATABASE)
    temporary = path.parent if path is not None else Path(tempfile.gettempdir())
    require_room(temporary, size, "set TMPDIR, or name a file on another disk")
    with tempfile.TemporaryDirectory(prefix=".driftwarden-", dir=temporary) as folder:
        database = Path(folder) / DATABASE
        _extract(archive, manifest, database)
        report(f"files: {len(manifest.files) - 1:,} in {len(manifest.roots)} folders")
        problem = integrity_problem(database)
        if problem:
            raise _damaged(archive, problem)
        _settle(database, manifest, actor)
        if path is not None:
            publish_file(database, path)
        else:
            copied = make_engine(f"sqlite:///{database}")
            try:
                copy_database(copied, url)
            finally:
                copied.dispose()
    report(
        f"database: {sum(row.n_rows for row in manifest.tables):,} rows, as of "
        f"{manifest.created_at}"
    )
    return manifest


def _settle(database: Path, manifest: Manifest, actor: str) -> None:
    """Migrate the restored file, and tell its rows of the restoration.

    Sessions that were ended after the backup would be valid again: all are ended. Messages that
    wait in the backup may have been sent after it: they are looked up before they are posted.
    """
    engine = make_engine(f"sqlite:///{database}")
    try:
        migrations.upgrade(engine, copies=CopyOptions(enabled=False))
        with transaction(engine) as connection:
            connection.execute(delete(WebSession))
            waiting = OutboxMessage.sent_at.is_(None) & OutboxMessage.failed_at.is_(None)
            since = func.coalesce(OutboxMessage.attempted_at, OutboxMessage.created_at)
            connection.execute(update(OutboxMessage).where(waiting).values(attempted_at=since))
            details = {"of": manifest.created_at, "revision": manifest.revision}
            append_entry(
                connection, datetime.now(UTC), actor, "backup_restored", "database", details
            )
        with engine.connect() as connection:
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("PRAGMA journal_mode=DELETE")
    finally:
        engine.dispose()


def _require_allowed(roots: Sequence[Root], allowed: Sequence[str]) -> None:
    folders = [Path(name).resolve() for name in allowed]
    for root in roots:
        path = Path(root.path).resolve()
        if not any(path.is_relative_to(folder) for folder in folders):
            raise InputError(
                f"the archive has files of {root.path}, which the configuration does not name; "
                f"nothing was written; allow it by --folder {root.path}",
                code="other_folder",
            )


def _require_free(manifest: Manifest) -> None:
    for file in manifest.files:
        path = _path_of(file, manifest.roots)
        if path is None or not path.exists():
            continue
        if path.is_file() and path.stat().st_size == file.size:
            with path.open("rb") as opened:
                if _digest(opened) == file.digest:
                    continue
        raise InputError(
            f"a file with other content is in the way: {path}; nothing was written; move the "
            "folder away, and repeat",
            code="not_empty",
        )


def _path_of(file: ArchivedFile, roots: Sequence[Root]) -> Path | None:
    """Return where a file belongs; ``None`` of the database."""
    if file.name == DATABASE:
        return None
    _, number, *rest = PurePosixPath(file.name).parts
    root = next(root for root in roots if root.number == int(number))
    return Path(root.path).joinpath(*rest) if root.is_folder else Path(root.path)


def _extract(archive: Path, manifest: Manifest, database: Path) -> None:
    by_name = {file.name: file for file in manifest.files}
    for root in manifest.roots:
        (Path(root.path) if root.is_folder else Path(root.path).parent).mkdir(
            parents=True, exist_ok=True
        )
    with _entries(archive) as entries:
        for entry, file in entries:
            archived = by_name.get(entry.name)
            if archived is None:
                continue
            path = _path_of(archived, manifest.roots)
            if path is not None and path.exists():
                continue  # compared before
            try:
                _write(file, path or database, archived)
            except OSError as error:
                raise DatabaseUnavailableError(
                    f"{path or database} can't be written: {error.strerror}; the database was not "
                    "restored; mend this, and repeat",
                    code="not_written",
                ) from error


def _write(file: IO[bytes], path: Path, archived: ArchivedFile) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    total = hashlib.sha256()
    with partial.open("wb") as target:
        while part := file.read(PART_BYTES):
            total.update(part)
            target.write(part)
    if total.hexdigest() != archived.digest:
        partial.unlink()
        raise DatabaseDamagedError(
            f"the archive changed while it was read: {archived.name}; repeat",
            code="damaged_archive",
        )
    partial.chmod(archived.mode & 0o700)
    partial.replace(path)


@contextmanager
def _entries(archive: Path) -> Iterator[Iterator[tuple[tarfile.TarInfo, IO[bytes]]]]:
    """Open an archive and yield its files in their order.

    Raises:
        DatabaseDamagedError: It can't be read to its end, or has something that is no file.
    """
    if not archive.is_file():
        raise InputError(f"no such file: {archive}", code="no_file")
    try:
        with archive.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            stream: IO[bytes] = gzip.GzipFile(fileobj=raw) if packed else raw  # type: ignore[assignment]
            with tarfile.open(fileobj=stream, mode="r|") as opened:
                yield _files_of(opened, archive)
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _damaged(archive, str(error) or "it is cut") from error


def _files_of(
    opened: tarfile.TarFile, archive: Path
) -> Iterator[tuple[tarfile.TarInfo, IO[bytes]]]:
    for entry in opened:
        file = opened.extractfile(entry) if entry.isreg() else None
        if file is None:
            raise _damaged(archive, f"{entry.name} is no file")
        yield entry, file


def _digest(file: IO[bytes]) -> str:
    total = hashlib.sha256()
    while part := file.read(PART_BYTES):
        total.update(part)
    return total.hexdigest()


def _damaged(archive: Path, problem: str) -> DatabaseDamagedError:
    return DatabaseDamagedError(
        f"damaged archive: {archive}: {problem}; nothing was restored; use another backup",
        code="damaged_archive",
    )
