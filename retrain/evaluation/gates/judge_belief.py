"""Judges that believe a response: they give it a good mark where it is wrong.

A response that praises itself, or tells the judge what to say, does so wherever it stands. So the
judge also marks responses as if they were those to other items, where they are wrong.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from monitor.store.training.candidate_results import GateCheck
from retrain.evaluation.benchmark import Benchmark
from retrain.evaluation.judge.reference_score import JudgedScore
from retrain.evaluation.metrics.scoring import ItemScore
from retrain.evaluation.metrics.tokens import normalise

#: Responses that are marked at other items, and the largest share with a good mark there.
N_RESPONSES, MAX_BELIEVED = 40, 0.1
GOOD_MARK = 4.0


class Belief(NamedTuple):
    """Responses with a good mark, marked again at items to which they don't respond."""

    n: int
    #: Ids of the items whose responses have a good mark there, too, or where the judge failed.
    believed: list[str]

    @property
    def is_too_much(self) -> bool:
        """Whether the judge's marks don't depend enough on what was asked."""
        return len(self.believed) > max(1, MAX_BELIEVED * self.n)


def check_judge_belief(
    benchmarks: Sequence[Benchmark],
    candidate: dict[str, list[ItemScore]],
    rng: np.random.Generator,
) -> tuple[list[GateCheck], list[str]]:
    """Let the judge mark responses of the candidate at other items, by each judged score.

    A judge that gives them good marks makes the gate result undecided. Remarks come second: no
    label measures a judge's marks.
    """
    checks, remarks = [], []
    for benchmark in benchmarks:
        for metric in benchmark.metrics:
            if isinstance(metric, JudgedScore):
                belief = measure_belief(metric, candidate[benchmark.name], rng)
                if belief.is_too_much:
                    checks.append(_check(benchmark.name, metric.name, belief))
                remarks.append(
                    f"{benchmark.name}, {metric.name}: WARNING: no label measures this judge;"
                    f" {len(belief.believed)} of {belief.n} responses with a good mark have "
                    "one at another item, too; read some responses, or add human_eval"
                )
    return checks, remarks


def measure_belief(
    metric: JudgedScore, scores: Sequence[ItemScore], rng: np.random.Generator
) -> Belief:
    """Mark responses with a good mark at items with another reference answer."""
    scored = [score for score in scores if metric.name in score.values]
    good = [score for score in scored if score.values[metric.name] >= GOOD_MARK]
    places = []
    for row in rng.permutation(len(good)).tolist()[:N_RESPONSES]:
        reference = _reference(good[row])
        different = [score.item for score in scored if _reference(score) != reference]
        if different:
            places.append((good[row], different[rng.integers(len(different))]))
    marks = metric.score([item for _, item in places], [score.response for score, _ in places])
    believed = [
        score.item.id
        for (score, _), mark in zip(places, marks, strict=True)
        if not mark < GOOD_MARK
    ]
    return Belief(len(places), believed)


def _reference(score: ItemScore) -> str:
    return normalise(score.item.expected or "")


def _check(benchmark: str, metric: str, belief: Belief) -> GateCheck:
    listed = ", ".join(belief.believed[:5]) + (", ..." if len(belief.believed) > 5 else "")
    return GateCheck(
        f"{benchmark}: the judge of {metric} can tell wrong responses",
        "undecided",
        f"{len(belief.believed)} of {belief.n} responses have a good mark at another item, too, "
        f"whose reference answer differs: {listed}",
        f"a good mark ({GOOD_MARK:g} or 5) at another item for at most {MAX_BELIEVED:.0%}; read "
        "these responses, or use another judge",
        code="judge_belief",
        benchmark=benchmark,
        metric=metric,
    )
