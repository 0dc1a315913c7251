"""The lease of the leader."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from monitor.table_types import contents
from monitor.table_types.base import Base


class Leadership(Base):
    """The lease of the replica that leads: one row."""

    __tablename__ = "leadership"
    __table_args__ = (
        CheckConstraint("id = 1", name="single_row"),
        contents.table(
            "let one replica act",
            contents.OPERATOR,
            no_period=contents.ONE_ROW,
            access=contents.Access(ingest="r", schedule="raw", web="r"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    #: Rises with each change of the holder. Unique, so that on PostgreSQL a change waits for the
    #: transactions that are committing under the epoch before, and a renewal does not.
    epoch: Mapped[int] = mapped_column(BigInteger, unique=True)
    #: Host, process and a random part.
    holder: Mapped[str] = mapped_column(info=contents.KEY)
    acquired_at: Mapped[datetime]
    #: By the database's clock.
    expires_at: Mapped[datetime]
    #: When each job that tells of problems had succeeded last; ``None``: not since this term began.
    worked_at: Mapped[datetime | None]
