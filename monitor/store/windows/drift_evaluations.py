"""Evaluations as they are read, and what has followed from them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, func, select, update

from monitor.errors import NotFoundError
from monitor.store.tables import Evaluation
from monitor.store.windows.assessment import Assessment


@dataclass(frozen=True)
class EvaluationRow:
    """One evaluation. ``assessment`` and ``verdict`` are ``None`` until it is done."""

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


def evaluation_by_id(connection: Connection, evaluation_id: int) -> EvaluationRow:
    """Return an evaluation.

    Raises:
        NotFoundError: There is none of that id.
    """
    row = connection.execute(_ROWS.where(Evaluation.id == evaluation_id)).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no evaluation {evaluation_id}")
    return _row(row)


def evaluation_of_window(
    connection: Connection, model: str, start: datetime, end: datetime
) -> EvaluationRow | None:
    """Return the evaluation of a window, whatever its status."""
    row = connection.execute(
        _ROWS.where(
            Evaluation.model == model,
            Evaluation.window_start == start,
            Evaluation.window_end == end,
        )
    ).one_or_none()
    return None if row is None else _row(row)


def list_evaluations(
    connection: Connection, model: str | None = None, limit: int = 50
) -> list[EvaluationRow]:
    """Return the newest windows' evaluations first, of one model or of all."""
    statement = _ROWS.order_by(Evaluation.window_end.desc(), Evaluation.id.desc()).limit(limit)
    if model is not None:
        statement = statement.where(Evaluation.model == model)
    return [_row(row) for row in connection.execute(statement)]


def assessments_before(
    connection: Connection, model: str, start: datetime, limit: int
) -> list[Assessment]:
    """Return what the evaluations of the windows that ended by a time found, the newest first."""
    statement = (
        select(Evaluation.assessment)
        .where(
            Evaluation.model == model, Evaluation.window_end <= start, Evaluation.status == "done"
        )
        .order_by(Evaluation.window_end.desc(), Evaluation.id.desc())
        .limit(limit)
    )
    return [msgspec.convert(one, Assessment) for one in connection.execute(statement).scalars()]


def done_windows(connection: Connection, model: str) -> set[tuple[datetime, datetime]]:
    """Return the windows of a model whose evaluation is done."""
    statement = select(Evaluation.window_start, Evaluation.window_end).where(
        Evaluation.model == model, Evaluation.status == "done"
    )
    return {(row.window_start, row.window_end) for row in connection.execute(statement)}


def last_success(connection: Connection, model: str) -> datetime | None:
    """Return when an evaluation of the model last finished: the time to alert on."""
    return connection.execute(
        select(func.max(Evaluation.finished_at)).where(
            Evaluation.model == model, Evaluation.status == "done"
        )
    ).scalar_one()


def pending_follow_ups(connection: Connection, model: str) -> list[int]:
    """Return the done evaluations whose incident and batch aren't written yet, oldest first."""
    statement = (
        select(Evaluation.id)
        .where(
            Evaluation.model == model,
            Evaluation.status == "done",
            Evaluation.followed_up_at.is_(None),
        )
        .order_by(Evaluation.window_end, Evaluation.id)
    )
    return list(connection.execute(statement).scalars())


def mark_followed_up(connection: Connection, evaluation_id: int, now: datetime) -> None:
    """Note that everything that follows from an evaluation is written."""
    connection.execute(
        update(Evaluation).where(Evaluation.id == evaluation_id).values(followed_up_at=now)
    )


def aged_evaluations(connection: Connection, before: datetime) -> list[int]:
    """Return the evaluations of windows that ended before a time and still name exchanges."""
    statement = select(Evaluation.id).where(
        Evaluation.window_end < before, Evaluation.sample_scores.is_not(None)
    )
    return list(connection.execute(statement.order_by(Evaluation.id)).scalars())


def replace_assessment(connection: Connection, evaluation_id: int, assessment: Assessment) -> None:
    """Store an assessment without some of its quotes in place of an evaluation's own."""
    connection.execute(
        update(Evaluation)
        .where(Evaluation.id == evaluation_id)
        .values(assessment=msgspec.to_builtins(assessment))
    )


_ROWS = select(
    Evaluation.id,
    Evaluation.model,
    Evaluation.window_start,
    Evaluation.window_end,
    Evaluation.status,
    Evaluation.verdict,
    Evaluation.seed,
    Evaluation.baseline_id,
    Evaluation.provenance,
    Evaluation.assessment,
    Evaluation.error,
    Evaluation.started_at,
    Evaluation.finished_at,
)


def _row(row: Any) -> EvaluationRow:
    values = row._asdict()
    if values["assessment"] is not None:
        values["assessment"] = msgspec.convert(values["assessment"], Assessment)
    return EvaluationRow(**values)
