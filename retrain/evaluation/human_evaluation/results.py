"""Works out a study's figures once it is locked, and keeps them beside it."""

from datetime import datetime
from typing import Any

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
from retrain.evaluation.human_evaluation.ratings import compute_human_results


def score_human_evaluation(
    connection: Connection,
    human_evaluation_id: int,
    policy: Gates,
    *,
    rng: np.random.Generator,
    now: datetime,
) -> dict[str, Any]:
    """Work out the figures of a locked study, keep them, and return them.

    Args:
        connection: Inside the caller's transaction.
        study_id: The study.
        policy: The margin and the kind of gate.
        rng: Draws permutations and resamples.
        now: The time.

    Raises:
        WorkflowError: The study is open, or was cancelled.
    """
    human_evaluation = human_evaluation_by_id(connection, human_evaluation_id)
    found = compute_human_results(
        unblinded_ratings(connection, human_evaluation_id),
        dimensions=human_evaluation.dimensions,
        scale=(human_evaluation.scale_min, human_evaluation.scale_max),
        policy=policy,
        rng=rng,
        remarks=_remarks(connection, human_evaluation),
    ).as_json()
    set_results(connection, human_evaluation_id, found, now)
    return found


def _remarks(connection: Connection, human_evaluation: HumanEvaluationRow) -> list[str]:
    n_items, n_submitted = count_submitted_assignments(connection, [human_evaluation.id])[
        human_evaluation.id
    ]
    needed = n_items * human_evaluation.raters_per_item
    found = []
    if human_evaluation.n_available < human_evaluation.sample_size:
        found.append(
            f"{human_evaluation.sample_size} items were asked for, the benchmarks have {human_evaluation.n_available}"
        )
    if n_submitted < needed:
        found.append(f"{needed - n_submitted} of {needed} ratings are missing")
    return found
