"""Claims of windows: taken before an evaluation runs, checked when it ends."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, select, update
from sqlalchemy.exc import IntegrityError

from monitor.errors import LostOwnershipError
from monitor.store.leadership import acting_epoch
from monitor.store.rows import insert_row
from monitor.store.tables import DriftEvaluation
from monitor.store.windows.assessment import Assessment
from monitor.store.windows.map_points import PromptMap
from monitor.store.windows.prompt_maps import pack_prompt_map
from monitor.store.windows.sample_scores import SampleScores, pack_scores

#: Time after which a ``failed`` evaluation is due again.
RETRY_AFTER = timedelta(hours=1)
#: Duration of a claim without a time limit of its own. A ``running`` evaluation of a command whose
#: claim has ended counts as crashed.
LEASE = timedelta(hours=1)
#: Leaders that may die, one after the other, while they evaluate the same window. Then it has
#: failed: it may be the window that kills them.
MAX_CRASHES = 3
CRASHED = (
    "{n} processes died while they evaluated it; out of memory? Give the daemon more, or sample "
    "less of this model: [[traffic.rates]]"
)


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
    lease: timedelta = LEASE,
) -> EvaluationClaim | None:
    """Claim the window ``[start, end)`` of a model.

    The leader takes over at once what a leader has claimed: only one evaluates at a time, so that
    one has died, or lost its lease. The last of :data:`MAX_CRASHES` records the failure instead.
    With ``again`` a window is claimed, too, whose evaluation is done or has just failed. After the
    lease another process takes the evaluation over. ``None``: it is done, or runs in another
    process.
    """
    row = connection.execute(
        select(
            DriftEvaluation.id,
            DriftEvaluation.status,
            DriftEvaluation.started_at,
            DriftEvaluation.finished_at,
            DriftEvaluation.claimed_until,
            DriftEvaluation.epoch,
            DriftEvaluation.crashes,
            DriftEvaluation.first_started_at,
        ).where(
            DriftEvaluation.model == model,
            DriftEvaluation.window_start == start,
            DriftEvaluation.window_end == end,
        )
    ).one_or_none()
    if row is None:
        try:
            with connection.begin_nested():
                inserted = insert_row(
                    connection,
                    DriftEvaluation,
                    model=model,
                    window_start=start,
                    window_end=end,
                    status="running",
                    seed=seed,
                    provenance={},
                    started_at=now,
                    first_started_at=now,
                    claimed_until=now + lease,
                    epoch=acting_epoch(),
                )
        except IntegrityError:  # another process was faster
            return None
        return EvaluationClaim(inserted, now)
    if not (_is_due(row, now) or (again and row.status in {"failed", "done"})):
        return None
    crashes = row.crashes + (row.status == "running" and row.claimed_until > row.started_at)
    taken = connection.execute(
        update(DriftEvaluation)
        .where(
            DriftEvaluation.id == row.id,
            DriftEvaluation.status == row.status,
            DriftEvaluation.started_at == row.started_at,
        )
        .values(
            status="running",
            started_at=now,
            first_started_at=now if row.status == "done" else row.first_started_at or now,
            claimed_until=now + lease,
            epoch=acting_epoch(),
            crashes=crashes,
            finished_at=None,
            error=None,
            seed=seed,
        )
    )
    if taken.rowcount != 1:
        return None
    claim = EvaluationClaim(row.id, now)
    if row.status == "running" and crashes >= MAX_CRASHES:
        fail_drift_evaluation(connection, claim, CRASHED.format(n=crashes), now)
        return None
    return claim


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
        crashes=0,
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


def release_drift_evaluation(connection: Connection, claim: EvaluationClaim) -> None:
    """Give back the claim of an evaluation that was stopped: it is due at once, and no failure.

    Raises:
        LostOwnershipError: Another process has taken the evaluation over, or it has ended.
    """
    _close(connection, claim, claimed_until=claim.started_at)


@dataclass(frozen=True)
class WindowStates:
    """The windows of a model that need no evaluation now, and its last failure."""

    #: Done, running, or failed less than :data:`RETRY_AFTER` ago.
    settled: frozenset[tuple[datetime, datetime]]
    #: Last failure or crash of a window that has not succeeded since; ``None``: none.
    failed_at: datetime | None


def window_states(connection: Connection, model: str, now: datetime) -> WindowStates:
    """Return the states of the windows of a model."""
    rows = connection.execute(
        select(
            DriftEvaluation.window_start,
            DriftEvaluation.window_end,
            DriftEvaluation.status,
            DriftEvaluation.started_at,
            DriftEvaluation.finished_at,
            DriftEvaluation.claimed_until,
            DriftEvaluation.epoch,
        ).where(DriftEvaluation.model == model)
    ).all()
    failures = [
        row.finished_at or row.started_at
        for row in rows
        if row.status == "failed"
        or (
            row.status == "running"
            and row.epoch is None
            and row.started_at < row.claimed_until <= now
        )
    ]
    return WindowStates(
        frozenset((row.window_start, row.window_end) for row in rows if not _is_due(row, now)),
        max(failures, default=None),
    )


def _is_due(row: Any, now: datetime) -> bool:
    """Return whether an evaluation is to be repeated: it has failed, or its process has died."""
    if row.status == "failed":
        # A time that lies ahead is of a clock that was wrong.
        return bool(abs(now - (row.finished_at or row.started_at)) >= RETRY_AFTER)
    if row.status != "running":
        return False
    of_leader = row.epoch is not None and acting_epoch() is not None
    return bool(of_leader or now >= row.claimed_until)


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
