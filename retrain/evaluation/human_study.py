"""Works out a study's figures once it is locked, and keeps them beside it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import Connection

from monitor.errors import WorkflowError
from monitor.settings import Gates
from monitor.store.human_key import revealed_ratings
from monitor.store.human_sheets import count_submitted
from monitor.store.human_studies import StudyRow, set_results, study_by_id
from retrain.evaluation.human import judge_agreement, measure
from retrain.gates import Check


def measure_study(
    connection: Connection,
    study_id: int,
    policy: Gates,
    *,
    rng: np.random.Generator,
    now: datetime,
    judge: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Work out the figures of a locked study, keep them, and return them.

    Args:
        connection: Inside the caller's transaction.
        study_id: The study.
        policy: The margin and the kind of gate.
        rng: Draws permutations and resamples.
        now: The time.
        judge: A judge's preferences, ``benchmark/id`` -> preference, where there is a judge.

    Raises:
        WorkflowError: The study is open.
    """
    study = study_by_id(connection, study_id)
    ratings = revealed_ratings(connection, study_id)
    scale = (study.scale_lowest, study.scale_highest)
    found = measure(
        ratings,
        dimensions=study.dimensions,
        scale=scale,
        policy=policy,
        rng=rng,
        remarks=_remarks(connection, study),
    ).as_json()
    found["judge"] = str(judge_agreement(ratings, judge, rng)) if judge else ""
    set_results(connection, study_id, found, now)
    return found


def study_checks(study: StudyRow) -> list[Check]:
    """Return what a study says of its candidate, to be combined with the automatic checks.

    An open study, and one that isn't measured yet, is one check that is undecided.

    Raises:
        WorkflowError: The kept figures are of another version of driftwarden.
    """
    if study.is_open or study.results is None:
        said = "is open" if study.is_open else "is being measured"
        return [
            Check(
                "people rate it",
                "undecided",
                f"study {study.id} {said}",
                "a study that is locked and measured",
            )
        ]
    try:
        return [Check(**one) for one in study.results["checks"]]
    except (KeyError, TypeError):
        raise WorkflowError(f"study {study.id} has figures that can't be read") from None


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
