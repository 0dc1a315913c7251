"""Queries of drift evaluations."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, and_, func, or_, select

from monitor.errors import NotFoundError
from monitor.store.model_sets import Models, of_models
from monitor.store.rows import columns_of, update_row
from monitor.store.tables import DriftEvaluation
from monitor.store.windows.assessment import Assessment
from monitor.table_types.documents import read_document


@dataclass(frozen=True)
class DriftEvaluationRow:
    """A drift evaluation. ``assessment`` and ``verdict`` are ``None`` until it is done."""

    id: int
    model: str
    window_start: datetime
    window_end: datetime
    status: str
    verdict: str | None
    seed: int
    baseline_id: int | None
    provenance: dict[str, Any]
    assessment: Assessment | None
    error: str | None
    started_at: datetime
    finished_at: datetime | None


def drift_evaluation_by_id(connection: Connection, evaluation_id: int) -> DriftEvaluationRow:
    """Return a drift evaluation, or ``NotFoundError``."""
    row = connection.execute(_ROWS.where(DriftEvaluation.id == evaluation_id)).one_or_none()
    if row is None:
        raise NotFoundError(f"unknown drift evaluation: {evaluation_id}")
    return _row(row)


def drift_evaluation_of_window(
    connection: Connection, model: str, start: datetime, end: datetime
) -> DriftEvaluationRow | None:
    """Return the evaluation of a window in any status, or ``None``."""
    row = connection.execute(
        _ROWS.where(
            DriftEvaluation.model == model,
            DriftEvaluation.window_start == start,
            DriftEvaluation.window_end == end,
        )
    ).one_or_none()
    return None if row is None else _row(row)


def list_drift_evaluations(
    connection: Connection, model: Models = None, limit: int = 50
) -> list[DriftEvaluationRow]:
    """Return evaluations, the newest window first."""
    statement = _ROWS.order_by(DriftEvaluation.window_end.desc(), DriftEvaluation.id.desc()).limit(
        limit
    )
    statement = statement.where(*of_models(DriftEvaluation.model, model))
    return [_row(row) for row in connection.execute(statement)]


def assessments_before(
    connection: Connection, model: str, start: datetime, limit: int
) -> list[Assessment]:
    """Return the assessments of windows that ended by a time, the newest first."""
    statement = (
        select(DriftEvaluation.assessment)
        .where(
            DriftEvaluation.model == model,
            DriftEvaluation.window_end <= start,
            DriftEvaluation.status == "done",
        )
        .order_by(DriftEvaluation.window_end.desc(), DriftEvaluation.id.desc())
        .limit(limit)
    )
    return [read_document(stored, Assessment) for stored in connection.execute(statement).scalars()]


def evaluated_windows(connection: Connection, model: str) -> set[tuple[datetime, datetime]]:
    """Return the windows of a model with a finished evaluation."""
    statement = select(DriftEvaluation.window_start, DriftEvaluation.window_end).where(
        DriftEvaluation.model == model, DriftEvaluation.status == "done"
    )
    return {(row.window_start, row.window_end) for row in connection.execute(statement)}


def newest_evaluated_end(connection: Connection, model: str) -> datetime | None:
    """Return the end of the newest window of a model that was evaluated; ``None`` without one."""
    return connection.execute(
        select(func.max(DriftEvaluation.window_end)).where(
            DriftEvaluation.model == model, DriftEvaluation.status == "done"
        )
    ).scalar_one()


def any_result_before(connection: Connection, before: datetime) -> bool:
    """Return whether a window of some model was evaluated with enough data until a time."""
    statement = (
        select(DriftEvaluation.id)
        .where(
            DriftEvaluation.status == "done",
            DriftEvaluation.verdict != "not_enough_data",
            DriftEvaluation.finished_at <= before,
        )
        .limit(1)
    )
    return connection.execute(statement).one_or_none() is not None


def failed_window_ends(connection: Connection, model: str) -> list[datetime]:
    """Return the ends of the windows of a model whose evaluation failed, and has not succeeded.

    One that is being repeated is among them: an alert on their number would else begin anew with
    each attempt.
    """
    repeated = and_(
        DriftEvaluation.status == "running",
        DriftEvaluation.first_started_at < DriftEvaluation.started_at,
    )
    failed = select(DriftEvaluation.window_end).where(
        DriftEvaluation.model == model, or_(DriftEvaluation.status == "failed", repeated)
    )
    return list(connection.execute(failed).scalars())


def newest_failed_evaluation(connection: Connection, model: str) -> DriftEvaluationRow | None:
    """Return the failed evaluation of the newest window that has one; ``None`` where none has."""
    row = connection.execute(
        _ROWS.where(DriftEvaluation.model == model, DriftEvaluation.status == "failed")
        .order_by(DriftEvaluation.window_end.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else _row(row)


@dataclass(frozen=True)
class PendingFollowUp:
    """A finished evaluation whose incident and batch aren't written yet."""

    id: int
    window_end: datetime
    finished_at: datetime
    #: Of the leader that evaluated it; ``None``: a command did.
    epoch: int | None


