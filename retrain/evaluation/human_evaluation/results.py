"""Scoring of a locked human evaluation."""

from datetime import datetime

import numpy as np
from sqlalchemy import Connection

from monitor.settings import Gates
from monitor.store.human_evaluation.assignments import count_submitted_assignments
from monitor.store.human_evaluation.closing import set_results
from monitor.store.human_evaluation.human_evaluations import (
    HumanEvaluationRow,
    human_evaluation_by_id,
)
from monitor.store.human_evaluation.keys import unblinded_ratings
from monitor.store.training.candidate_results import HumanEvaluationResults
from retrain.evaluation.human_evaluation.ratings import compute_human_results


def score_human_evaluation(
    connection: Connection,
    human_evaluation_id: int,
    policy: Gates,
    *,
    rng: np.random.Generator,
    now: datetime,
) -> HumanEvaluationResults:
    """Compute, store and return the results of a locked human evaluation.

    The policy has the margin and the kind of gate.

    Raises:
        WorkflowError: The human evaluation is still open, or was cancelled.
    """
    human_evaluation = human_evaluation_by_id(connection, human_evaluation_id)
    results = compute_human_results(
        unblinded_ratings(connection, human_evaluation_id),
        dimensions=human_evaluation.dimensions,
        scale=(human_evaluation.scale_min, human_evaluation.scale_max),
        policy=policy,
        rng=rng,
        remarks=_remarks(connection, human_evaluation),
    )
    set_results(connection, human_evaluation_id, results, now)
    return results


def _remarks(connection: Connection, human_evaluation: HumanEvaluationRow) -> list[str]:
    counts = count_submitted_assignments(connection, [human_evaluation.id])
    n_items, n_submitted = counts[human_evaluation.id]
    n_required = n_items * human_evaluation.raters_per_item
    remarks = []
    if human_evaluation.n_available < human_evaluation.sample_size:
        remarks.append(
            f"{human_evaluation.sample_size} items were requested, the benchmarks have "
            f"{human_evaluation.n_available}"
        )
    if n_submitted < n_required:
        remarks.append(f"{n_required - n_submitted} of {n_required} ratings are missing")
    return remarks
