"""Comparison of a version's files with what was recorded of them."""

import shlex
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec
from sqlalchemy import Connection, Engine

from monitor.errors import ModelError, WorkflowError
from monitor.store.engine import transaction
from monitor.store.training.registry import VersionRow, save_identity, version_by_id
from monitor.store.training.weights_identity import RecordedFile, WeightsIdentity
from retrain.identity.digests import acting_files, read_file, settle

#: Files that a sentence names.
_NAMED = 3

ChangeKind = Literal["not_recorded", "missing", "unreadable", "changed"]


@dataclass(frozen=True)
class Change:
    """A difference between what acts where a version responds and what was recorded."""

    #: The worst of its files: ``changed`` before ``unreadable`` before ``missing``;
    #: ``not_recorded``: there is nothing to compare with.
    kind: ChangeKind
    #: Paths of the files.
    files: tuple[str, ...] = ()
    #: Earliest time at which they may have changed; ``None``: not recorded.
    recorded_at: datetime | None = None
    #: Last time at which one of them was written or replaced; ``None``: unknown.
    written_at: datetime | None = None
    #: What differs and what to do, in one sentence without the version's name.
    text: str = ""


@dataclass(frozen=True)
class Comparison:
    """The comparison of files with a record."""

    change: Change | None
    #: The record with the present states of files that have the recorded contents.
    identity: WeightsIdentity


def find_change(
    connection: Connection, version: VersionRow, now: datetime, *, rehash: bool = False
) -> Change | None:
    """Compare a version's files with its record, and store the states of unchanged files.

    Only files whose size, inode or time of change differ are read, with ``rehash`` all.
    """
    if version.identity is None:
        return not_recorded(version)
    comparison = compare(version.identity, now, rehash=rehash)
    if comparison.identity != version.identity:
        save_identity(connection, version.id, comparison.identity)
    return comparison.change


def verify_version(
    engine: Engine, version_id: int, now: datetime, *, rehash: bool = False
) -> Change | None:
    """Compare as :func:`find_change` does, and hold no transaction while files are read."""
    with transaction(engine) as connection:
        version = version_by_id(connection, version_id)
    if version.identity is None:
        return not_recorded(version)
    comparison = compare(version.identity, now, rehash=rehash)
    if comparison.identity != version.identity:
        with transaction(engine) as connection:
            save_identity(connection, version_id, comparison.identity)
    return comparison.change


def require_unchanged(connection: Connection, version: VersionRow, now: datetime) -> None:
    """Require that what acts is what was recorded of a version.

    Raises:
        WorkflowError: It differs, is missing, can't be read, or was never recorded.
    """
    change = find_change(connection, version, now)
    if change is not None:
        raise WorkflowError(
            f"{version.model} version {version.version}: {change.text}",
            code=f"weights_{change.kind}",
        )


def not_recorded(version: VersionRow) -> Change:
    """Return what is said of a version without a record."""
    step = (
        "evaluate it, which records one, on its page or by driftwarden retrain evaluate "
        f"{version.training_run_id} --reason WHY"
        if version.training_run_id
        else f"register it again: driftwarden models register {shlex.quote(version.adapter_path)}"
    )
    return Change("not_recorded", text=f"no digest of its weights is recorded; {step}")


def compare(identity: WeightsIdentity, now: datetime, *, rehash: bool = False) -> Comparison:
    """Compare files with a record, without the database; see :func:`find_change`."""
    differing: list[tuple[ChangeKind, Path]] = []
    folders = []
    base = identity.hub or (identity.folders[-1].path if identity.folders else "")
    if identity.hub and Path(identity.hub).is_dir():
        differing.append(("changed", Path(identity.hub)))  # a folder of its name is loaded instead
    for folder in identity.folders:
        place = Path(folder.path)
        files = [_compare_file(place, file, base, now, rehash=rehash) for file in folder.files]
        differing += ((kind, place / file.name) for kind, file in files if kind is not None)
        known = {file.name for file in folder.files}
        added = (name for name in acting_files(place) if name not in known)
        differing += (("changed", place / name) for name in added)
        folders.append(msgspec.structs.replace(folder, files=tuple(file for _, file in files)))
    change = _change(differing, identity) if differing else None
    return Comparison(change, msgspec.structs.replace(identity, folders=tuple(folders)))


def read_states(identities: Collection[WeightsIdentity]) -> dict[str, tuple[int, int, int]]:
    """Return size, inode and time of change of each file by its path; zeros: it can't be read.

    Those of a base's folder, where nothing is written, tell that a file came and went.
    """
    folders = [folder for identity in identities for folder in identity.folders]
    bases = [identity.folders[-1] for identity in identities if len(identity.folders) > 1]
    paths = [Path(folder.path, file.name) for folder in folders for file in folder.files]
    paths += [Path(folder.path) for folder in bases]
    return {str(path): _read_state(path) for path in paths}


def _read_state(path: Path) -> tuple[int, int, int]:
    try:
        state = path.stat()
    except OSError:
        return (0, 0, 0)
    return (state.st_size, state.st_ino, state.st_ctime_ns)


def _compare_file(
    folder: Path, file: RecordedFile, base: str, now: datetime, *, rehash: bool
) -> tuple[ChangeKind | None, RecordedFile]:
    """Return how a file differs, and its record with the present state where it doesn't."""
    try:
        state = (folder / file.name).stat()
        if not rehash and (file.size, file.inode, file.changed_ns) == (
            state.st_size,
            state.st_ino,
            state.st_ctime_ns,
        ):
            return None, file
        present, _ = read_file(folder, file.name, base)
    except (FileNotFoundError, NotADirectoryError):
        return "missing", file
    except OSError:
        return "unreadable", file
    except ModelError:
        return "changed", file
    is_same = present.digest == file.digest
    return (None, settle(present, now)) if is_same else ("changed", file)


def _change(differing: list[tuple[ChangeKind, Path]], identity: WeightsIdentity) -> Change:
    order: tuple[ChangeKind, ...] = ("changed", "unreadable", "missing")
    kind = min((kind for kind, _ in differing), key=order.index)
    paths = [path for each, path in differing if each == kind]
    written = max((at for path in paths if (at := _written_at(path)) is not None), default=None)
    more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
    files = ", ".join(map(str, paths[:_NAMED])) + more
    recorded = f"recorded {identity.recorded_at:%Y-%m-%d %H:%M} UTC"
    if kind == "missing":
        text = f"missing: {files} ({recorded}); restore it"
    elif kind == "unreadable":
        text = f"unreadable: {files} ({recorded}), so it may have changed; give this process access"
    else:
        own = shlex.quote(identity.folders[0].path if identity.folders else "FOLDER")
        when = f", last written {written:%Y-%m-%d %H:%M} UTC" if written else ""
        text = (
            f"not what was {recorded}: {files}{when}; restore it, or register what is there as a "
            f"new version: driftwarden models register {own}"
        )
    return Change(kind, tuple(map(str, paths)), identity.recorded_at, written, text)


def _written_at(path: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(path.stat().st_ctime, UTC)
    except OSError:
        return None
