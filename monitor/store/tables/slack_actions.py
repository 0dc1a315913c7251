"""Table of the presses of buttons in Slack."""

from datetime import datetime

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from monitor.table_types import contents
from monitor.table_types.base import Base, BigId


class SlackAction(Base):
    """A press of a button in Slack: stored by the replica that received it, done by the leader."""

    __tablename__ = "slack_actions"
    __table_args__ = (
        # Two presses of a button, by two users or after a lost reply, do its action once.
        Index(
            "uq_slack_actions_done",
            "action",
            "subject",
            "version",
            unique=True,
            postgresql_where=text("outcome = 'done'"),
            sqlite_where=text("outcome = 'done'"),
        ),
        Index(
            "ix_slack_actions_unfinished",
            "id",
            postgresql_where=text("replied_at IS NULL"),
            sqlite_where=text("replied_at IS NULL"),
        ),
        contents.table(
            "act on buttons in Slack",
            contents.OPERATOR,
            period="slack_actions",
            access=contents.Access(schedule="rawd"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: Digest of user, button and time of the press: a payload that Slack delivers twice is a row.
    press: Mapped[str] = mapped_column(unique=True, info=contents.DIGEST)
    #: Name in the table of actions, and the choice in its menu; empty without a menu.
    action: Mapped[str] = mapped_column(info=contents.CODE)
    choice: Mapped[str] = mapped_column(info=contents.CODE)
    #: ``incident:ID`` or ``decision:ID``, and its version when the button was posted.
    subject: Mapped[str] = mapped_column(info=contents.KEY)
    version: Mapped[int]
    #: Ids of Slack: the user, and the channel in which the user gets the reply.
    slack_user: Mapped[str] = mapped_column(info=contents.ACCOUNT)
    slack_channel: Mapped[str] = mapped_column(info=contents.ACCOUNT)
    received_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    #: ``done``, ``shown`` (data only), ``refused`` or ``failed``.
    outcome: Mapped[str | None] = mapped_column(info=contents.CODE)
    #: Text of the reply to the user, and when Slack took it, or it was given up.
    reply: Mapped[str | None] = mapped_column(info=contents.WORDS)
    replied_at: Mapped[datetime | None]
