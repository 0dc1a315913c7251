"""Journal of reverts without the database: a file each, which the daemon reconciles."""

import os
import secrets
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec
from sqlalchemy import Engine

from monitor.errors import DriftwardenError
from monitor.private_files import sync_to_disk
from monitor.store.engine import transaction
from monitor.store.training.registry import lock_model
from monitor.telemetry import get_logger
from retrain.rollout.rows.rollouts import open_rollout
from retrain.rollout.transitions.revert import revert_rollout

#: Ending of the entries that are still to be reconciled, and of those that are.
PENDING, DONE = ".json", ".done"

log = get_logger(__name__)


class JournalEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A revert that a command has begun without the database."""

    model: str
    #: Generation that the command sets at the gateway; 0 where the gateway was unavailable too.
    generation: int
    by: str
    reason: str
    at: datetime


def write_entry(folder: Path, entry: JournalEntry) -> Path:
    """Write an entry that survives a crash of the machine, and return its file.

    Raises:
        DriftwardenError: The folder is not writable.
    """
    name = f"{entry.at:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}{PENDING}"
    path, draft = folder / name, folder / f".{name}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with draft.open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(entry)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        sync_to_disk(folder)
    except OSError as error:
        raise DriftwardenError(
            f"{folder}: the journal can't be written: {error}; set rollout.journal to a folder "
            "that commands and daemon share",
            code="not_writable",
        ) from error
    return path


def pending_entries(folder: Path) -> Iterator[tuple[Path, JournalEntry]]:
    """Yield the entries that are still to be reconciled, with their files, the oldest first.

    An entry that can't be read is logged and left.
    """
    for path in sorted(folder.glob(f"[!.]*{PENDING}")):
        try:
            yield path, msgspec.json.decode(path.read_bytes(), type=JournalEntry)
        except (OSError, msgspec.MsgspecError) as error:
            log.warning("journal_entry_unreadable", file=path.name, error=type(error).__name__)


def reconcile_journal(engine: Engine, folder: Path, now: datetime) -> list[JournalEntry]:
    """Revert the open rollouts that a folder's entries name; mark and return these entries.

    Idempotent: a rollout that began after an entry is left.

    Raises:
        DatabaseUnavailableError: The database is unavailable.
    """
    reconciled = []
    for path, entry in pending_entries(folder):
        with transaction(engine) as connection:
            lock_model(connection, entry.model)
            rollout = open_rollout(connection, entry.model)
            reverted = rollout is not None and rollout.started_at <= entry.at
            if rollout is not None and reverted:
                revert_rollout(
                    connection,
                    rollout.id,
                    now,
                    by=entry.by,
                    reason=entry.reason,
                    details={"journal": path.name, "requested_at": entry.at.isoformat()},
                    above=entry.generation,
                )
        path.replace(path.with_suffix(DONE))
        log.info("journal_reconciled", file=path.name, model=entry.model, reverted=reverted)
        reconciled.append(entry)
    return reconciled
