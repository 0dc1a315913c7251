"""Table of feedback: what users said of a response, minutes to days after it was returned."""

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from monitor.table_types import contents
from monitor.table_types.base import Base, BigId


class Feedback(Base):
    """One value of the feedback on an exchange, which may be stored before or after it, or never.

    Written in the transaction that moves the offset. Of several values of a name the newest counts.
    """

    __tablename__ = "feedback"
    __table_args__ = (
        UniqueConstraint(
            "source", "partition", "offset", "record_index", "name", name="uq_feedback_position"
        ),
        Index("ix_feedback_age", "received_at", "id"),
        contents.table(
            "decide about a rollout",
            contents.OPERATOR,
            period="exchanges",
            access=contents.Access(ingest="ra", schedule="rd", web="r", columns=contents.ID_ONLY),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    source: Mapped[str] = mapped_column(info=contents.NAME)
    partition: Mapped[int]
    offset: Mapped[int] = mapped_column(BigId)
    record_index: Mapped[int] = mapped_column(default=0)
    #: As the exchange is stored, so that both are joined by it within a source.
    exchange_id: Mapped[str] = mapped_column(index=True, info=contents.ID_EXAMINED)
    #: Empty where the record names none.
    model: Mapped[str] = mapped_column(default="", info=contents.NAME)
    #: What was rated, such as ``thumbs_up``.
    name: Mapped[str] = mapped_column(
        info=contents.unchanged("a name of letters, digits and . : / _ -, which the producer gives")
    )
    #: Booleans are 0 and 1.
    value: Mapped[float]
    given_at: Mapped[datetime]
    received_at: Mapped[datetime]
