"""Queries of invitations. Tokens are stored as digests only."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, insert, select, update

from monitor.store.rows import columns_of, read_row
from monitor.store.tables import Invitation


@dataclass(frozen=True)
class InvitationRow:
    """An invitation link."""

    id: int
    user_id: int
    created_by: str
    expires_at: datetime
    used_at: datetime | None


_COLUMNS = columns_of(InvitationRow, Invitation)
#: Invitations that were used, or ended, are kept as long.
KEPT = timedelta(days=90)


def insert_invitation(
    connection: Connection,
    user_id: int,
    token: str,
    *,
    created_by: str,
    now: datetime,
    expires_at: datetime,
) -> None:
    """Insert an invitation; earlier ones of the same user expire."""
    revoke_invitations(connection, user_id, now)
    connection.execute(
        insert(Invitation).values(
            user_id=user_id,
            token_hash=_digest(token),
            created_by=created_by,
            created_at=now,
            expires_at=expires_at,
        )
    )


def invitation_by_token(connection: Connection, token: str) -> InvitationRow | None:
    """Return the invitation of a token, used and expired ones included, or ``None``."""
    statement = select(*_COLUMNS).where(Invitation.token_hash == _digest(token))
    return read_row(connection, InvitationRow, statement)


def use_invitation(connection: Connection, invitation_id: int, now: datetime) -> bool:
    """Use an invitation; return ``False`` where it was used or has expired."""
    changed = connection.execute(
        update(Invitation)
        .where(
            Invitation.id == invitation_id,
            Invitation.used_at.is_(None),
            Invitation.expires_at > now,
        )
        .values(used_at=now)
    )
    return bool(changed.rowcount)


def revoke_invitations(connection: Connection, user_id: int, now: datetime) -> None:
    """Expire all open invitations of a user."""
    connection.execute(
        update(Invitation)
        .where(
            Invitation.user_id == user_id,
            Invitation.used_at.is_(None),
            Invitation.expires_at > now,
        )
        .values(expires_at=now)
    )


def open_invitations(connection: Connection, now: datetime) -> dict[int, datetime]:
    """Return the expiry of each user's open invitation, by user id."""
    statement = (
        select(Invitation.user_id, func.max(Invitation.expires_at))
        .where(Invitation.used_at.is_(None), Invitation.expires_at > now)
        .group_by(Invitation.user_id)
    )
    return {int(user_id): until for user_id, until in connection.execute(statement)}


def delete_old_invitations(connection: Connection, now: datetime) -> None:
    """Delete the invitations that were used, or ended, a while ago."""
    ended = func.coalesce(Invitation.used_at, Invitation.expires_at)
    connection.execute(delete(Invitation).where(ended < now - KEPT))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
