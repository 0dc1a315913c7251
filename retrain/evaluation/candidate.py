"""From answers to a verdict: scores, the judge's preferences, the decision."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np

from monitor.settings import Gates
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation.benchmark import Benchmark
from retrain.evaluation.gates.gate_result import Check
from retrain.evaluation.gates.gates import BASE, CANDIDATE, INCUMBENT, CandidateResult, apply_gates
from retrain.evaluation.gates.judge_preference import Judgements, judge_check, judge_pairs
from retrain.evaluation.judge.judge_model import JudgeModel
from retrain.evaluation.metrics.scoring import ItemScore, score_responses

Scores = dict[str, dict[str, list[ItemScore]]]


def score_systems(
    benchmarks: Sequence[Benchmark], responses: Mapping[str, Mapping[str, Sequence[str]]]
) -> Scores:
    """Score every answer of every system.

    Args:
        benchmarks: What was asked.
        answers: System -> benchmark -> answers, as
            :func:`retrain.evaluation.systems.generate_responses` gives them.

    Returns:
        System -> benchmark -> scores.

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
    concurrency: int = 1,
    further_checks: Sequence[Check] = (),
    further_remarks: Sequence[str] = (),
) -> CandidateResult:
    """Decide on a candidate; where a judge is given, it compares the answers too."""
    preferences: Mapping[str, str] = {}
    if judge is not None and not all(one.is_safety_suite for one in benchmarks):
        judgements = _judgements(benchmarks, scores, judge, concurrency)
        preferences = judgements.preferences
        further_checks = [*further_checks, judge_check(judgements, policy.alpha)]
    found = apply_gates(
        benchmarks,
        scores,
        policy,
        rng,
        further_checks=further_checks,
        further_remarks=further_remarks,
    )
    return replace(found, judgements=preferences)


def response_row(system: str, benchmark: str, item: BenchmarkItem, response: str) -> dict[str, Any]:
    """Return what a system answered as a row, with what was asked."""
    return {
        "by": system,
        "benchmark": benchmark,
        "id": item.id,
        "task_type": item.task_type,
        "messages": list(item.messages),
        "expected": item.expected,
        "response": response,
    }


def response_rows(scores: Scores) -> list[dict[str, Any]]:
    """Return a row for each answer of each system, with what was asked and how it was scored."""
    return [
        {**response_row(system, benchmark, one.item, one.response), "values": one.values}
        for system, by_benchmark in scores.items()
        for benchmark, scored in by_benchmark.items()
        for one in scored
    ]


def _judgements(
    benchmarks: Sequence[Benchmark], scores: Scores, judge: JudgeModel, concurrency: int
) -> Judgements:
    """Ask about every benchmark but safety suites: there, what is liked isn't the point."""
    other = INCUMBENT if INCUMBENT in scores else BASE
    asked = [one.name for one in benchmarks if not one.is_safety_suite]
    pairs = [
        [_named(one, name) for name in asked for one in scores[system][name]]
        for system in (CANDIDATE, other)
    ]
    return judge_pairs(judge, *pairs, concurrency=concurrency)


def _named(score: ItemScore, benchmark: str) -> ItemScore:
    """Give an item an id that no other benchmark's item has."""
    item = msgspec.structs.replace(score.item, id=f"{benchmark}/{score.item.id}")
    return ItemScore(item, score.response, score.values)
