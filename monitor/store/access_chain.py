"""Chain of hashes over the access log, which the leader appends.

Ages remove whole stretches from its beginning: the audit log, which has a chain of its own, records
from which link on the rest begins.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, exists, func, insert, select

from monitor.store.audit_log import GENESIS, ROWS_PER_FETCH, SYSTEM, append_entry, last_details
from monitor.store.tables import AccessEntry, AccessLink

#: Entries that are linked in one transaction.
LINKS_AT_ONCE = 1000
#: How much smaller than the largest linked id that of an entry may be which a long transaction
#: committed late.
LATE_IDS = 10_000
EXPIRED = "access_log_expired"
SUBJECT = "access_log"


@dataclass(frozen=True)
class ChainHead:
    """The newest link; all links lead to its hash."""

    #: Number of entries that were ever linked.
    position: int
    hash: str


@dataclass(frozen=True)
class AccessChainCheck:
    """The result of :func:`check_access_chain`."""

    #: Links that hold, before the first wrong one, or all.
    n_links: int
    head: ChainHead
    #: Entries without a link: the leader hasn't seen them yet.
    n_unlinked: int
    #: Position of the first wrong link, and what is wrong with it.
    broken_at: int | None
    problem: str
    #: Whether a link has the expected hash; true without one.
    holds_expected: bool


def chain_head(connection: Connection) -> ChainHead:
    """Return the newest link; position 0 before the first."""
    statement = select(AccessLink.position, AccessLink.hash)
    row = connection.execute(statement.order_by(AccessLink.position.desc()).limit(1)).one_or_none()
    return ChainHead(0, GENESIS) if row is None else ChainHead(*row)


def link_entries(connection: Connection) -> int:
    """Link the entries that have no link, at most ``LINKS_AT_ONCE``; return their number."""
    head = chain_head(connection)
    largest = connection.execute(select(func.max(AccessLink.entry_id))).scalar_one() or 0
    statement = (
        select(AccessEntry.__table__)
        .where(
            AccessEntry.id > largest - LATE_IDS,
            ~exists().where(AccessLink.entry_id == AccessEntry.id),
        )
        .order_by(AccessEntry.id)
        .limit(LINKS_AT_ONCE)
    )
    links, digest = [], head.hash
    for position, entry in enumerate(connection.execute(statement), start=head.position + 1):
        digest = _hash(digest, entry)
        links.append(
            {
                "position": position,
                "entry_id": entry.id,
                "occurred_at": entry.occurred_at,
                "hash": digest,
            }
        )
    if links:
        connection.execute(insert(AccessLink), links)
    return len(links)


def expire_links(connection: Connection, before: datetime, now: datetime) -> None:
    """Remove the links of the entries that are about to be removed for their age.

    The links go as one stretch, up to the first entry that stays. The last link of the stretch is
    kept and written to the audit log. Call it last: it blocks other writers of the audit log.
    """
    if not connection.execute(select(exists().where(AccessEntry.occurred_at < before))).scalar():
        return
    newer = select(AccessLink.position).where(AccessLink.occurred_at >= before)
    first = connection.execute(newer.order_by(AccessLink.position).limit(1)).scalar()
    last = chain_head(connection).position if first is None else first - 1
    anchor = connection.execute(
        select(AccessLink.position, AccessLink.hash).where(AccessLink.position == last)
    ).one_or_none()
    connection.execute(delete(AccessLink).where(AccessLink.position < last))
    details = {
        "before": before.isoformat(),
        "position": 0 if anchor is None else anchor.position,
        "hash": GENESIS if anchor is None else anchor.hash,
    }
    append_entry(connection, now, SYSTEM, EXPIRED, SUBJECT, details)


def check_access_chain(connection: Connection, expected: str | None = None) -> AccessChainCheck:
    """Verify the links from the first that is kept to the last.

    Detects linked entries that were changed, removed or reordered. What was done to an entry before
    it was linked, and a log whose chain was rewritten as a whole, are detected only with a hash
    that was kept elsewhere, ``expected``.
    """
    expired = last_details(connection, EXPIRED)
    before = datetime.fromisoformat(expired["before"]) if expired else None
    start = ChainHead(expired["position"], expired["hash"]) if expired else ChainHead(0, GENESIS)
    n_links, head, broken_at, problem = 0, start, None, ""
    holds_expected = expected in {None, GENESIS, start.hash}
    statement = (
        select(AccessLink.position, AccessLink.occurred_at, AccessLink.hash, AccessEntry.__table__)
        .join_from(AccessLink, AccessEntry, AccessEntry.id == AccessLink.entry_id, isouter=True)
        .where(AccessLink.position != start.position)
        .order_by(AccessLink.position)
    )
    for row in connection.execute(statement, execution_options={"yield_per": ROWS_PER_FETCH}):
        position, occurred_at, digest = row[:3]
        entry = row[3:]
        if position != head.position + 1:
            broken_at, problem = position, "links before it were removed"
        elif entry[0] is None:  # expired, though entries linked before it stay
            if before is None or occurred_at >= before:
                broken_at, problem = position, "its entry was removed"
        elif digest != _hash(head.hash, entry):
            broken_at, problem = position, "its entry was changed"
        if broken_at is not None:
            break
        head = ChainHead(position, digest)
        n_links += 1
        holds_expected = holds_expected or digest == expected
    unlinked = select(func.count()).select_from(AccessEntry)
    unlinked = unlinked.where(~exists().where(AccessLink.entry_id == AccessEntry.id))
    n_unlinked = connection.execute(unlinked).scalar_one()
    return AccessChainCheck(n_links, head, n_unlinked, broken_at, problem, holds_expected)


def _hash(previous: str, entry: Sequence[Any]) -> str:
    """Return the SHA-256 of the previous hash and of an entry's columns, over canonical JSON."""
    fields = [
        int(value.timestamp()) * 1_000_000 + value.microsecond
        if isinstance(value, datetime)
        else value
        for value in entry
    ]
    canonical = json.dumps([previous, *fields], separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()
