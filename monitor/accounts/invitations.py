"""One-time links to set a password."""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine

from monitor.accounts.passwords import check_strength, hash_password
from monitor.errors import LinkError
from monitor.store.accounts.invitations import (
    InvitationRow,
    insert_invitation,
    invitation_by_token,
    use_invitation,
)
from monitor.store.accounts.users import (
    UserRow,
    revoke_sessions,
    set_password_hash,
    user_by_id,
)
from monitor.store.audit_log import append_entry
from monitor.store.engine import transaction

#: 256 bits: too many to guess.
TOKEN_BYTES = 32
PATH = "/welcome/"


@dataclass(frozen=True)
class OneTimeLink:
    """A one-time link. It is shown once, because only a digest of its token is stored."""

    #: Path of the page, including the token.
    path: str
    expires_at: datetime

    def address(self, public_url: str) -> str:
        """Return the absolute URL of the link."""
        return public_url.rstrip("/") + self.path


def create_link(
    connection: Connection, user_id: int, *, created_by: str, now: datetime, lifetime: timedelta
) -> OneTimeLink:
    """Create a one-time link for a user and revoke the user's earlier ones."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    expires_at = now + lifetime
    insert_invitation(
        connection, user_id, token, created_by=created_by, now=now, expires_at=expires_at
    )
    return OneTimeLink(PATH + token, expires_at)


def check_link(connection: Connection, token: str, now: datetime) -> tuple[InvitationRow, UserRow]:
    """Return a valid link and its user, without using it up.

    Raises:
        LinkError: The link is unknown, used, expired or replaced; the message says which.
    """
    link = invitation_by_token(connection, token)
    if link is None:
        raise LinkError("This link is unknown. Copy the whole link, to its last character.")
    if link.used_at is not None:
        raise LinkError("This link has already been used. Sign in with your password.")
    user = user_by_id(connection, link.user_id)
    if link.expires_at <= now or user is None or not user.active:
        raise LinkError(
            "This link has expired or was replaced by a newer one. "
            f"Ask {link.created_by} for a new one."
        )
    return link, user


def accept_link(engine: Engine, token: str, password: str, now: datetime) -> UserRow:
    """Set the password of a link's user and mark the link as used.

    Raises:
        LinkError: The link is not valid.
        InputError: The password is refused; the link stays valid.
    """
    with transaction(engine) as connection:
        _, user = check_link(connection, token, now)
    check_strength(password, user.name)
    password_hash = hash_password(password)
    with transaction(engine) as connection:
        link, user = check_link(connection, token, now)
        if not use_invitation(connection, link.id, now):
            raise LinkError("This link has already been used. Sign in instead.")
        set_password_hash(connection, user.id, password_hash)
        revoke_sessions(connection, user.id)
        subject = f"user:{user.name}"
        append_entry(connection, now, user.name, "password_set", subject)
    return replace(user, has_password=True, session_epoch=user.session_epoch + 1)
