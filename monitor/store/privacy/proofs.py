"""Queries of the fingerprints of erasures, their keys and their checks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from monitor.store.privacy.erasures import of_end_user
from monitor.store.rows import columns_of, insert_row, read_rows
from monitor.store.tables import Erasure, ErasureCheck, ErasureProof, ProofKey

Entries = Sequence[Mapping[str, str]]


@dataclass(frozen=True)
class ProofKeyRow:
    """A key of fingerprints."""

    id: int
    secret: str
    user_id_key: str
    created_at: datetime


@dataclass(frozen=True)
class ErasureProofRow:
    """An erasure with its fingerprints; ``None``: it has none any more."""

    id: int
    subject_digest: str
    started_at: datetime
    proof_until: datetime
    remains: list[dict[str, str]]
    key_id: int | None
    fingerprints: list[str] | None
    seal: str | None


@dataclass(frozen=True)
class ErasureCheckRow:
    """A check of all erasures."""

    id: int
    checked_at: datetime
    findings: list[dict[str, str]]
    unread: list[dict[str, str]]
    searched: dict[str, int]


_KEY = columns_of(ProofKeyRow, ProofKey)
_PROOF = (
    Erasure.id,
    Erasure.subject_digest,
    Erasure.started_at,
    Erasure.proof_until,
    Erasure.remains,
    ErasureProof.key_id,
    ErasureProof.fingerprints,
    ErasureProof.seal,
)
_CHECK = columns_of(ErasureCheckRow, ErasureCheck)


def proof_keys(connection: Connection) -> list[ProofKeyRow]:
    """Return the keys that are not destroyed, the newest first."""
    return read_rows(connection, ProofKeyRow, select(*_KEY).order_by(ProofKey.id.desc()))


def insert_proof_key(
    connection: Connection, secret: str, user_id_key: str, now: datetime
) -> ProofKeyRow:
    """Insert a key."""
    values: dict[str, Any] = {"secret": secret, "user_id_key": user_id_key, "created_at": now}
    return ProofKeyRow(insert_row(connection, ProofKey, **values), secret, user_id_key, now)


def insert_proof(
    connection: Connection, erasure_id: int, key_id: int, fingerprints: Sequence[str], seal: str
) -> None:
    """Insert the fingerprints of an erasure."""
    connection.execute(
        insert(ErasureProof),
        {
            "erasure_id": erasure_id,
            "key_id": key_id,
            "fingerprints": list(fingerprints),
            "seal": seal,
        },
    )


def erasure_proofs(
    connection: Connection, subject_digests: Sequence[str] | None = None
) -> list[ErasureProofRow]:
    """Return the erasures of an end user, or all, with their fingerprints, the oldest first."""
    statement = select(*_PROOF).outerjoin(ErasureProof, ErasureProof.erasure_id == Erasure.id)
    if subject_digests is not None:
        statement = statement.where(of_end_user(subject_digests))
    return read_rows(connection, ErasureProofRow, statement.order_by(Erasure.id))


def replace_remains(
    connection: Connection, subject_digests: Sequence[str], remains: Entries
) -> None:
    """Replace what could not be removed of an end user; the newest erasure has it."""
    newest = select(Erasure.id).where(of_end_user(subject_digests))
    newest_id = connection.execute(newest.order_by(Erasure.id.desc()).limit(1)).scalar()
    of_subject = update(Erasure).where(of_end_user(subject_digests))
    connection.execute(of_subject.where(Erasure.id != newest_id).values(remains=[]))
    connection.execute(
        update(Erasure).where(Erasure.id == newest_id).values(remains=[dict(e) for e in remains])
    )


def remove_expired_proofs(connection: Connection, now: datetime) -> int:
    """Remove the fingerprints whose period ended, and the keys that no fingerprint has."""
    expired = select(Erasure.id).where(Erasure.proof_until <= now)
    removed = connection.execute(
        select(ErasureProof.erasure_id).where(ErasureProof.erasure_id.in_(expired))
    ).all()
    if removed:
        ids = [row.erasure_id for row in removed]
        connection.execute(delete(ErasureProof).where(ErasureProof.erasure_id.in_(ids)))
        used = select(ErasureProof.key_id)
        connection.execute(delete(ProofKey).where(ProofKey.id.not_in(used)))
    return len(removed)


def insert_check(
    connection: Connection,
    now: datetime,
    *,
    findings: Entries,
    unread: Entries,
    searched: Mapping[str, int],
) -> None:
    """Insert a check."""
    values: dict[str, Any] = {
        "checked_at": now,
        "findings": [dict(entry) for entry in findings],
        "unread": [dict(entry) for entry in unread],
        "searched": dict(searched),
    }
    insert_row(connection, ErasureCheck, **values)


def last_check(connection: Connection) -> ErasureCheckRow | None:
    """Return the newest check."""
    statement = select(*_CHECK).order_by(ErasureCheck.id.desc()).limit(1)
    return next(iter(read_rows(connection, ErasureCheckRow, statement)), None)