def pending_follow_ups(connection: Connection, model: str) -> list[PendingFollowUp]:
    """Return the evaluations whose incident and batch aren't written yet, the oldest first."""
    statement = (
        select(*columns_of(PendingFollowUp, DriftEvaluation))
        .where(
            DriftEvaluation.model == model,
            DriftEvaluation.status == "done",
            DriftEvaluation.followed_up_at.is_(None),
        )
        .order_by(DriftEvaluation.window_end, DriftEvaluation.id)
    )
    return [PendingFollowUp(*row) for row in connection.execute(statement)]


def first_attempts(
    connection: Connection, model: str
) -> dict[tuple[datetime, datetime], datetime | None]:
    """Return when each window was first claimed since it was last done; ``None``: it is done."""
    rows = connection.execute(
        select(
            DriftEvaluation.window_start,
            DriftEvaluation.window_end,
            DriftEvaluation.status,
            func.coalesce(DriftEvaluation.first_started_at, DriftEvaluation.started_at).label(
                "first_started_at"
            ),
        ).where(DriftEvaluation.model == model)
    )
    return {
        (row.window_start, row.window_end): None if row.status == "done" else row.first_started_at
        for row in rows
    }


def last_followed_up_end(connection: Connection, model: str) -> datetime | None:
    """Return the end of the newest window whose incident is written; ``None`` without one."""
    return connection.execute(
        select(func.max(DriftEvaluation.window_end)).where(
            DriftEvaluation.model == model, DriftEvaluation.followed_up_at.is_not(None)
        )
    ).scalar_one()


def mark_followed_up(connection: Connection, evaluation_id: int, now: datetime) -> None:
    """Record that the incident and the batch of an evaluation are written."""
    update_row(connection, DriftEvaluation, evaluation_id, followed_up_at=now)


def evaluations_ended_before(connection: Connection, before: datetime) -> list[int]:
    """Return the evaluations of windows that ended before a time and still have scores."""
    statement = select(DriftEvaluation.id).where(
        DriftEvaluation.window_end < before, DriftEvaluation.sample_scores.is_not(None)
    )
    return list(connection.execute(statement.order_by(DriftEvaluation.id)).scalars())


def replace_assessment(connection: Connection, evaluation_id: int, assessment: Assessment) -> None:
    """Replace an evaluation's assessment by one without some quotes."""
    update_row(
        connection, DriftEvaluation, evaluation_id, assessment=msgspec.to_builtins(assessment)
    )


_ROWS = select(*columns_of(DriftEvaluationRow, DriftEvaluation))


def _row(row: Any) -> DriftEvaluationRow:
    values = row._asdict()
    if values["assessment"] is not None:
        values["assessment"] = read_document(values["assessment"], Assessment)
    return DriftEvaluationRow(**values)
