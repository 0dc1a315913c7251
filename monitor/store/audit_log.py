"""The audit log: append-only, each entry's hash covering the one before."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, text

from monitor.store.tables import AuditEntry

#: The hash that the first entry refers to.
GENESIS = "0" * 64
#: Entries that are held in memory while the chain is followed.
ROWS_PER_FETCH = 1000
#: Held on PostgreSQL until commit, so that two entries can't follow the same one.
ADVISORY_LOCK = 0x6472_6966_7461_7564


def append_entry(  # noqa: PLR0917 - the columns of a line, in their order
    connection: Connection,
    occurred_at: datetime,
    actor: str,
    action: str,
    subject: str,
    details: Mapping[str, Any] | None = None,
) -> str:
    """Append an entry and return its hash. Call it last: it makes other writers wait."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
    last = select(AuditEntry.hash).order_by(AuditEntry.id.desc()).limit(1)
    previous = connection.execute(last).scalar_one_or_none() or GENESIS
    content = dict(details or {})
    digest = entry_hash(previous, occurred_at, actor, action, subject, content)
    connection.execute(
        insert(AuditEntry).values(
            occurred_at=occurred_at,
            actor=actor,
            action=action,
            subject=subject,
            details=content,
            previous_hash=previous,
            hash=digest,
        )
    )
    return digest


def last_entry_at(connection: Connection, action: str) -> datetime | None:
    """Return when an action was last entered."""
    statement = select(func.max(AuditEntry.occurred_at)).where(AuditEntry.action == action)
    return connection.execute(statement).scalar_one()


@dataclass(frozen=True)
class ChainCheck:
    """What a walk along the audit log found."""

    #: Entries up to the first that is wrong, or all.
    n_entries: int
    #: Hash of the last of them.
    head: str
    #: Id of the first entry that is wrong, and what is.
    broken_at: int | None
    problem: str
    #: Whether an entry has the hash that was asked for; true where none was.
    holds_expected: bool


def check_chain(connection: Connection, expected: str | None = None) -> ChainCheck:
    """Follow the hashes from the first entry to the last.

    Finds entries that were changed, removed, inserted or put into another order. Entries cut off at
    the end, and a log that was written anew as a whole, show only against a hash that was kept
    elsewhere.

    Args:
        connection: An open transaction.
        expected: The hash of an entry that must be there.
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
    previous, n_entries, found = GENESIS, 0, expected in {None, GENESIS}
    for row in connection.execute(statement, execution_options={"yield_per": ROWS_PER_FETCH}):
        told = (row.occurred_at, row.actor, row.action, row.subject, row.details)
        if row.hash != entry_hash(row.previous_hash, *told):
            return ChainCheck(n_entries, previous, row.id, "it was changed", found)
        if row.previous_hash != previous:
            problem = "it doesn't follow the entry before it: one was removed, inserted or moved"
            return ChainCheck(n_entries, previous, row.id, problem, found)
        previous = row.hash
        n_entries += 1
        found = found or row.hash == expected
    return ChainCheck(n_entries, previous, None, "", found)


def first_broken_entry_id(connection: Connection) -> int | None:
    """Return the id of the first entry that :func:`check_chain` finds wrong."""
    return check_chain(connection).broken_at


def entry_hash(  # noqa: PLR0917 - the columns of a line, in their order
    previous: str,
    occurred_at: datetime,
    actor: str,
    action: str,
    subject: str,
    details: Mapping[str, Any],
) -> str:
    """Return the SHA-256 of an entry and of the hash before it, over canonical JSON."""
    microseconds = int(occurred_at.timestamp()) * 1_000_000 + occurred_at.microsecond
    fields = [previous, microseconds, actor, action, subject, details]
    canonical = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()
