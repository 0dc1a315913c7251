"""Works out a study's figures once it is locked, and keeps them beside it."""

from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import Connection

from monitor.settings import Gates
from monitor.store.human_evaluation.assignments import count_submitted
from monitor.store.human_evaluation.closing import set_results
from monitor.store.human_evaluation.human_evaluations import StudyRow, study_by_id
from monitor.store.human_evaluation.keys import revealed_ratings
from retrain.evaluation.human_evaluation.ratings import measure


def measure_study(
    connection: Connection,
    study_id: int,
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
    study = study_by_id(connection, study_id)
    found = measure(
        revealed_ratings(connection, study_id),
        dimensions=study.dimensions,
        scale=(study.scale_lowest, study.scale_highest),
        policy=policy,
        rng=rng,
        remarks=_remarks(connection, study),
    ).as_json()
    set_results(connection, study_id, found, now)
    return found


def _remarks(connection: Connection, study: StudyRow) -> list[str]:
    n_items, n_submitted = count_submitted(connection, [study.id])[study.id]
    needed = n_items * study.reviewers
    found = []
    if study.n_available < study.sample_size:
        found.append(
            f"{study.sample_size} items were asked for, the benchmarks have {study.n_available}"
        )
    if n_submitted < needed:
        found.append(f"{needed - n_submitted} of {needed} ratings are missing")
    return found
