"""Backup: one archive of the database, run folders and adapters, with a manifest of digests."""

import gzip
import hashlib
import io
import os
import stat
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO

from sqlalchemy import Engine, select

from monitor.errors import DatabaseUnavailableError, InputError
from monitor.settings import Configuration
from monitor.store import migrations
from monitor.store.engine import make_engine, snapshot
from monitor.store.schema.changes import Report, database_file, say_nothing
from monitor.store.schema.safety_copy import copy_sqlite, require_room
from monitor.store.tables import ModelVersion, TrainingRun
from monitor.store.transfer.copying import copy_database, database_size
from monitor.store.transfer.manifest import (
    DATABASE,
    FORMAT,
    MANIFEST,
    SEAL,
    ArchivedFile,
    Manifest,
    Root,
    encode_manifest,
)
from monitor.store.transfer.stored_rows import TableDigest, digest_table, tables

#: Bytes read at a time.
PART_BYTES = 2**20


def back_up(
    engine: Engine,
    configuration: Configuration,
    archive: Path,
    report: Report = say_nothing,
    *,
    key: str = "",
) -> Manifest:
    """Write a backup while a daemon runs.

    The database comes first, in one state. Files come afterwards, so that those which its rows name
    are there. The database has the newest schema; the configuration names the folders. The archive,
    ``.tar`` or ``.tar.gz``, must not exist. ``report`` receives a line about each part; the ``key``
    seals the manifest.

    Raises:
        SchemaError: The database has another schema.
        InputError: The archive exists, or its name ends otherwise.
        DatabaseUnavailableError: There is no room, or the folder can't be written.
    """
    migrations.require_current(engine)
    if archive.exists():
        raise InputError(f"the archive exists: {archive}; name another file", code="not_empty")
    if not archive.name.endswith((".tar", ".tar.gz")):
        raise InputError(
            f"unknown kind of archive: {archive.name}; name it .tar or .tar.gz", code="archive_kind"
        )
    # The copy of the database lies beside the archive until it is in it.
    require_room(archive.parent, 2 * database_size(engine), "name a file on another disk")
    partial = archive.with_name(f"{archive.name}.partial")
    try:
        with tempfile.TemporaryDirectory(prefix=".driftwarden-", dir=archive.parent) as folder:
            manifest = _write(engine, configuration, partial, Path(folder), report, key)
        os.link(partial, archive)
    except FileExistsError:
        raise InputError(
            f"the archive exists: {archive}; name another file", code="not_empty"
        ) from None
    except OSError as error:
        raise DatabaseUnavailableError(
            f"no backup was written: {archive}: {error.strerror or error}; make room, or name a "
            "file elsewhere",
            code="not_written",
        ) from error
    finally:
        partial.unlink(missing_ok=True)
    return manifest


def _write(  # noqa: PLR0917 - those of its only caller
    engine: Engine,
    configuration: Configuration,
    partial: Path,
    folder: Path,
    report: Report,
    key: str,
) -> Manifest:
    created_at = datetime.now(UTC)
    copy = folder / DATABASE
    digests = _copy(engine, copy)
    report(f"database: {sum(row.n_rows for row in digests):,} rows of {len(digests)} tables")
    files: list[ArchivedFile] = []
    left_out: list[str] = []
    roots = _roots(configuration, copy)
    with _opened(partial) as archive:
        files.append(_add(archive, copy, DATABASE))
        copy.unlink()
        for root in roots:
            before = len(files)
            for path, name in _files(root, left_out):
                try:
                    files.append(_add(archive, path, name))
                except FileNotFoundError:
                    left_out.append(f"{path}: deleted while it was read")
            size = sum(file.size for file in files[before:])
            report(f"{root.path}: {len(files) - before:,} files, {size:,} bytes")
        manifest = Manifest(
            format=FORMAT,
            version=version("driftwarden"),
            revision=migrations.head_revision(),
            created_at=created_at.isoformat(timespec="seconds"),
            kind=engine.dialect.name,
            tables=tuple(digests),
            roots=tuple(roots),
            files=tuple(files),
            left_out=tuple(left_out),
        )
        for name, content in zip((MANIFEST, SEAL), encode_manifest(manifest, key), strict=True):
            archive.addfile(_entry(name, len(content), 0o600), io.BytesIO(content))
    return manifest


