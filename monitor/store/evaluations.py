"""Evaluations: claimed before they run, finished with their assessment, then read by the rest."""

import gzip
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from monitor.errors import LostOwnershipError, NotFoundError
from monitor.store.assessment import Assessment
from monitor.store.sample_scores import SampleScores, pack_scores, unpack_scores
from monitor.store.tables import Evaluation, Report

__all__ = [
    "RETRY_AFTER",
    "Claim",
    "EvaluationRow",
    "SampleScores",
    "aged_evaluations",
    "claim_evaluation",
    "done_windows",
    "evaluation_by_id",
    "evaluation_of_window",
    "fail_evaluation",
    "finish_evaluation",
    "last_success",
    "list_evaluations",
    "load_report",
    "mark_followed_up",
    "pending_follow_ups",
    "replace_assessment",
    "report_kinds",
    "sample_scores",
    "save_report",
    "set_sample_scores",
]

#: A ``running`` evaluation older than this crashed, and a ``failed`` one is due again.
RETRY_AFTER = timedelta(hours=1)


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


@dataclass(frozen=True)
class Claim:
    """The right to run an evaluation; lost when another process takes a stale one over."""

    evaluation_id: int
    started_at: datetime


def claim_evaluation(
    connection: Connection,
    model: str,
    start: datetime,
    end: datetime,
    *,
    seed: int,
    now: datetime,
    again: bool = False,
) -> Claim | None:
    """Claim the window ``[start, end)`` of a model.

    Args:
        connection: Inside the caller's transaction.
        model: The model whose window it is.
        start: First instant of the window.
        end: First instant after it.
        seed: Seed that the evaluation will draw from.
        now: The time of the claim.
        again: Claim it even if it is done or has failed just now.

    Returns:
        The claim, or ``None`` where the evaluation is done, or another process runs it.
    """
    row = connection.execute(
        select(
            Evaluation.id, Evaluation.status, Evaluation.started_at, Evaluation.finished_at
        ).where(
            Evaluation.model == model,
            Evaluation.window_start == start,
            Evaluation.window_end == end,
        )
    ).one_or_none()
    if row is None:
        try:
            with connection.begin_nested():
                inserted = connection.execute(
                    insert(Evaluation)
                    .values(
                        model=model,
                        window_start=start,
                        window_end=end,
                        status="running",
                        seed=seed,
                        provenance={},
                        started_at=now,
                    )
                    .returning(Evaluation.id)
                ).scalar_one()
        except IntegrityError:  # another process was faster
            return None
        return Claim(inserted, now)
    since = row.finished_at or row.started_at
    stale = now - since >= RETRY_AFTER
    claimable = {"running": stale, "failed": stale or again, "done": again}
    if not claimable[row.status]:
        return None
    taken = connection.execute(
        update(Evaluation)
        .where(
            Evaluation.id == row.id,
            Evaluation.status == row.status,
            Evaluation.started_at == row.started_at,
        )
        .values(status="running", started_at=now, finished_at=None, error=None, seed=seed)
    )
    return Claim(row.id, now) if taken.rowcount == 1 else None


def finish_evaluation(
    connection: Connection,
    claim: Claim,
    *,
    assessment: Assessment,
    scores: SampleScores,
    baseline_id: int | None,
    provenance: dict[str, Any],
    now: datetime,
) -> None:
    """Store what the evaluation concluded.

    Raises:
        LostOwnershipError: Another process has taken the evaluation over.
    """
    _close(
        connection,
        claim,
        status="done",
        verdict=assessment.verdict,
        assessment=msgspec.to_builtins(assessment),
        sample_scores=pack_scores(scores),
        baseline_id=baseline_id,
        provenance=provenance,
        error=None,
        finished_at=now,
        followed_up_at=None,
    )


def fail_evaluation(connection: Connection, claim: Claim, error: str, now: datetime) -> None:
    """Record that the evaluation failed and why; it is due again after :data:`RETRY_AFTER`.

    Raises:
        LostOwnershipError: Another process has taken the evaluation over.
    """
    _close(connection, claim, status="failed", error=error, finished_at=now)


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


def sample_scores(connection: Connection, evaluation_id: int) -> SampleScores:
    """Return novelty and topic of each exchange of the evaluation's window.

    Raises:
        NotFoundError: There is no such evaluation, or it isn't done.
    """
    packed = connection.execute(
        select(Evaluation.sample_scores).where(Evaluation.id == evaluation_id)
    ).scalar_one_or_none()
    if packed is None:
        raise NotFoundError(f"evaluation {evaluation_id} has no scores: unknown or not done")
    return unpack_scores(packed)


def aged_evaluations(connection: Connection, before: datetime) -> list[int]:
    """Return the evaluations of windows that ended before a time and still name exchanges."""
    statement = select(Evaluation.id).where(
        Evaluation.window_end < before, Evaluation.sample_scores.is_not(None)
    )
    return list(connection.execute(statement.order_by(Evaluation.id)).scalars())


def set_sample_scores(
    connection: Connection, evaluation_id: int, scores: SampleScores | None
) -> None:
    """Store other scores: those of exchanges that are gone are left out; ``None``: all are."""
    connection.execute(
        update(Evaluation)
        .where(Evaluation.id == evaluation_id)
        .values(sample_scores=None if scores is None else pack_scores(scores))
    )


def replace_assessment(connection: Connection, evaluation_id: int, assessment: Assessment) -> None:
    """Store an assessment without some of its quotes in place of an evaluation's own."""
    connection.execute(
        update(Evaluation)
        .where(Evaluation.id == evaluation_id)
        .values(assessment=msgspec.to_builtins(assessment))
    )


def save_report(
    connection: Connection, evaluation_id: int, kind: str, html: str, now: datetime
) -> None:
    """Store a rendered report, in place of an earlier one of the same kind."""
    connection.execute(
        delete(Report).where(Report.evaluation_id == evaluation_id, Report.kind == kind)
    )
    connection.execute(
        insert(Report).values(
            evaluation_id=evaluation_id,
            kind=kind,
            content=gzip.compress(html.encode("utf-8", "replace"), mtime=0),
            created_at=now,
        )
    )


def load_report(connection: Connection, evaluation_id: int, kind: str) -> str | None:
    """Return a stored report as HTML; ``None`` where there is none."""
    content = connection.execute(
        select(Report.content).where(Report.evaluation_id == evaluation_id, Report.kind == kind)
    ).scalar_one_or_none()
    return None if content is None else gzip.decompress(content).decode()


def report_kinds(connection: Connection, evaluation_id: int) -> set[str]:
    """Return which reports an evaluation has."""
    return set(
        connection.execute(
            select(Report.kind).where(Report.evaluation_id == evaluation_id)
        ).scalars()
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


def _close(connection: Connection, claim: Claim, **values: Any) -> None:
    closed = connection.execute(
        update(Evaluation)
        .where(
            Evaluation.id == claim.evaluation_id,
            Evaluation.status == "running",
            Evaluation.started_at == claim.started_at,
        )
        .values(**values)
    )
    if closed.rowcount != 1:
        raise LostOwnershipError(
            f"evaluation {claim.evaluation_id} was taken over by another process; "
            "its figures stand, these are dropped"
        )
