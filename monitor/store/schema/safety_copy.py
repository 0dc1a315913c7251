"""Copy of a SQLite database that is made before its schema changes.

A migration is one transaction, so a process that is killed leaves the database as it was. The copy
is for what a transaction does not cover: a damaged disk, or a migration with a defect. A file
beside the database names the copy while the change runs, so that the next run knows of it.
"""

import json
import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from monitor.errors import ConfigurationError, DatabaseDamagedError, DatabaseUnavailableError
from monitor.private_files import PRIVATE_FILE, sync_to_disk


@dataclass(frozen=True)
class CopyOptions:
    """How a database is copied before its schema changes."""

    #: Folder of the copy; ``None``: that of the database.
    folder: Path | None = None
    #: Whether the copy is made.
    enabled: bool = True
    #: Whether the copy stays after the change. It holds texts that a later erasure does not reach.
    keep: bool = False


DEFAULT_COPY = CopyOptions()


@dataclass(frozen=True)
class Interruption:
    """A change of the schema that has begun, as the file beside the database names it."""

    before: str
    after: str
    #: The copy; empty: none was made.
    copy: str
    started_at: str

    @property
    def has_copy(self) -> bool:
        """Return whether the copy was complete."""
        return bool(self.copy) and Path(self.copy).is_file()


