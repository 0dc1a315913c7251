"""One-time links: a random token, of which only a digest is kept, that sets a password once."""

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

#: 256 bits: nobody tries them out.
TOKEN_BYTES = 32
PATH = "/welcome/"


@dataclass(frozen=True)
class OneTimeLink:
    """A link to give to a person. It is shown once: only a digest of its token is stored.

    Attributes:
        path: The path of the page, with the token.
        expires_at: When it stops working.
    """

    path: str
    expires_at: datetime

    def address(self, public_url: str) -> str:
        """Return the whole address, for people who reach the page at ``public_url``."""
        return public_url.rstrip("/") + self.path


def create_link(
    connection: Connection, user_id: int, *, by: str, now: datetime, days: float
) -> OneTimeLink:
    """Make a link for a person; those given to them before stop working."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    expires_at = now + timedelta(days=days)
    insert_invitation(connection, user_id, token, created_by=by, now=now, expires_at=expires_at)
    return OneTimeLink(PATH + token, expires_at)


def check_link(connection: Connection, token: str, now: datetime) -> tuple[InvitationRow, UserRow]:
    """Return a link that works, and whose it is; nothing is used up.

    Raises:
        LinkError: It is unknown, was used, has expired or was replaced; the message says which.
    """
    link = invitation_by_token(connection, token)
    if link is None:
        raise LinkError("This link isn't one of ours. Copy the whole of it, to its last character.")
    if link.used_at is not None:
        raise LinkError("This link was used already. It works once: sign in with your password.")
    user = user_by_id(connection, link.user_id)
    if link.expires_at <= now or user is None or not user.active:
        raise LinkError(
            "This link has expired, or a newer one took its place. "
            f"Ask {link.created_by} for a new one."
        )
    return link, user


def accept_link(engine: Engine, token: str, password: str, now: datetime) -> UserRow:
    """Set the password of the person whom a link was given to, and use the link up.

    Raises:
        LinkError: The link doesn't work, or no longer.
        InputError: The password can't be used; the link still works.
    """
    with transaction(engine) as connection:
        _, user = check_link(connection, token, now)
    check_strength(password, user.name)
    hashed = hash_password(password)
    with transaction(engine) as connection:
        link, user = check_link(connection, token, now)
        if not use_invitation(connection, link.id, now):
            raise LinkError("This link was used already. It works once: sign in instead.")
        set_password_hash(connection, user.id, hashed)
        revoke_sessions(connection, user.id)
        subject = f"user:{user.name}"
        append_entry(connection, now, user.name, "password_set", subject)
    return replace(user, has_password=True, session_epoch=user.session_epoch + 1)
