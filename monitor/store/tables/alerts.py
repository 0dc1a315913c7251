"""Tables of incidents and of outgoing messages."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from monitor.store.tables.base import Base, BigId


class Incident(Base):
    """A period of drift of one model, from the first alarm until it is resolved."""

    __tablename__ = "incidents"
    __table_args__ = (
        # A model has at most one unresolved incident: a new alarm is added to it.
        Index(
            "uq_incidents_open_model",
            "model",
            unique=True,
            postgresql_where=text("resolved_at IS NULL"),
            sqlite_where=text("resolved_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    model: Mapped[str]
    #: ``open``, ``acknowledged``, ``resolved`` or ``closed`` (its model is no longer watched).
    status: Mapped[str]
    fingerprint: Mapped[str]
    severity: Mapped[float]
    #: ``None`` where a look opened it, until its window is evaluated.
    opening_evaluation_id: Mapped[int | None] = mapped_column(ForeignKey("drift_evaluations.id"))
    last_evaluation_id: Mapped[int | None] = mapped_column(ForeignKey("drift_evaluations.id"))
    #: The look that opened it, and the newest look with an alarm; ``None`` without one.
    opening_look_id: Mapped[int | None] = mapped_column(ForeignKey("looks.id"))
    last_look_id: Mapped[int | None] = mapped_column(ForeignKey("looks.id"))
    opened_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None]
    slack_channel: Mapped[str | None]
    slack_ts: Mapped[str | None]


class OutboxMessage(Base):
    """A message to be sent exactly once, inserted in the transaction that caused it."""

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: The same event produces the same key, so that a repeated run inserts no second message.
    dedupe_key: Mapped[str] = mapped_column(unique=True)
    #: The model whose channel it goes to; empty: of none.
    model: Mapped[str]
    incident_id: Mapped[int | None] = mapped_column(ForeignKey("incidents.id"))
    #: ``post``, ``update`` (the incident's parent message) or ``reply`` (in its thread).
    kind: Mapped[str]
    #: ``{"text", "blocks"}``
    payload: Mapped[dict[str, Any]]
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime] = mapped_column(index=True)
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    #: Set when Slack rejected the message permanently.
    failed_at: Mapped[datetime | None]
    error: Mapped[str | None]
