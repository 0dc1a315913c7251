"""Tables of the keys of end users' pseudonyms, and of end users whose records are not stored."""

from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from monitor.table_types.base import Base, BigId


class UserIdKey(Base):
    """A key of pseudonyms: what identifies it, and the key itself where no secret holds it."""

    __tablename__ = "user_id_keys"

    #: 1 is the first key; the highest is in use. Set by the process that adds a key, so that of two
    #: that add one at once the second fails.
    generation: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    #: A keyed digest of a constant; the key can't be derived from it.
    check_value: Mapped[str] = mapped_column(unique=True)
    #: Hexadecimal; NULL where the environment has the key.
    secret: Mapped[str | None]
    created_at: Mapped[datetime]


class Suppression(Base):
    """A change of the suppression list: rows are added only, and the newest of a digest counts."""

    __tablename__ = "suppressions"
    __table_args__ = (CheckConstraint("action IN ('added', 'removed')", name="known_action"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: Digest of the id in its normalized form; rows of other forms have it too.
    main_digest: Mapped[str] = mapped_column(index=True)
    #: Digest of the form that this row is about.
    digest: Mapped[str]
    #: Check value of the key of both digests.
    key: Mapped[str]
    action: Mapped[str]
    #: Of an addition ``forgotten`` or ``objected``; of a removal what its author wrote.
    reason: Mapped[str]
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]
