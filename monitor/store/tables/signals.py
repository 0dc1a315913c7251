"""Tables of the counts of signals, from which the end of each is noticed."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from monitor.table_types import contents
from monitor.table_types.base import Base, BigId


class SignalCount(Base):
    """How often a model's exchanges of a day had a signal, by hour."""

    __tablename__ = "signal_counts"
    __table_args__ = contents.table(
        "notice that a signal is missing",
        contents.OPERATOR,
        period="exchanges",
        access=contents.Access(schedule="rawd"),
    )

    model: Mapped[str] = mapped_column(primary_key=True, info=contents.NAME)
    #: Midnight UTC at the start of the day.
    day: Mapped[datetime] = mapped_column(primary_key=True)
    #: ``sampled`` (exchanges of the sample), ``traffic`` (what they represent), ``metric``,
    #: ``field``, ``task type`` or ``feedback``.
    kind: Mapped[str] = mapped_column(primary_key=True, info=contents.CODE)
    #: Of the metric, field, task type or feedback, as in the traffic; else empty.
    name: Mapped[str] = mapped_column(primary_key=True, info=contents.TEXT_EXAMINED)
    #: Of each of the 24 hours: sum of 1 / inclusion probability; of ``sampled`` the number.
    hours: Mapped[list[Any]] = mapped_column(info=contents.FIGURES)


class SignalProgress(Base):
    """How far the rows of a table are counted."""

    __tablename__ = "signal_progress"
    __table_args__ = contents.table(
        "count each row once",
        contents.OPERATOR,
        no_period=contents.ONE_ROW,
        access=contents.Access(schedule="raw"),
    )

    #: ``exchanges`` or ``feedback``.
    counted_table: Mapped[str] = mapped_column(primary_key=True, info=contents.CODE)
    #: Rows up to this id are counted.
    counted_id: Mapped[int] = mapped_column(BigId)
    #: All traffic before was counted with them; ``None``: older rows are still counted.
    counted_until: Mapped[datetime | None]
    #: The rows to count next: up to this id, which was the highest at this time, when all traffic
    #: before ``next_until`` was stored. They are counted later, when no transaction that began
    #: before is open.
    next_id: Mapped[int] = mapped_column(BigId)
    next_until: Mapped[datetime]
    next_at: Mapped[datetime]
