"""Scores, judge preferences and gates of a candidate's responses."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
import numpy as np

from monitor.settings import Gates
from monitor.store.training.candidate_results import (
    BASE,
    CANDIDATE,
    INCUMBENT,
    CandidateResults,
    GateCheck,
)
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation.benchmark import Benchmark
from retrain.evaluation.calibration import calibrate
from retrain.evaluation.classification import classify
from retrain.evaluation.gates.candidate_checks import apply_gates
from retrain.evaluation.gates.judge_belief import check_judge_belief
from retrain.evaluation.gates.judge_preference import Judgements, judge_check, judge_pairs
from retrain.evaluation.gates.safety.benign_labels import check_benign_labels
from retrain.evaluation.gates.safety.marks import check_marks
from retrain.evaluation.gates.safety.unclear_refusals import with_unclear_refusals
from retrain.evaluation.judge.judge_model import JudgeModel
from retrain.evaluation.judge.labels import JudgeLabels
from retrain.evaluation.judge.verdicts import JudgedOverRefusal
from retrain.evaluation.metrics.scoring import ItemScore, score_responses
from retrain.models.response import log_probability_of

#: System -> benchmark -> item scores.
Scores = dict[str, dict[str, list[ItemScore]]]


def score_systems(
    benchmarks: Sequence[Benchmark], responses: Mapping[str, Mapping[str, Sequence[str]]]
) -> Scores:
    """Score every response of every system: system -> benchmark -> scores.

    Responses are as :func:`retrain.evaluation.systems.generate_responses` returns them.

    Raises:
        MetricError: A metric failed.
    """
    return {
        system: {
            benchmark.name: score_responses(
                benchmark.items, by_benchmark[benchmark.name], benchmark.metrics
            )
            for benchmark in benchmarks
        }
        for system, by_benchmark in responses.items()
    }


def evaluate_candidate(
    benchmarks: Sequence[Benchmark],
    scores: Scores,
    policy: Gates,
    rng: np.random.Generator,
    *,
    judge: JudgeModel | None = None,
    labels: JudgeLabels | None = None,
    concurrency: int = 1,
    further_checks: Sequence[GateCheck] = (),
    further_remarks: Sequence[str] = (),
) -> CandidateResults:
    """Apply the gates to a candidate; an optional judge compares the responses too.

    With labels that measure its error, the judge also counts over-refusals.
    """
    preferences: Mapping[str, str] = {}
    if judge is not None and not all(benchmark.is_safety_suite for benchmark in benchmarks):
        judgements = _judgements(benchmarks, scores, judge, concurrency)
        preferences = judgements.preferences
        further_checks = [*further_checks, judge_check(judgements, policy.alpha)]
    belief, remarks = check_judge_belief(benchmarks, scores[CANDIDATE], rng.spawn(1)[0])
    suites = [*check_marks(benchmarks), *check_benign_labels(benchmarks, scores)]
    apply = partial(
        apply_gates,
        benchmarks,
        policy=policy,
        rng=rng,
        further_checks=[*further_checks, *belief, *suites],
        further_remarks=[*further_remarks, *remarks],
        judge_preferences=preferences,
        judged_over_refusal=(
            None if judge is None else JudgedOverRefusal(judge, labels, concurrency=concurrency)
        ),
    )
    return _with_labels(with_unclear_refusals(scores, apply), scores, rng)


def _with_labels(
    results: CandidateResults, scores: Scores, rng: np.random.Generator
) -> CandidateResults:
    """Add the figures of closed labels and of the probabilities of responses."""
    parts = [
        (system, benchmark, item_scores)
        for system, by_benchmark in scores.items()
        for benchmark, item_scores in by_benchmark.items()
    ]
    classifications = (classify(*part, rng) for part in parts)
    calibrations = (calibrate(*part) for part in parts)
    return msgspec.structs.replace(
        results,
        classifications=tuple(entry for entry in classifications if entry is not None),
        calibrations=tuple(entry for entry in calibrations if entry is not None),
    )


def response_row(system: str, benchmark: str, item: BenchmarkItem, response: str) -> dict[str, Any]:
    """Return the row of a response: system, item, text and, where known, its probability."""
    row = {
        "by": system,
        "benchmark": benchmark,
        "id": item.id,
        "task_type": item.task_type,
        "messages": list(item.messages),
        "expected": item.expected,
        "response": response,
    }
    log_probability = log_probability_of(response)
    return row if log_probability is None else row | {"log_probability": log_probability}


def response_rows(
    scores: Scores, generators: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """Return a row for each response of each system, with its scores.

    ``generators`` has the digest of what a system's responses depend on, where it is known.
    """
    named = {name: {"generator": value} for name, value in (generators or {}).items() if value}
    return [
        {
            **response_row(system, benchmark, score.item, score.response),
            "values": score.values,
            **named.get(system, {}),
        }
        for system, by_benchmark in scores.items()
        for benchmark, item_scores in by_benchmark.items()
        for score in item_scores
    ]


def _judgements(
    benchmarks: Sequence[Benchmark], scores: Scores, judge: JudgeModel, concurrency: int
) -> Judgements:
    """Judge the responses to all benchmarks except safety suites."""
    reference = INCUMBENT if INCUMBENT in scores else BASE
    names = [benchmark.name for benchmark in benchmarks if not benchmark.is_safety_suite]
    pairs = [
        [_with_unique_id(score, name) for name in names for score in scores[system][name]]
        for system in (CANDIDATE, reference)
    ]
    return judge_pairs(judge, *pairs, concurrency=concurrency)


def _with_unique_id(score: ItemScore, benchmark: str) -> ItemScore:
    """Prefix an item's id with its benchmark, for uniqueness over all benchmarks."""
    item = msgspec.structs.replace(score.item, id=f"{benchmark}/{score.item.id}")
    return ItemScore(item, score.response, score.values)
