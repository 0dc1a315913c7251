"""Tables of probes: prompt sets, runs, and each request with its response."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from monitor.table_types import contents
from monitor.table_types.base import Base, BigId


class ProbeSet(Base):
    """The prompts that a model is probed with, and the form in which they are sent."""

    __tablename__ = "probe_sets"
    __table_args__ = (
        UniqueConstraint("model", "digest", name="uq_probe_sets_digest"),
        contents.table(
            "detect that a served model has changed",
            contents.LEADS,
            no_period="items of benchmarks",
            access=contents.Access(schedule="ra"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    model: Mapped[str] = mapped_column(info=contents.NAME)
    #: SHA-256 of the items and of the form.
    digest: Mapped[str] = mapped_column(info=contents.DIGEST)
    #: SHA-256 of the form alone: settings that, where they change, need another set.
    form_digest: Mapped[str] = mapped_column(info=contents.DIGEST)
    #: System prompt, length of the responses and further fields of the requests.
    form: Mapped[dict[str, Any]] = mapped_column(info=contents.TEXT_MASKED)
    #: Each with key, kind, stratum, messages and the requirement on the response.
    items: Mapped[list[Any]] = mapped_column(info=contents.TEXT_MASKED)
    created_at: Mapped[datetime]


class ProbeRun(Base):
    """A run of a probe set against a live endpoint, inserted with its requests before the first."""

    __tablename__ = "probe_runs"
    __table_args__ = (
        UniqueConstraint("model", "role", "due_at", name="uq_probe_runs_due"),
        # A version of a model is probed by at most one run at a time.
        Index(
            "uq_probe_runs_open",
            "model",
            "role",
            unique=True,
            postgresql_where=text("finished_at IS NULL"),
            sqlite_where=text("finished_at IS NULL"),
        ),
        contents.table(
            "detect that a served model has changed",
            contents.LEADS,
            no_period=contents.HISTORY,
            access=contents.Access(schedule="raw", web="r"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    model: Mapped[str] = mapped_column(info=contents.NAME)
    #: ``stable`` or ``canary``.
    role: Mapped[str] = mapped_column(info=contents.CODE)
    #: The version that should respond; ``NULL``: the model has no registered version.
    version_id: Mapped[int | None] = mapped_column(ForeignKey("model_versions.id"), index=True)
    set_id: Mapped[int] = mapped_column(ForeignKey("probe_sets.id"))
    #: ``schedule``, ``reference``, ``confirmation`` or ``manual``.
    purpose: Mapped[str] = mapped_column(info=contents.CODE)
    due_at: Mapped[datetime]
    #: When the traffic of the version last changed, by the registry and the traffic weights.
    serving_since: Mapped[datetime | None]
    #: ``running``, ``done``, ``unavailable`` or ``discarded``.
    status: Mapped[str] = mapped_column(info=contents.CODE)
    #: Failed attempts since the last response.
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime]
    #: The process that sends its requests, and until when no other does.
    claimed_by: Mapped[str | None] = mapped_column(info=contents.KEY)
    claimed_until: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(info=contents.ERROR)
    #: ``reference``, ``same``, ``suspected``, ``changed``, ``not_arrived`` or ``arrived``.
    verdict: Mapped[str | None] = mapped_column(info=contents.CODE)
    #: Whether later runs are compared with it.
    is_reference: Mapped[bool] = mapped_column(default=False)
    change: Mapped[float | None]
    threshold: Mapped[float | None]
    #: Figures of the comparison, and the items that differ most.
    comparison: Mapped[dict[str, Any] | None] = mapped_column(info=contents.WORDS)
    started_by: Mapped[str] = mapped_column(info=contents.ACCOUNT)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    #: The user who made this run the reference, and the reason.
    accepted_by: Mapped[str | None] = mapped_column(info=contents.ACCOUNT)
    accepted_reason: Mapped[str | None] = mapped_column(info=contents.REASON)
    accepted_at: Mapped[datetime | None]


class Probe(Base):
    """A request of a probe run, inserted before it is sent, and its response."""

    __tablename__ = "probes"
    __table_args__ = (
        UniqueConstraint("run_id", "item", "pass_number", name="uq_probes_item"),
        Index("ix_probes_kind", "version_id", "kind", "at"),
        contents.table(
            "detect that a served model has changed",
            contents.LEADS,
            period="probes",
            access=contents.Access(schedule="raw", web="r"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("probe_runs.id"))
    model: Mapped[str] = mapped_column(info=contents.NAME)
    #: The version that responded, or that the request was addressed to.
    version_id: Mapped[int | None] = mapped_column(ForeignKey("model_versions.id"))
    #: ``quality`` or ``safety``.
    kind: Mapped[str] = mapped_column(info=contents.CODE)
    #: Key of the item in the set.
    item: Mapped[str] = mapped_column(info=contents.NAME)
    #: From 0; each item is sent once a pass.
    pass_number: Mapped[int]
    #: Position in the order of the requests.
    position: Mapped[int]
    #: ``pending``, ``done``, ``rejected`` (HTTP 4xx) or ``misrouted`` (another version responded).
    status: Mapped[str] = mapped_column(info=contents.CODE)
    attempts: Mapped[int] = mapped_column(default=0)
    sent_at: Mapped[datetime | None]
    #: When the response was complete.
    at: Mapped[datetime | None]
    #: ``NULL`` before the response, and after its retention.
    response: Mapped[str | None] = mapped_column(info=contents.TEXT_MASKED)
    #: Whether the response meets the item's requirement; ``NULL``: it has none.
    passed: Mapped[bool | None]
    #: Name of the model in the response.
    served_model: Mapped[str | None] = mapped_column(info=contents.WORDS)
    latency_seconds: Mapped[float | None]
    error: Mapped[str | None] = mapped_column(info=contents.WORDS)
