"""Tables of erasures: what an erasure has to say, and what was trained on an erased end user."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from monitor.table_types import contents
from monitor.table_types.base import Base, BigId


class Erasure(Base):
    """An erasure of an end user, inserted before anything is removed. It doesn't hold the id."""

    __tablename__ = "erasures"
    __table_args__ = contents.table(
        "say again what an erasure had to say",
        contents.OPERATOR,
        no_period="evidence of the erasure",
        access=contents.Access(schedule="r"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: Digest of the id, by which a second command finds what the first had to say.
    subject_digest: Mapped[str] = mapped_column(
        index=True,
        info=contents.unchanged(
            "a keyed digest of the pseudonym, by which a second command finds it"
        ),
    )
    #: Those of further ids of the same end user, each between spaces.
    further_digests: Mapped[str] = mapped_column(info=contents.DIGEST)
    #: What has to be done by hand: ``[{"code", "text"}, ...]``
    steps: Mapped[list[Any]] = mapped_column(info=contents.WORDS)
    #: Number of traces by kind.
    traces: Mapped[dict[str, Any]] = mapped_column(info=contents.FIGURES)
    started_at: Mapped[datetime]
    #: When all that was found had been removed; ``NULL``: the command was interrupted.
    finished_at: Mapped[datetime | None]
    #: What could not be removed, without the id: ``[{"place", "reason"}, ...]``
    remains: Mapped[list[Any]] = mapped_column(info=contents.WORDS)
    #: Until when its fingerprints are kept.
    proof_until: Mapped[datetime]


class ProofKey(Base):
    """A key of the fingerprints of the erasures of a month, destroyed with the last of them."""

    __tablename__ = "proof_keys"
    __table_args__ = contents.table(
        "make and compare the fingerprints of erasures",
        contents.OPERATOR,
        no_period="destroyed after privacy.proof_period",
        access=contents.Access(schedule="rd"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: Hexadecimal.
    secret: Mapped[str] = mapped_column(info=contents.unchanged("a random key"))
    #: Check value of the key of the environment that is needed besides; empty: none.
    user_id_key: Mapped[str] = mapped_column(info=contents.DIGEST)
    created_at: Mapped[datetime]


class ErasureProof(Base):
    """Keyed fingerprints of the ids and passages of an erasure."""

    __tablename__ = "erasure_proofs"
    __table_args__ = contents.table(
        "search again for what was erased",
        contents.OPERATOR,
        no_period="removed after privacy.proof_period",
        access=contents.Access(schedule="rd"),
    )

    erasure_id: Mapped[int] = mapped_column(ForeignKey("erasures.id"), primary_key=True)
    key_id: Mapped[int] = mapped_column(ForeignKey("proof_keys.id"), index=True)
    #: Of ids in all spellings, and of passages that nobody else wrote.
    fingerprints: Mapped[list[Any]] = mapped_column(
        info=contents.unchanged("keyed digests, from which no text can be derived")
    )
    #: HMAC of the fingerprints under the same key.
    seal: Mapped[str] = mapped_column(info=contents.DIGEST)


class ErasureCheck(Base):
    """A search for what erasures removed, of everything stored."""

    __tablename__ = "erasure_checks"
    __table_args__ = contents.table(
        "tell what came back after erasures",
        contents.OPERATOR,
        no_period="evidence of the erasure",
        access=contents.Access(schedule="ra"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    checked_at: Mapped[datetime] = mapped_column(index=True)
    #: What was found, without ids: ``[{"place", "reason"}, ...]``
    findings: Mapped[list[Any]] = mapped_column(info=contents.WORDS)
    #: What could not be read or compared, in the same form.
    unread: Mapped[list[Any]] = mapped_column(info=contents.WORDS)
    #: Numbers of files, erasures, ids and passages.
    searched: Mapped[dict[str, Any]] = mapped_column(info=contents.FIGURES)


class Taint(Base):
    """A training run or a model version whose weights learned from an erased end user.

    It is never removed: weights can't forget. It names no end user.
    """

    __tablename__ = "taints"
    __table_args__ = (
        Index("ix_taints_run_id", "run_id"),
        Index("ix_taints_version_id", "version_id"),
        contents.table(
            "know which weights learned from an erased end user",
            contents.LEADS,
            no_period="weights can't forget",
            access=contents.Access(schedule="ra", web="r"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    erasure_id: Mapped[int] = mapped_column(ForeignKey("erasures.id"), index=True)
    model: Mapped[str] = mapped_column(info=contents.NAME)
    #: Either a run, with its checkpoints and its adapter, or a version.
    run_id: Mapped[int | None] = mapped_column(ForeignKey("training_runs.id"))
    version_id: Mapped[int | None] = mapped_column(ForeignKey("model_versions.id"))
    #: ``trained_on`` their exchanges, or ``continued`` from weights that were.
    cause: Mapped[str] = mapped_column(info=contents.CODE)
    tainted_at: Mapped[datetime]
