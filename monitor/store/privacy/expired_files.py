"""Queries of files that expire: folders of training runs, and exports."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, exists, func, select

from monitor.store.tables import AuditEntry, CandidateEvaluation, ModelVersion, TrainingRun

STANDARD_OUTPUT = "-"


@dataclass(frozen=True)
class ExpiredRun:
    """A training run whose files expire."""

    id: int
    folder: str
    #: Paths of adapters of registered versions, which may lie in the folder.
    adapters: tuple[str, ...]


@dataclass(frozen=True)
class ExpiredExport:
    """A file that was exported."""

    path: str
    #: When it was written last.
    written_at: datetime


def expired_runs(connection: Connection, before: datetime) -> list[ExpiredRun]:
    """Return the runs that ended before a time, and whose candidate is under no evaluation."""
    adapters = tuple(connection.execute(select(ModelVersion.adapter_path)).scalars())
    evaluated = exists().where(
        CandidateEvaluation.version_id == ModelVersion.id,
        ModelVersion.training_run_id == TrainingRun.id,
        func.coalesce(CandidateEvaluation.finished_at, before) >= before,
    )
    statement = (
        select(TrainingRun.id, TrainingRun.work_dir)
        .where(TrainingRun.finished_at < before, ~evaluated)
        .order_by(TrainingRun.id)
    )
    rows = connection.execute(statement).all()
    return [ExpiredRun(row.id, row.work_dir, adapters) for row in rows if row.work_dir]


def expired_exports(connection: Connection, before: datetime) -> list[ExpiredExport]:
    """Return the files whose last export was before a time."""
    last = func.max(AuditEntry.occurred_at)
    statement = (
        select(AuditEntry.subject, last)
        .where(AuditEntry.action == "exported", AuditEntry.subject != STANDARD_OUTPUT)
        .group_by(AuditEntry.subject)
        .having(last < before)
        .order_by(AuditEntry.subject)
    )
    return [ExpiredExport(path, written) for path, written in connection.execute(statement)]
