"""Tables of end users' requests, and of the sentences of staff that are decided for them."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from monitor.table_types import contents
from monitor.table_types.base import Base, BigId

#: What the to-do list of a digest reads: nobody reads the words there.
_WAITING = ("id", "kind", "opened_at", "due_at", "closed_at")


class PrivacyRequest(Base):
    """A request of an end user for access or erasure. It doesn't hold the id."""

    __tablename__ = "privacy_requests"
    __table_args__ = contents.table(
        "answer a request of an end user within its period",
        contents.LEADS,
        no_period="evidence of the answer",
        access=contents.Access(schedule="r", web="rw", columns={"schedule": _WAITING}),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: ``access`` or ``erasure``
    kind: Mapped[str] = mapped_column(info=contents.CODE)
    #: Digest of the id, as that of an erasure.
    subject_digest: Mapped[str] = mapped_column(index=True, info=contents.DIGEST)
    opened_at: Mapped[datetime]
    opened_by: Mapped[str] = mapped_column(info=contents.ACCOUNT)
    #: When its period ends.
    due_at: Mapped[datetime]
    #: When sentences of staff were last searched for.
    searched_at: Mapped[datetime | None]
    #: When the export was last written, or an erasure found nothing left.
    answered_at: Mapped[datetime | None]
    #: When the last verification found nothing; ``NULL``: it found something, or there was none.
    verified_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str] = mapped_column(info=contents.ACCOUNT)
    #: Why it was closed before all was done; empty: all was done.
    close_reason: Mapped[str] = mapped_column(info=contents.WORDS)


class StaffSentence(Base):
    """A sentence of staff that may be about the end user, by its place; it doesn't hold the words.

    A request has a sentence of a text once, however often the text repeats it.
    """

    __tablename__ = "staff_sentences"
    __table_args__ = contents.table(
        "decide which sentences of staff are handed out or erased",
        contents.LEADS,
        no_period="evidence of the answer",
        access=contents.Access(web="rw"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("privacy_requests.id"), index=True)
    #: Number in its request; places of the same words have the same.
    number: Mapped[int]
    table_name: Mapped[str] = mapped_column(info=contents.CODE)
    column_name: Mapped[str] = mapped_column(info=contents.CODE)
    #: Primary key of the row.
    row_key: Mapped[list[Any]] = mapped_column(info=contents.KEY)
    #: SHA-256 of the sentence as it stands; empty where the sentence or the request is done.
    digest: Mapped[str] = mapped_column(info=contents.DIGEST)
    #: ``id``, ``quote`` or ``name``; ``item``: it is on a review item of the end user.
    found_by: Mapped[str] = mapped_column(info=contents.CODE)
    #: ``include`` or ``exclude``, ``erase`` or ``keep``; ``gone``: it is no longer stored; empty:
    #: nobody has decided.
    decision: Mapped[str] = mapped_column(info=contents.CODE)
    reason: Mapped[str] = mapped_column(info=contents.WORDS)
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str] = mapped_column(info=contents.ACCOUNT)
