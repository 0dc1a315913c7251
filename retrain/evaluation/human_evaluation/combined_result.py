"""Candidate results with the checks of a human evaluation and the judge's agreement."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Literal

import msgspec
import numpy as np
from sqlalchemy import Connection

from monitor.errors import WorkflowError
from monitor.store.human_evaluation.human_evaluations import HumanEvaluationRow
from monitor.store.human_evaluation.keys import UnblindedRating, unblinded_ratings
from monitor.store.training.candidate_evaluations import CandidateEvaluationRow
from monitor.store.training.candidate_results import (
    BASE,
    CANDIDATE,
    INCUMBENT,
    CandidateResults,
    GateCheck,
)
from retrain.evaluation.gate_result import add_checks
from retrain.evaluation.judge.agreement import agreement

PreferredSystem = Literal["candidate", "tie", "incumbent"]

#: The judge's preferences as ratings; inconsistent: a tie; failed: no rating.
_RATINGS: dict[str, PreferredSystem] = {
    "candidate": "candidate",
    "incumbent": "incumbent",
    "tie": "tie",
    "inconsistent": "tie",
}


def with_human_evaluation(
    connection: Connection, row: CandidateEvaluationRow, human_evaluation: HumanEvaluationRow
) -> CandidateResults:
    """Add the checks of a human evaluation to a candidate's results.

    If a judge compared the responses too, its agreement with the raters is added. A judge that is
    not shown to agree with them more than by chance makes its check undecided.

    Raises:
        WorkflowError: The candidate or the human evaluation has no results yet.
    """
    results, ratings = row.results, human_evaluation.results
    if results is None or ratings is None:
        raise WorkflowError(f"evaluation {row.id}: its human evaluation has no results yet")
    judge_agreement, checks = "", results.checks
    if results.judge_preferences:
        raters = preferences(unblinded_ratings(connection, human_evaluation.id))
        judge = {item: to_preference(name) for item, name in results.judge_preferences.items()}
        agreed = agreement(raters, judge, np.random.default_rng(row.request["seed"]))
        judge_agreement = str(agreed)
        if agreed.refutes_judge:
            checks = tuple(_without_count(check) for check in checks)
    extended = msgspec.structs.replace(
        results,
        checks=checks,
        remarks=(*results.remarks, *ratings.remarks),
        human_evaluation_id=human_evaluation.id,
        human_evaluation=ratings,
        judge_agreement=judge_agreement,
    )
    return add_checks(extended, ratings.checks)


def preferences(ratings: Iterable[UnblindedRating]) -> dict[str, PreferredSystem]:
    """Return the raters' preferred system per item, over all raters and dimensions.

    Items without ratings of both systems are left out. If no version serves yet, the base model
    with its prompt is the incumbent.
    """
    scores: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    systems = set()
    for rating in ratings:
        scores[rating.item][rating.system] += rating.scores.values()
        systems.add(rating.system)
    incumbent = INCUMBENT if INCUMBENT in systems else BASE
    return {
        item: _preferred(float(np.mean(by_system[CANDIDATE])), float(np.mean(by_system[incumbent])))
        for item, by_system in scores.items()
        if by_system[CANDIDATE] and by_system[incumbent]
    }


def to_preference(judge_preference: str) -> PreferredSystem | None:
    """Convert a judge's preference to a rating; ``None`` if the judge failed."""
    return _RATINGS.get(judge_preference)


def _without_count(check: GateCheck) -> GateCheck:
    """Make a judge's check undecided; return any other unchanged."""
    if check.code != "judge_preference":
        return check
    observed = f"{check.observed}; this judge doesn't count: no agreement with raters above chance"
    return msgspec.structs.replace(check, outcome="undecided", observed=observed)


def _preferred(candidate: float, incumbent: float) -> PreferredSystem:
    if candidate == incumbent:
        return "tie"
    return "candidate" if candidate > incumbent else "incumbent"
