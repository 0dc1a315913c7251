"""Batches whose gold training runs learn from.

Besides the batches that a decision rests on, its run trains on those of exchanges that leads chose
since its first window began. They count in no rate, but their gold is agreed as any other, and
passes the same checks of leakage and balance.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from monitor.store.model_sets import Models, of_models
from monitor.store.review.decisions import DecisionRow, decision_by_id
from monitor.store.tables import Decision, DriftEvaluation, ReviewBatch, TrainingRun
from monitor.store.training.plan_requests import REQUEST, decision_of_run


def training_batches(connection: Connection, decision: DecisionRow) -> list[int] | None:
    """Return the batches whose gold the run of a decision trains on; ``None``: those of all."""
    own: list[int] | None = decision.inputs.get("batches")
    if own is None:
        return None
    rows = _batches(connection, decision.model)
    return [*own, *sorted(_chosen(rows, own))]


def batches_of_decision(connection: Connection, decision_id: int | None) -> list[int] | None:
    """Return the batches whose gold a run trains on; ``None``: those of all, without a decision."""
    if decision_id is None:
        return None
    return training_batches(connection, decision_by_id(connection, decision_id))


def batches_of_runs(connection: Connection, models: Models = None) -> dict[int, set[int]]:
    """Return the batches whose gold each run may have learned from, by the run.

    Those that were queued after its end are left out. A run that was planned by a command, without
    a decision, has none: it may have read a file.
    """
    is_requested = TrainingRun.plan[(REQUEST, "requested_by")].as_string().is_not(None)
    runs = connection.execute(
        select(
            TrainingRun.id,
            TrainingRun.model,
            TrainingRun.finished_at,
            is_requested.label("is_requested"),
            Decision.id.label("decision_id"),
            Decision.inputs,
        )
        .outerjoin(Decision, Decision.id == decision_of_run())
        .where(*of_models(TrainingRun.model, models))
        .order_by(TrainingRun.id)
    ).all()
    rows = _batches(connection, models)
    return {run.id: _of_run(run, [row for row in rows if row.model == run.model]) for run in runs}


def _of_run(run: Any, rows: Collection[Any]) -> set[int]:
    own = (run.inputs or {}).get("batches")
    if own is not None:
        more = _chosen(rows, own)
    elif run.is_requested or run.decision_id is not None:
        more = {row.id for row in rows}
    else:
        more = set()
    late = {row.id for row in rows if _is_after(row.created_at, run.finished_at)}
    return {*(own or ()), *(more - late)}


def _is_after(time: datetime, end: datetime | None) -> bool:
    return end is not None and time > end


def _batches(connection: Connection, models: Models) -> Collection[Any]:
    """Return the batches of models; those of chosen exchanges have no window."""
    return connection.execute(
        select(
            ReviewBatch.id, ReviewBatch.model, ReviewBatch.created_at, DriftEvaluation.window_start
        )
        .outerjoin(DriftEvaluation, DriftEvaluation.id == ReviewBatch.evaluation_id)
        .where(*of_models(ReviewBatch.model, models))
    ).all()


def _chosen(rows: Collection[Any], own: Collection[int]) -> set[int]:
    """Return the chosen batches since the first window of a decision's own ones began."""
    starts = [row.window_start for row in rows if row.id in own and row.window_start is not None]
    return {
        row.id
        for row in rows
        if row.window_start is None and starts and row.created_at >= min(starts)
    }
