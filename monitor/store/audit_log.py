"""Audit log: append-only, a chain of hashes."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select

from monitor.store.advisory_lock import lock_until_commit
from monitor.store.rows import columns_of, read_rows
from monitor.store.tables import AuditEntry

#: The author of what no person did. No user may have a name that looks like it.
SYSTEM = "driftwarden"

#: The previous hash of the first entry.
GENESIS = "0" * 64
#: Entries fetched at a time while the chain is checked.
ROWS_PER_FETCH = 1000
#: Key of the PostgreSQL lock held until commit, so that no two entries follow the same one.
ADVISORY_LOCK = 0x6472_6966_7461_7564
_LAST_HASH = select(AuditEntry.hash).order_by(AuditEntry.id.desc()).limit(1)


@dataclass(frozen=True)
class Entry:
    """An entry of the log: who did what."""

    occurred_at: datetime
    actor: str
    details: dict[str, Any]


def append_entry(  # noqa: PLR0917 - the columns of a line, in their order
    connection: Connection,
    occurred_at: datetime,
    actor: str,
    action: str,
    subject: str,
    details: Mapping[str, Any] | None = None,
) -> str:
    """Append an entry and return its hash. Call it last, because it blocks other writers."""
    lock_until_commit(connection, ADVISORY_LOCK)
    previous = connection.execute(_LAST_HASH).scalar_one_or_none() or GENESIS
    content = dict(details or {})
    digest = entry_hash(previous, occurred_at, actor, action, subject, content)
    values = {
        "occurred_at": occurred_at,
        "actor": actor,
        "action": action,
        "subject": subject,
        "details": content,
        "previous_hash": previous,
        "hash": digest,
    }
    connection.execute(insert(AuditEntry), values)
    return digest


def last_entry_at(connection: Connection, action: str) -> datetime | None:
    """Return when an action was last recorded."""
    statement = select(func.max(AuditEntry.occurred_at)).where(AuditEntry.action == action)
    return connection.execute(statement).scalar_one()


def last_details(connection: Connection, action: str) -> dict[str, Any] | None:
    """Return the details of the last entry of an action."""
    statement = select(AuditEntry.details).where(AuditEntry.action == action)
    return connection.execute(statement.order_by(AuditEntry.id.desc()).limit(1)).scalar()


def entries_on(connection: Connection, action: str, subject: str) -> list[Entry]:
    """Return the entries of an action on a subject, the oldest first."""
    statement = (
        select(*columns_of(Entry, AuditEntry))
        .where(AuditEntry.action == action, AuditEntry.subject == subject)
        .order_by(AuditEntry.id)
    )
    return read_rows(connection, Entry, statement)


def subjects_of(connection: Connection, action: str) -> list[str]:
    """Return the subjects of an action, each once."""
    statement = select(AuditEntry.subject).where(AuditEntry.action == action).distinct()
    return sorted(connection.execute(statement).scalars())


def actors_on(connection: Connection, subjects: Sequence[str], actions: Sequence[str]) -> list[str]:
    """Return who took some actions on some subjects, each once."""
    statement = select(AuditEntry.actor).where(
        AuditEntry.subject.in_(subjects), AuditEntry.action.in_(actions)
    )
    return sorted(connection.execute(statement.distinct()).scalars())


@dataclass(frozen=True)
class ChainCheck:
    """The result of :func:`check_chain`."""

    #: Number of entries before the first wrong one, or of all.
    n_entries: int
    #: Hash of the last of these entries.
    head: str
    #: Id of the first wrong entry, and what is wrong with it.
    broken_at: int | None
    problem: str
    #: Whether an entry has the expected hash; true without one.
    holds_expected: bool


def check_chain(connection: Connection, expected: str | None = None) -> ChainCheck:
    """Verify the chain of hashes from the first entry to the last.

    Detects entries that were changed, removed, inserted or reordered. Entries cut off at the end,
    and a log that was rewritten as a whole, are detected only with a hash that was kept elsewhere.
    The log must contain an entry with the hash ``expected``.
    """
    columns = (
        AuditEntry.id,
        AuditEntry.occurred_at,
        AuditEntry.actor,
        AuditEntry.action,
        AuditEntry.subject,
        AuditEntry.details,
        AuditEntry.previous_hash,
        AuditEntry.hash,
    )
    statement = select(*columns).order_by(AuditEntry.id)
    previous, n_entries, holds_expected = GENESIS, 0, expected in {None, GENESIS}
    for row in connection.execute(statement, execution_options={"yield_per": ROWS_PER_FETCH}):
        fields = (row.occurred_at, row.actor, row.action, row.subject, row.details)
        if row.hash != entry_hash(row.previous_hash, *fields):
            return ChainCheck(n_entries, previous, row.id, "it was changed", holds_expected)
        if row.previous_hash != previous:
            problem = (
                "it doesn't follow the previous entry: an entry was removed, inserted or moved"
            )
            return ChainCheck(n_entries, previous, row.id, problem, holds_expected)
        previous = row.hash
        n_entries += 1
        holds_expected = holds_expected or row.hash == expected
    return ChainCheck(n_entries, previous, None, "", holds_expected)


def entry_hash(  # noqa: PLR0917 - the columns of a line, in their order
    previous: str,
    occurred_at: datetime,
    actor: str,
    action: str,
    subject: str,
    details: Mapping[str, Any],
) -> str:
    """Return the SHA-256 of an entry and of the previous hash, over canonical JSON."""
    microseconds = int(occurred_at.timestamp()) * 1_000_000 + occurred_at.microsecond
    fields = [previous, microseconds, actor, action, subject, details]
    canonical = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()