class SafetyCopy:
    """The copy of one database, and the file that names it."""

    def __init__(self, database: Path, options: CopyOptions) -> None:
        self._database = database
        self._options = options
        self._marker = database.with_name(f"{database.name}.migrating.json")
        self._begun = False
        self._copy: Path | None = None

    def interruption(self) -> Interruption | None:
        """Return the change that was interrupted; ``None``: none was.

        Call it while no other process migrates: under the lock of writers.
        """
        try:
            return Interruption(**json.loads(self._marker.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError):  # it was being written
            return Interruption("unknown", "unknown", "", "")

    def begin(self, before: str, after: str) -> Path | None:
        """Name the copy in the file beside the database, then make it.

        Call it in the transaction of the change: no row is written between the two. Return the
        copy; ``None``: none was to be made.

        Raises:
            DatabaseUnavailableError: There is no room, or the folder can't be written.
        """
        self._copy = self._copy_path(before) if self._options.enabled else None
        if self._copy is not None:
            self._require_room(self._copy)
        moment = datetime.now(UTC).isoformat(timespec="seconds")
        self._begun = True
        self._write(Interruption(before, after, str(self._copy or ""), moment))
        if self._copy is not None:
            self._make(self._copy)
        return self._copy

    def end(self, *, changed: bool) -> None:
        """Remove the file of a change that has ended, and the copy unless it is to be kept.

        A change that was rolled back left the database as it was: it needs no copy.
        """
        if self._begun:
            self._remove(self._copy, keep=changed and self._options.keep)
            self._begun = False

    def forget(self, interruption: Interruption) -> None:
        """Remove the file and the copy of a change that was interrupted."""
        self._remove(Path(interruption.copy) if interruption.copy else None, keep=False)

    def restore(self, interruption: Interruption) -> Path:
        """Replace the database by its copy; return where the replaced files are.

        Raises:
            DatabaseDamagedError: The copy is missing or damaged; nothing was changed.
        """
        copy = Path(interruption.copy)
        if not interruption.has_copy:
            raise DatabaseDamagedError(
                f"no copy of the database: {interruption.copy or 'none was made'}; restore a "
                "backup by `driftwarden db restore`",
                code="no_copy",
            )
        problem = integrity_problem(copy)
        if problem:
            raise DatabaseDamagedError(
                f"damaged copy of the database: {copy}: {problem}; restore a backup by "
                "`driftwarden db restore`",
                code="damaged_copy",
            )
        damaged = self._database.with_name(f"{self._database.name}.damaged")
        for suffix in ("-wal", "-shm", ""):
            file = Path(f"{self._database}{suffix}")
            if file.exists():
                file.replace(f"{damaged}{suffix}")
        shutil.copyfile(copy, self._database)
        sync_to_disk(self._database)
        return damaged

    def _copy_path(self, before: str) -> Path:
        folder = self._options.folder or self._database.parent
        interruption = self.interruption()
        own = "" if interruption is None else interruption.copy
        first = copy = folder / f"{self._database.name}.before-{before}"
        number = 1
        while copy.exists() and str(copy) != own:  # kept by an earlier change, or of somebody else
            number += 1
            copy = first.with_name(f"{first.name}.{number}")
        return copy

    def _require_room(self, copy: Path) -> None:
        size = sum(
            file.stat().st_size
            for file in (self._database, Path(f"{self._database}-wal"))
            if file.exists()
        )
        # A migration may write each table anew, which needs as much beside the database.
        needed = {copy.parent: size}
        needed[self._database.parent] = needed.get(self._database.parent, 0) + size
        for folder, n_bytes in needed.items():
            require_room(folder, n_bytes, "name another folder by --copy-folder")

    def _make(self, copy: Path) -> None:
        partial = copy.with_name(f"{copy.name}.partial")
        try:
            copy_sqlite(self._database, partial)
            partial.replace(copy)
            sync_to_disk(copy.parent)
        except (OSError, sqlite3.Error) as error:
            partial.unlink(missing_ok=True)
            raise DatabaseUnavailableError(
                f"no copy of the database was made: {copy}: {error}; name another folder by "
                "--copy-folder; nothing was changed",
                code="copy_failed",
            ) from error

    def _write(self, interruption: Interruption) -> None:
        try:
            with self._marker.open("w", encoding="utf-8") as file:
                json.dump(asdict(interruption), file)
                file.flush()
                os.fsync(file.fileno())
            sync_to_disk(self._marker.parent)
        except OSError as error:
            raise DatabaseUnavailableError(
                f"the folder of the database can't be written: {self._marker.parent}: "
                f"{error.strerror}; nothing was changed",
                code="read_only_folder",
            ) from error

    def _remove(self, copy: Path | None, *, keep: bool) -> None:
        if copy is not None:
            copy.with_name(f"{copy.name}.partial").unlink(missing_ok=True)
            if not keep:
                copy.unlink(missing_ok=True)
        self._marker.unlink(missing_ok=True)


def require_room(folder: Path, n_bytes: int, remedy: str) -> None:
    """Check that a folder exists, and that its disk has room.

    Raises:
        ConfigurationError: There is no such folder.
        DatabaseUnavailableError: There is less room.
    """
    if not folder.is_dir():
        raise ConfigurationError(f"no such folder: {folder}; create it")
    free = shutil.disk_usage(folder).free
    if free < n_bytes:
        raise DatabaseUnavailableError(
            f"too little room on the disk of {folder}: {free:,} bytes are free, {n_bytes:,} are "
            f"needed; make room, or {remedy}; nothing was changed",
            code="disk_full",
        )


def copy_sqlite(source: Path, target: Path) -> None:
    """Copy a SQLite database, as it was last committed, while others may write to it.

    Only its owner may read the copy, whatever the mode of the database.
    """
    target.unlink(missing_ok=True)
    os.close(os.open(target, os.O_CREAT | os.O_EXCL, PRIVATE_FILE))
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as reader,
        closing(sqlite3.connect(target)) as writer,
    ):
        # In one step: between two, a writer would make it begin anew.
        reader.backup(writer)
        # The copy is one file: no log beside it.
        writer.execute("PRAGMA journal_mode=DELETE")
    sync_to_disk(target)


def integrity_problem(database: Path) -> str:
    """Return what SQLite finds damaged in a file; empty: nothing."""
    try:
        with closing(
            sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)
        ) as opened:
            rows = [row[0] for row in opened.execute("PRAGMA integrity_check(5)")]
    except sqlite3.Error as error:
        return str(error)
    return "" if rows == ["ok"] else "; ".join(rows)
