"""Tables of the keys of end users' pseudonyms, and of end users whose records are not stored."""

from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from monitor.table_types import contents
from monitor.table_types.base import Base, BigId


class UserIdKey(Base):
    """A key of pseudonyms: what identifies it, and the key itself where no secret holds it."""

    __tablename__ = "user_id_keys"
    __table_args__ = contents.table(
        "give an end user one pseudonym, and find it",
        contents.OPERATOR,
        no_period="without its key nobody can be found under their pseudonym",
        access=contents.Access(ingest="raw"),
    )

    #: 1 is the first key; the highest is in use. Set by the process that adds a key, so that of two
    #: that add one at once the second fails.
    generation: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    #: A keyed digest of a constant; the key can't be derived from it.
    check_value: Mapped[str] = mapped_column(unique=True, info=contents.DIGEST)
    #: Hexadecimal; NULL where the environment has the key.
    secret: Mapped[str | None] = mapped_column(info=contents.unchanged("a random key"))
    created_at: Mapped[datetime]


class Suppression(Base):
    """A change of the suppression list: rows are added only, and the newest of a digest counts."""

    __tablename__ = "suppressions"
    __table_args__ = (
        CheckConstraint("action IN ('added', 'removed')", name="known_action"),
        contents.table(
            "store nothing more of end users who were forgotten or who object",
            contents.OPERATOR,
            no_period="the promise that it keeps has no end; rows say nothing without the key",
            access=contents.Access(ingest="ra"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: Digest of the id in its normalized form; rows of other forms have it too.
    main_digest: Mapped[str] = mapped_column(
        index=True, info=contents.unchanged("a keyed digest, by which the end user stays forgotten")
    )
    #: Digest of the form that this row is about.
    digest: Mapped[str] = mapped_column(
        info=contents.unchanged("a keyed digest, by which the end user stays forgotten")
    )
    #: Check value of the key of both digests.
    key: Mapped[str] = mapped_column(info=contents.DIGEST)
    action: Mapped[str] = mapped_column(info=contents.CODE)
    #: Of an addition ``forgotten`` or ``objected``; of a removal what its author wrote.
    reason: Mapped[str] = mapped_column(info=contents.WORDS)
    changed_at: Mapped[datetime]
    changed_by: Mapped[str] = mapped_column(info=contents.ACCOUNT)
