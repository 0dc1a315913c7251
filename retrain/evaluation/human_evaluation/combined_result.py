"""What people's ratings add to a verdict: their checks, and whether the judge rates as they do."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import numpy as np
from sqlalchemy import Connection

from monitor.store.human_evaluation.human_evaluations import HumanEvaluationRow
from monitor.store.human_evaluation.keys import UnblindedRating, unblinded_ratings
from monitor.store.training.candidate_evaluations import CandidateEvaluationRow
from retrain.evaluation.conclusion import add_checks
from retrain.evaluation.gates.gate_result import Check
from retrain.evaluation.gates.gates import BASE, CANDIDATE, INCUMBENT
from retrain.evaluation.judge.agreement import agreement

PreferredSystem = Literal["candidate", "tie", "incumbent"]


def with_human_evaluation(
    connection: Connection, row: CandidateEvaluationRow, human_evaluation: HumanEvaluationRow
) -> dict[str, Any]:
    """Return an evaluation's verdict with the checks of its study, which was locked and measured.

    Where a judge compared the answers too, its agreement with the people is told.
    """
    verdict, results = dict(row.results or {}), dict(human_evaluation.results or {})
    checks = [Check(**one) for one in results.get("checks", ())]
    more: dict[str, Any] = {
        "human_evaluation": {"id": human_evaluation.id, **results},
        "remarks": [*verdict["remarks"], *results.get("remarks", ())],
    }
    judged = verdict.get("judgements") or {}
    if judged:
        people = preferences(unblinded_ratings(connection, human_evaluation.id))
        rng = np.random.default_rng(row.request["seed"])
        told = agreement(people, {name: to_preference(one) for name, one in judged.items()}, rng)
        more["judge_agreement"] = str(told)
    return add_checks(verdict, checks, **more)


def preferences(ratings: Iterable[UnblindedRating]) -> dict[str, PreferredSystem]:
    """Return whose answer people rated higher, by item: over all people and dimensions.

    Items on which either has no rating are left out. Where nothing serves yet, the base with its
    prompt is the incumbent.
    """
    given: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    systems = set()
    for rating in ratings:
        given[rating.item][rating.system] += rating.scores.values()
        systems.add(rating.system)
    other = INCUMBENT if INCUMBENT in systems else BASE
    return {
        item: _preferred(float(np.mean(by[CANDIDATE])), float(np.mean(by[other])))
        for item, by in given.items()
        if by[CANDIDATE] and by[other]
    }


def to_preference(judged: str) -> PreferredSystem | None:
    """Return a judge's preference as people's are told; ``None`` where it failed.

    One that went with the order of the answers is none: a tie.
    """
    ratings: Mapping[str, PreferredSystem] = {
        "candidate": "candidate",
        "incumbent": "incumbent",
        "tie": "tie",
        "inconsistent": "tie",
    }
    return ratings.get(judged)


def _preferred(candidate: float, other: float) -> PreferredSystem:
    if candidate == other:
        return "tie"
    return "candidate" if candidate > other else "incumbent"
