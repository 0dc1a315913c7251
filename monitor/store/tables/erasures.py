"""Tables of erasures: what an erasure has to say, and what was trained on an erased end user."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from monitor.table_types.base import Base, BigId


class Erasure(Base):
    """An erasure of an end user, inserted before anything is removed. It doesn't hold the id."""

    __tablename__ = "erasures"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: Digest of the id, by which a second command finds what the first had to say.
    subject_digest: Mapped[str] = mapped_column(index=True)
    #: What has to be done by hand: ``[{"code", "text"}, ...]``
    steps: Mapped[list[Any]]
    #: Number of traces by kind.
    traces: Mapped[dict[str, Any]]
    started_at: Mapped[datetime]
    #: When all that was found had been removed; ``NULL``: the command was interrupted.
    finished_at: Mapped[datetime | None]


class Taint(Base):
    """A training run or a model version whose weights learned from an erased end user.

    It is never removed: weights can't forget. It names no end user.
    """

    __tablename__ = "taints"
    __table_args__ = (
        Index("ix_taints_run_id", "run_id"),
        Index("ix_taints_version_id", "version_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    erasure_id: Mapped[int] = mapped_column(ForeignKey("erasures.id"), index=True)
    model: Mapped[str]
    #: Either a run, with its checkpoints and its adapter, or a version.
    run_id: Mapped[int | None] = mapped_column(ForeignKey("training_runs.id"))
    version_id: Mapped[int | None] = mapped_column(ForeignKey("model_versions.id"))
    #: ``trained_on`` their exchanges, or ``continued`` from weights that were.
    cause: Mapped[str]
    tainted_at: Mapped[datetime]
