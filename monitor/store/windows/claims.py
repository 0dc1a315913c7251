"""Claims of windows: taken before an evaluation runs, checked when it ends."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from monitor.errors import LostOwnershipError
from monitor.store.tables import DriftEvaluation
from monitor.store.windows.assessment import Assessment
from monitor.store.windows.prompt_maps import PromptMap, pack_prompt_map
from monitor.store.windows.sample_scores import SampleScores, pack_scores

#: Age at which a ``running`` evaluation counts as crashed and a ``failed`` one is due again.
RETRY_AFTER = timedelta(hours=1)


@dataclass(frozen=True)
class EvaluationClaim:
    """The claim of an evaluation, lost when another process takes over a stale one."""

    evaluation_id: int
    started_at: datetime


def claim_drift_evaluation(
    connection: Connection,
    model: str,
    start: datetime,
    end: datetime,
    *,
    seed: int,
    now: datetime,
    again: bool = False,
) -> EvaluationClaim | None:
    """Claim the window ``[start, end)`` of a model.

    Args:
        connection: Inside the caller's transaction.
        model: The model of the window.
        start: First instant of the window.
        end: First instant after the window.
        seed: Seed of the evaluation.
        now: Time of the claim.
        again: Also claim a window whose evaluation is done or has just failed.

    Returns:
        The claim, or ``None`` where the evaluation is done, or another process runs it.
    """
    row = connection.execute(
        select(
            DriftEvaluation.id,
            DriftEvaluation.status,
            DriftEvaluation.started_at,
            DriftEvaluation.finished_at,
        ).where(
            DriftEvaluation.model == model,
            DriftEvaluation.window_start == start,
            DriftEvaluation.window_end == end,
        )
    ).one_or_none()
    if row is None:
        try:
            with connection.begin_nested():
                inserted = connection.execute(
                    insert(DriftEvaluation)
                    .values(
                        model=model,
                        window_start=start,
                        window_end=end,
                        status="running",
                        seed=seed,
                        provenance={},
                        started_at=now,
                    )
                    .returning(DriftEvaluation.id)
                ).scalar_one()
        except IntegrityError:  # another process was faster
            return None
        return EvaluationClaim(inserted, now)
    since = row.finished_at or row.started_at
    stale = now - since >= RETRY_AFTER
    claimable = {"running": stale, "failed": stale or again, "done": again}
    if not claimable[row.status]:
        return None
    taken = connection.execute(
        update(DriftEvaluation)
        .where(
            DriftEvaluation.id == row.id,
            DriftEvaluation.status == row.status,
            DriftEvaluation.started_at == row.started_at,
        )
        .values(status="running", started_at=now, finished_at=None, error=None, seed=seed)
    )
    return EvaluationClaim(row.id, now) if taken.rowcount == 1 else None


def finish_drift_evaluation(
    connection: Connection,
    claim: EvaluationClaim,
    *,
    assessment: Assessment,
    scores: SampleScores,
    baseline_id: int | None,
    provenance: dict[str, Any],
    now: datetime,
    prompt_map: PromptMap | None = None,
) -> None:
    """Store the result of an evaluation.

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
        prompt_map=None if prompt_map is None else pack_prompt_map(prompt_map),
        baseline_id=baseline_id,
        provenance=provenance,
        error=None,
        finished_at=now,
        followed_up_at=None,
    )


def fail_drift_evaluation(
    connection: Connection, claim: EvaluationClaim, error: str, now: datetime
) -> None:
    """Record why an evaluation failed; it is due again after :data:`RETRY_AFTER`.

    Raises:
        LostOwnershipError: Another process has taken the evaluation over.
    """
    _close(connection, claim, status="failed", error=error, finished_at=now)


def _close(connection: Connection, claim: EvaluationClaim, **values: Any) -> None:
    closed = connection.execute(
        update(DriftEvaluation)
        .where(
            DriftEvaluation.id == claim.evaluation_id,
            DriftEvaluation.status == "running",
            DriftEvaluation.started_at == claim.started_at,
        )
        .values(**values)
    )
    if closed.rowcount != 1:
        raise LostOwnershipError(
            f"evaluation {claim.evaluation_id} was taken over by another process; "
            "its figures stand, these are dropped"
        )