def _copy(engine: Engine, copy: Path) -> Sequence[TableDigest]:
    """Copy the database into a SQLite file."""
    source = database_file(engine)
    if source is None:
        return copy_database(engine, f"sqlite:///{copy}")
    copy_sqlite(source, copy)
    copied = make_engine(f"sqlite:///{copy}")
    try:
        with snapshot(copied) as connection:
            digests = [digest_table(connection, table) for table in tables()]
        with copied.connect() as connection:
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("PRAGMA journal_mode=DELETE")
        return digests
    finally:
        copied.dispose()


def folders_of(configuration: Configuration) -> list[str]:
    """Return the folders that the configuration names: of runs, and of reverts."""
    models = list(configuration.by_model)
    names = [of_model.retrain.work_dir for of_model in models]
    return list(dict.fromkeys(names + [of_model.rollout.journal for of_model in models]))


def _roots(configuration: Configuration, database: Path) -> list[Root]:
    """Return the folders of the configuration, and those of the database's rows elsewhere."""
    names = folders_of(configuration)
    engine = make_engine(f"sqlite:///{database}")
    with snapshot(engine) as connection:
        for column in (TrainingRun.work_dir, ModelVersion.adapter_path):
            names += connection.execute(select(column).distinct().order_by(column)).scalars()
    engine.dispose()
    folders: list[str] = []
    for name in filter(None, names):
        path = Path(name).absolute()
        inside = any(path.is_relative_to(Path(folder).absolute()) for folder in folders)
        if path.exists() and not inside:
            folders.append(name)
    return [Root(n, name, Path(name).is_dir()) for n, name in enumerate(folders)]


def _files(root: Root, left_out: list[str]) -> Iterator[tuple[Path, str]]:
    """Yield the files under a root with their names in the archive; note what is left out."""
    top = Path(root.path)
    if not root.is_folder:
        yield top, f"files/{root.number}/{top.name}"
        return
    for folder, folders, names in os.walk(top):
        folders.sort()
        paths = [Path(folder) / name for name in folders]
        left_out += [f"{path}: a link to a folder" for path in paths if path.is_symlink()]
        for name in sorted(names):
            path = Path(folder) / name
            if path.is_file():
                yield path, f"files/{root.number}/{path.relative_to(top).as_posix()}"
            else:
                left_out.append(f"{path}: not a file")


@contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    """Open an archive for writing; only its owner may read it, as it holds texts of end users."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        if path.name.endswith(".gz.partial"):
            with (
                gzip.GzipFile(fileobj=file, mode="wb", compresslevel=1, mtime=0) as packed,
                tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as archive,
            ):
                yield archive
        else:
            with tarfile.open(fileobj=file, mode="w|", format=tarfile.PAX_FORMAT) as archive:
                yield archive
        file.flush()
        os.fsync(file.fileno())


def _add(archive: tarfile.TarFile, path: Path, name: str) -> ArchivedFile:
    """Add a file as it is now: what is appended meanwhile is left out."""
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        reader = _Reader(file, status.st_size)
        mode = stat.S_IMODE(status.st_mode)
        archive.addfile(_entry(name, status.st_size, mode), reader)
    return ArchivedFile(name, status.st_size, reader.sum.hexdigest(), mode)


def _entry(name: str, size: int, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, mode
    return entry


class _Reader(io.RawIOBase):
    """A file of a fixed size whose digest is computed as it is read.

    A file that was cut meanwhile is filled with zeros: a checkpoint that is being replaced.
    """

    def __init__(self, file: IO[bytes], size: int) -> None:
        super().__init__()
        self._file = file
        self._left = size
        self.sum = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        wanted = self._left if size < 0 else min(size, self._left)
        part = self._file.read(wanted)
        part += bytes(wanted - len(part))
        self._left -= wanted
        self.sum.update(part)
        return part
