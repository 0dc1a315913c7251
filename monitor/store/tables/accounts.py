"""Tables of user accounts: users, invitations, failed sign-ins and browser sessions."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from monitor.table_types import contents
from monitor.table_types.base import Base, BigId


class User(Base):
    """An account that signs in."""

    __tablename__ = "users"
    __table_args__ = contents.table(
        "let staff sign in",
        contents.STAFF,
        no_period="reviews and decisions refer to accounts",
        access=contents.Access(schedule="r", web="raw"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(unique=True, info=contents.ACCOUNT)
    #: Empty without a password; the user then signs in by single sign-on only.
    password_hash: Mapped[str] = mapped_column(info=contents.CREDENTIAL)
    #: In lower case.
    email: Mapped[str | None] = mapped_column(unique=True, info=contents.ACCOUNT)
    #: Issuer and subject at the single sign-on provider, bound at the first sign-in.
    identity: Mapped[str | None] = mapped_column(unique=True, info=contents.ACCOUNT)
    #: Id at Slack, whose presses of buttons count as this user's.
    slack_user_id: Mapped[str | None] = mapped_column(
        unique=True, index=True, info=contents.ACCOUNT
    )
    #: A session that carries an earlier epoch is invalid.
    session_epoch: Mapped[int] = mapped_column(default=0)
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]


class UserGrant(Base):
    """A user's role on a model, or on all models without a grant of their own."""

    __tablename__ = "user_grants"
    __table_args__ = contents.table(
        "let staff work",
        ("admin",),
        no_period="as long as the account",
        access=contents.Access(schedule="rwd", web="rawd"),
    )

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    #: ``*``: all models.
    model: Mapped[str] = mapped_column(primary_key=True, info=contents.NAME)
    #: ``reviewer``, ``adjudicator``, ``lead`` or, on all models, ``admin``.
    role: Mapped[str] = mapped_column(info=contents.CODE)
    #: Task types that the user reviews and decides; empty: all.
    task_types: Mapped[list[Any]] = mapped_column(info=contents.WORDS)


class Invitation(Base):
    """A one-time link for setting a password."""

    __tablename__ = "invitations"
    __table_args__ = contents.table(
        "let staff sign in",
        ("admin",),
        no_period="removed 90 days after its use or end, at the next sign-in",
        access=contents.Access(web="rawd"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    #: SHA-256 of the token, so that read access to this table grants no access.
    token_hash: Mapped[str] = mapped_column(unique=True, info=contents.CREDENTIAL)
    created_by: Mapped[str] = mapped_column(info=contents.ACCOUNT)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class SignInAttempt(Base):
    """Failed sign-ins, counted by user name, by client address, and by both together."""

    __tablename__ = "sign_in_attempts"
    __table_args__ = contents.table(
        "slow down the guessing of passwords",
        contents.OPERATOR,
        no_period="removed when the block ends",
        access=contents.Access(web="rawd"),
    )

    #: A digest, because users sometimes type a password into the name field.
    key: Mapped[str] = mapped_column(primary_key=True, info=contents.CREDENTIAL)
    failures: Mapped[int]
    blocked_until: Mapped[datetime | None]
    last_at: Mapped[datetime] = mapped_column(index=True)


class WebSession(Base):
    """A browser session. It outlives a restart of the daemon."""

    __tablename__ = "web_sessions"
    __table_args__ = contents.table(
        "let staff sign in",
        contents.OPERATOR,
        no_period="removed when the session ends",
        access=contents.Access(web="rawd"),
    )

    key: Mapped[str] = mapped_column(primary_key=True, info=contents.CREDENTIAL)
    value: Mapped[bytes] = mapped_column(LargeBinary, info=contents.CREDENTIAL)
    expires_at: Mapped[datetime | None] = mapped_column(index=True)
