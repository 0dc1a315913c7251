"""Queries of the presses of buttons in Slack: stored where received, done by the leader."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from monitor.store.rows import columns_of, read_row, read_rows, update_row
from monitor.store.tables import SlackAction

Outcome = Literal["done", "shown", "refused", "failed"]


@dataclass(frozen=True)
class Press:
    """A press of a button, as it was received."""

    #: Digest of user, button and time of the press.
    press: str
    #: Name in the table of actions, and the choice in its menu; empty without a menu.
    action: str
    choice: str
    #: ``incident:ID``, ``decision:ID`` or ``rollout:ID``, with its version when it was posted.
    subject: str
    version: int
    slack_user: str
    slack_channel: str
    received_at: datetime


@dataclass(frozen=True)
class PressRow(Press):
    """A stored press."""

    id: int
    #: ``None`` until the leader took it.
    done_at: datetime | None
    outcome: str | None
    reply: str | None
    replied_at: datetime | None

    @property
    def subject_kind(self) -> str:
        """Return ``incident``, ``decision`` or ``rollout``."""
        return self.subject.partition(":")[0]

    @property
    def subject_id(self) -> int:
        """Return the id of the subject."""
        return int(self.subject.partition(":")[2])


_COLUMNS = columns_of(PressRow, SlackAction)


def insert_press(connection: Connection, press: Press) -> bool:
    """Store a press; return False where it is stored already."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(SlackAction).values(**vars(press)).on_conflict_do_nothing()
    return connection.execute(statement).rowcount == 1


def has_unfinished(connection: Connection) -> bool:
    """Return whether a press is not done."""
    statement = select(SlackAction.id).where(
        SlackAction.replied_at.is_(None), SlackAction.done_at.is_(None)
    )
    return connection.execute(statement.limit(1)).one_or_none() is not None


def oldest_press(connection: Connection) -> PressRow | None:
    """Return the oldest press that is not done, and lock it."""
    statement = (
        select(*_COLUMNS)
        .where(SlackAction.replied_at.is_(None), SlackAction.done_at.is_(None))
        .order_by(SlackAction.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    return read_row(connection, PressRow, statement)


def done_press(connection: Connection, press: PressRow) -> PressRow | None:
    """Return the other press of the same button that did its action."""
    statement = select(*_COLUMNS).where(
        SlackAction.action == press.action,
        SlackAction.subject == press.subject,
        SlackAction.version == press.version,
        SlackAction.outcome == "done",
    )
    return read_row(connection, PressRow, statement)


def finish_press(
    connection: Connection, press_id: int, outcome: Outcome, reply: str, now: datetime
) -> None:
    """Write the outcome of a press; the schema refuses a second ``done`` of a button."""
    update_row(connection, SlackAction, press_id, outcome=outcome, reply=reply, done_at=now)


def unsent_replies(connection: Connection) -> list[PressRow]:
    """Return the presses whose user has no reply yet, the oldest first."""
    statement = (
        select(*_COLUMNS)
        .where(SlackAction.replied_at.is_(None), SlackAction.done_at.is_not(None))
        .order_by(SlackAction.id)
    )
    return read_rows(connection, PressRow, statement)


def mark_replied(connection: Connection, press_id: int, at: datetime | None) -> None:
    """Record that the user gets the reply, or no longer; ``None``: it is to be sent again."""
    update_row(connection, SlackAction, press_id, replied_at=at)
