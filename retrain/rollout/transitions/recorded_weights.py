"""Comparison of a rollout's versions with the record of their files."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection

from monitor.errors import WorkflowError
from monitor.store.training import registry as versions
from monitor.store.training.registry import VersionRow
from monitor.store.training.weights_change import FileState, WeightsChange
from monitor.store.training.weights_identity import WeightsIdentity
from retrain.identity.digests import acting_files
from retrain.identity.verification import Change, compare, not_recorded
from retrain.rollout.rows.rollouts import RolloutRow

#: A file may change twice within a tick of the file system's clock.
SETTLED_AFTER = timedelta(seconds=2)


@dataclass(frozen=True)
class WeightsComparison:
    """The comparison of a version's files with their record."""

    version: VersionRow
    #: ``None``: they are those of the record.
    change: WeightsChange | None
    #: The record with the present states of unchanged files.
    identity: WeightsIdentity | None

    def save(self, connection: Connection) -> None:
        """Store what was found, where it is new."""
        version = self.version
        if self.identity is not None and self.identity != version.identity:
            versions.save_identity(connection, version.id, self.identity)
        if self.change != version.weights_change:
            versions.save_weights_change(connection, version.id, self.change)


def compare_weights(version: VersionRow, now: datetime) -> WeightsComparison:
    """Compare a version's files with their record, without the database.

    Files are read only where their states differ from those of the record, and of the last
    difference that was found. A difference stays one while its folder can't be read.
    """
    identity, known = version.identity, version.weights_change
    if identity is None:
        return WeightsComparison(version, _keep_time(known, not_recorded(version), (), now), None)
    states = _read_states(identity, now)
    if known is not None and states and states == known.states:
        return WeightsComparison(version, known, identity)
    comparison = compare(identity, now)
    if comparison.change is None:
        return WeightsComparison(version, None, comparison.identity)
    change = _keep_time(known, comparison.change, states, now)
    if known is not None and known.is_mismatch and not change.is_mismatch:
        change = known
    return WeightsComparison(version, change, comparison.identity)


@dataclass(frozen=True)
class WeightsRefusal:
    """A difference that refuses a step of a rollout."""

    version: VersionRow
    change: WeightsChange

    @property
    def text(self) -> str:
        """The reason."""
        return f"{self.version.model} version {self.version.version}: {self.change.text}"


def require_unchanged_versions(
    connection: Connection, canary: VersionRow, stable: VersionRow, now: datetime
) -> None:
    """Require that the files of a canary and of the stable version are those of their records.

    Raises:
        WorkflowError: They differ; or the canary's can't be compared.
    """
    refusal = find_refusal(connection, canary, stable, now)
    if refusal is not None:
        raise WorkflowError(refusal.text, code=f"weights_{refusal.change.kind}")


def require_unchanged_rollout(connection: Connection, rollout: RolloutRow, now: datetime) -> None:
    """Require the same of an open rollout, before a step that gives its canary more traffic."""
    require_unchanged_versions(connection, *versions_of(connection, rollout), now)


def find_refusal(
    connection: Connection, canary: VersionRow, stable: VersionRow, now: datetime
) -> WeightsRefusal | None:
    """Return the difference that refuses a step of a rollout; store all that are new.

    The stable version serves already: only a mismatch of it refuses, as its folder may be gone.
    """
    refusals = []
    for version in (canary, stable):
        compared = compare_weights(version, now)
        compared.save(connection)
        change = compared.change
        if change is not None and (change.is_mismatch or version is canary):
            refusals.append(WeightsRefusal(version, change))
    return refusals[0] if refusals else None


def versions_of(connection: Connection, rollout: RolloutRow) -> tuple[VersionRow, VersionRow]:
    """Return canary and stable version of a rollout."""
    canary = versions.version_by_id(connection, rollout.version_id)
    return canary, versions.version_by_id(connection, rollout.stable_version_id)


def _keep_time(
    known: WeightsChange | None, change: Change, states: tuple[FileState, ...], now: datetime
) -> WeightsChange:
    """Return a difference with the time at which it was first found."""
    # A file that is gone from a folder that is there is a difference, not a folder out of reach.
    is_gone = change.kind == "missing" and any(Path(file).parent.is_dir() for file in change.files)
    kind = "changed" if is_gone else change.kind
    since = known.found_at if known is not None and known.kind == kind else now
    return WeightsChange(kind, change.text, since, states)


def _read_states(identity: WeightsIdentity, now: datetime) -> tuple[FileState, ...]:
    """Return the states of the files that act; empty: unknown, or too new."""
    states = []
    for folder in identity.folders:
        place = Path(folder.path)
        names = {*acting_files(place), *(file.name for file in folder.files)}
        for path in sorted(place / name for name in names):
            try:
                state = path.stat()
            except FileNotFoundError:
                states.append(FileState(str(path), -1, 0, 0))
            except OSError:
                return ()
            else:
                states.append(FileState(str(path), state.st_size, state.st_ino, state.st_ctime_ns))
    newest = max((state.changed_ns for state in states), default=0)
    return tuple(states) if newest < (now - SETTLED_AFTER).timestamp() * 1e9 else ()
