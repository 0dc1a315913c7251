"""The audit log: append-only, each entry's hash covering the one before."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, text

from monitor.store.tables import AuditEntry

#: The hash that the first entry refers to.
GENESIS = "0" * 64
#: Held on PostgreSQL until commit, so that two entries can't follow the same one.
ADVISORY_LOCK = 0x6472_6966_7461_7564


def append_entry(  # noqa: PLR0917 - the columns of a line, in their order
    connection: Connection,
    at: datetime,
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
    digest = _digest([previous, _microseconds(at), actor, action, subject, content])
    connection.execute(
        insert(AuditEntry).values(
            at=at,
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
    statement = select(func.max(AuditEntry.at)).where(AuditEntry.action == action)
    return connection.execute(statement).scalar_one()


def first_broken_entry(connection: Connection) -> int | None:
    """Return the id of the first entry that was changed, or follows a removed or moved one.

    Entries cut off at the end can't be seen from within: keep the last hash elsewhere.
    """
    columns = (
        AuditEntry.id,
        AuditEntry.at,
        AuditEntry.actor,
        AuditEntry.action,
        AuditEntry.subject,
        AuditEntry.details,
        AuditEntry.previous_hash,
        AuditEntry.hash,
    )
    previous = GENESIS
    for row in connection.execute(select(*columns).order_by(AuditEntry.id)):
        expected = _digest(
            [previous, _microseconds(row.at), row.actor, row.action, row.subject, row.details]
        )
        if row.previous_hash != previous or row.hash != expected:
            return int(row.id)
        previous = row.hash
    return None


def _microseconds(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000 + at.microsecond


def _digest(fields: Sequence[Any]) -> str:
    canonical = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()
