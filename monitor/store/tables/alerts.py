"""Tables of incidents, their events, and outgoing messages."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from monitor.table_types import contents
from monitor.table_types.base import Base, BigId


class Incident(Base):
    """A problem of one model, or of the daemon, from its first report until it is resolved."""

    __tablename__ = "incidents"
    __table_args__ = (
        # A model has at most one unresolved incident of a cause: a new alarm is added to it.
        Index(
            "uq_incidents_unresolved",
            "model",
            "cause",
            unique=True,
            postgresql_where=text("resolved_at IS NULL"),
            sqlite_where=text("resolved_at IS NULL"),
        ),
        contents.table(
            "handle incidents",
            contents.STAFF,
            no_period=contents.HISTORY,
            access=contents.Access(schedule="rawd", web="raw"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: Empty: the daemon itself.
    model: Mapped[str] = mapped_column(info=contents.NAME)
    #: A name of :data:`monitor.alerts.causes.CAUSES`.
    cause: Mapped[str] = mapped_column(server_default=text("'drift'"), info=contents.CODE)
    #: ``critical``, ``error``, ``warning`` or ``info``.
    level: Mapped[str] = mapped_column(server_default=text("'critical'"), info=contents.CODE)
    #: ``open``, ``acknowledged``, ``snoozed``, ``resolved`` or ``closed`` (its model is no longer
    #: watched).
    status: Mapped[str] = mapped_column(info=contents.CODE)
    #: Number of its events.
    version: Mapped[int] = mapped_column(server_default=text("1"))
    #: What is wrong, without a quote of an exchange.
    summary: Mapped[str] = mapped_column(server_default=text("''"), info=contents.NOTE)
    #: Of its next step, where that depends on what is wrong; else empty.
    command: Mapped[str] = mapped_column(server_default=text("''"), info=contents.KEY)
    #: What alarmed: families and metrics; of other causes the windows, runs, days, ...
    fingerprint: Mapped[str] = mapped_column(info=contents.WORDS)
    #: Of drift, in [0, 1].
    severity: Mapped[float]
    #: ``None`` where a look opened it, until its window is evaluated.
    opening_evaluation_id: Mapped[int | None] = mapped_column(ForeignKey("drift_evaluations.id"))
    last_evaluation_id: Mapped[int | None] = mapped_column(ForeignKey("drift_evaluations.id"))
    #: The look that opened it, and the newest look with an alarm; ``None`` without one.
    opening_look_id: Mapped[int | None] = mapped_column(ForeignKey("looks.id"))
    last_look_id: Mapped[int | None] = mapped_column(ForeignKey("looks.id"))
    #: Measured windows without an alarm since the last one with an alarm.
    quiet_windows: Mapped[int] = mapped_column(server_default=text("0"))
    #: When the condition of another cause began; ``None``: it is not known.
    began_at: Mapped[datetime | None]
    #: Since when the condition of another cause no longer holds; ``None``: it holds.
    clear_since: Mapped[datetime | None]
    opened_at: Mapped[datetime]
    snoozed_until: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None] = mapped_column(info=contents.ACCOUNT)


class IncidentThread(Base):
    """The message of an incident in a channel; updates and replies follow it."""

    __tablename__ = "incident_threads"
    __table_args__ = contents.table(
        "post about incidents",
        contents.OPERATOR,
        no_period=contents.HISTORY,
        access=contents.Access(schedule="raw"),
    )

    incident_id: Mapped[int] = mapped_column(ForeignKey("incidents.id"), primary_key=True)
    #: Where the channel posts: of Slack the configured id. One that changes gets a new message.
    target: Mapped[str] = mapped_column(primary_key=True, info=contents.NAME)
    #: Channel and timestamp of the message in Slack; ids of other channels, or empty.
    address: Mapped[str] = mapped_column(info=contents.KEY)
    ts: Mapped[str] = mapped_column(info=contents.KEY)


class IncidentEvent(Base):
    """A change of an incident: who, when and why. It is never updated."""

    __tablename__ = "incident_events"
    __table_args__ = contents.table(
        "handle incidents",
        contents.STAFF,
        no_period=contents.HISTORY,
        access=contents.Access(schedule="raw", web="ra"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    incident_id: Mapped[int] = mapped_column(ForeignKey("incidents.id"), index=True)
    #: A name of :data:`monitor.alerts.incident_states.TRANSITIONS`.
    event: Mapped[str] = mapped_column(info=contents.CODE)
    #: ``None``: it opened the incident.
    from_status: Mapped[str | None] = mapped_column(info=contents.CODE)
    to_status: Mapped[str] = mapped_column(info=contents.CODE)
    #: A user, or ``driftwarden``.
    by: Mapped[str] = mapped_column(info=contents.ACCOUNT)
    at: Mapped[datetime]
    #: What was wrong, or what the user wrote; empty where there is nothing to say.
    reason: Mapped[str] = mapped_column(info=contents.NOTE)
    #: What alarmed, where it says so.
    fingerprint: Mapped[str] = mapped_column(server_default=text("''"), info=contents.WORDS)
    #: The drift evaluation that caused it.
    evaluation_id: Mapped[int | None] = mapped_column(ForeignKey("drift_evaluations.id"))


class OutboxMessage(Base):
    """A message to be sent to a channel exactly once, inserted where it was caused."""

    __tablename__ = "outbox"
    # An event has one message for each channel.
    __table_args__ = (
        UniqueConstraint("dedupe_key", "channel"),
        # The next message of a channel, among all that were ever sent.
        Index(
            "ix_outbox_pending",
            "channel",
            "id",
            postgresql_where=text("sent_at IS NULL AND failed_at IS NULL"),
            sqlite_where=text("sent_at IS NULL AND failed_at IS NULL"),
        ),
        # Its last delivery.
        Index("ix_outbox_channel_sent_at", "channel", "sent_at"),
        contents.table(
            "send messages to staff",
            contents.STAFF,
            period="messages",
            access=contents.Access(schedule="raw", web="ra"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: The same event produces the same key, so that a repeated run inserts no second message.
    dedupe_key: Mapped[str] = mapped_column(info=contents.KEY)
    #: Name of the channel that it goes to; empty until the routes have decided.
    channel: Mapped[str] = mapped_column(server_default=text("''"), info=contents.NAME)
    #: The model that it is about; empty: the daemon.
    model: Mapped[str] = mapped_column(info=contents.NAME)
    #: What it is about, for the routes; of an incident its cause.
    subject: Mapped[str] = mapped_column(server_default=text("'notice'"), info=contents.CODE)
    incident_id: Mapped[int | None] = mapped_column(ForeignKey("incidents.id"))
    #: The drift evaluation that it tells of.
    evaluation_id: Mapped[int | None] = mapped_column(ForeignKey("drift_evaluations.id"))
    #: ``post``, ``update`` (the incident's parent message) or ``reply`` (in its thread).
    kind: Mapped[str] = mapped_column(info=contents.CODE)
    #: ``{"text", "blocks"}``
    payload: Mapped[dict[str, Any]] = mapped_column(info=contents.WORDS)
    attempts: Mapped[int] = mapped_column(default=0)
    #: Begin of the first attempt whose outcome is unknown: the message may have been posted.
    attempted_at: Mapped[datetime | None]
    next_attempt_at: Mapped[datetime] = mapped_column(index=True)
    created_at: Mapped[datetime]
    #: When the channel refused it, or was unavailable, for the first time.
    failing_since: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    #: Set when the channel rejected the message permanently, or no channel takes it.
    failed_at: Mapped[datetime | None]
    #: Of the last attempt; ``None`` while one is under way.
    error: Mapped[str | None] = mapped_column(info=contents.WORDS)
