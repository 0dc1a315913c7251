"""The suppression list outside the database: a file of JSON lines, to which changes are added.

A database that is restored from an older backup gets from it who was added since. It holds digests,
which say nothing without the key.
"""

import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

import msgspec
from sqlalchemy import Engine

from monitor.errors import ConfigurationError
from monitor.settings import Sections
from monitor.store.engine import transaction
from monitor.store.privacy.suppressions import (
    SuppressionRow,
    add_suppression_changes,
    suppression_changes,
)
from monitor.store.schema.changes import database_file

SUFFIX = ".suppressions"


def suppression_file(settings: Sections, engine: Engine) -> Path | None:
    """Return the file: that of the settings, else the one beside a SQLite database."""
    if settings.privacy.suppression_file:
        return Path(settings.privacy.suppression_file)
    path = database_file(engine)
    return None if path is None else path.with_name(path.name + SUFFIX)


def read_suppression_file(path: Path) -> list[SuppressionRow]:
    """Return the changes in a file; none where there is no file. A line cut at the end is left out.

    Raises:
        ConfigurationError: The file can't be read, or a line is none of ours.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ConfigurationError(
            f"the suppression list can't be read: {path}: {error.strerror}; let the user that runs "
            "driftwarden read it",
            code="suppression_file_unreadable",
        ) from error
    *lines, cut = content.split(b"\n")
    rows = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            rows.append(msgspec.json.decode(line, type=SuppressionRow))
        except msgspec.MsgspecError as error:
            # A line that was cut is followed by whole ones.
            if not line.startswith(b'{"main_digest"') or line.endswith(b"}"):
                raise ConfigurationError(
                    f"the suppression list is damaged: {path}, line {number}; restore the file",
                    code="suppression_file_damaged",
                ) from error
    if cut.strip():
        with suppress(msgspec.MsgspecError):
            rows.append(msgspec.json.decode(cut, type=SuppressionRow))
    return rows


def append_changes(path: Path, rows: Sequence[SuppressionRow]) -> None:
    """Append changes to a file of mode 0600, and wait until they are on the disk."""
    if not rows:
        return
    lines = b"".join(msgspec.json.encode(asdict(row)) + b"\n" for row in rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        size = file.seek(0, os.SEEK_END)
        if size:
            file.seek(size - 1)
            if file.read(1) != b"\n":
                lines = b"\n" + lines  # the last line was cut
        file.write(lines)
        file.flush()
        os.fsync(file.fileno())


def mask_reasons(path: Path | None, mask: Callable[[str], str]) -> None:
    """Mask an end user in the reasons of a file, which is replaced atomically if one has them.

    Raises:
        ConfigurationError: The file can't be read or replaced.
    """
    rows = [] if path is None else read_suppression_file(path)
    masked = [replace(row, reason=mask(row.reason)) for row in rows]
    if path is None or masked == rows:
        return
    path = path.resolve()  # a link stays one
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        append_changes(draft, masked)
        shutil.copymode(path, draft)
        owner = path.stat()
        with suppress(PermissionError):  # the daemon reads it, and may be another user
            os.chown(draft, owner.st_uid, owner.st_gid)
        draft.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        draft.unlink(missing_ok=True)


def add_missing(engine: Engine, rows: Sequence[SuppressionRow]) -> int:
    """Add to the database the changes that it lacks; return the number of end users."""
    with transaction(engine) as connection:
        missing = _lacking(suppression_changes(connection), rows)
        add_suppression_changes(connection, missing)
    return len({row.main_digest for row in missing})


def synchronize(engine: Engine, path: Path | None) -> int:
    """Give database and file the changes that the other has; return those new to the database.

    Raises:
        ConfigurationError: The file can't be read or written.
    """
    if path is None:
        return 0
    in_file = read_suppression_file(path)
    n_end_users = add_missing(engine, in_file)
    with transaction(engine) as connection:
        stored = suppression_changes(connection)
    try:
        append_changes(path, _lacking(in_file, stored))
    except OSError as error:
        raise _unwritable(path, error) from error
    return n_end_users


def _lacking(
    known: Sequence[SuppressionRow], rows: Sequence[SuppressionRow]
) -> list[SuppressionRow]:
    """Return the changes that are not among the known ones.

    The reason of a removal doesn't count: while an end user is erased, it is masked in the file
    before it is in the database.
    """

    def identity(row: SuppressionRow) -> SuppressionRow:
        return replace(row, reason="") if row.action == "removed" else row

    listed = set(map(identity, known))
    return [row for row in dict.fromkeys(rows) if identity(row) not in listed]


def _unwritable(path: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"the suppression list can't be written: {path}: {error.strerror}; let the user that "
        "runs driftwarden write it and its folder, or set privacy.suppression_file",
        code="suppression_file_unwritable",
    )
