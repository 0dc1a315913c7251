"""Counts of a failing judge in thresholds and checks."""

from pathlib import Path

import numpy as np
import pytest

from monitor.errors import JudgeError
from monitor.settings import Gates
from monitor.settings.evaluation_file.plan import parse_plan
from monitor.store.training.candidate_results import CandidateResults
from retrain.evaluation.benchmark import Benchmark
from retrain.evaluation.gates.candidate_checks import apply_gates
from retrain.evaluation.gates.threshold_checks import check_thresholds
from retrain.evaluation.metrics.scoring import ItemScore, score_responses
from tests.support.retrain.judged_claims import MeasuredJudge
from tests.support.retrain.scored_benchmarks import items

N = 500
PLAN = """\
evaluation:
  benchmarks:
    - name: facts
      dataset: a.jsonl
      threshold: {hallucination_rate: "<= 2%"}
"""


class Judge:
    """A judge that replies a given number of times and then fails."""

    def __init__(self, n_responses: int) -> None:
        self.n_left = n_responses

    def ask(self, system: str, question: str) -> str:
        self.n_left -= 1
        if self.n_left < 0:
            raise JudgeError("HTTP 503")
        return "VERDICT: SUPPORTED"


def suite(judge: Judge, limit: str = "2%") -> Benchmark:
    (plan,) = parse_plan(PLAN.replace("2%", limit), Path("evaluation.yaml")).benchmarks
    requested = (*items(N, context="facts"), *items(3, "new"))
    return Benchmark(plan, requested, (MeasuredJudge(judge),), "0" * 64)


def scored(benchmark: Benchmark) -> list[ItemScore]:
    return score_responses(benchmark.items, ["It is so."] * len(benchmark.items), benchmark.metrics)


def evaluated(n_responses: int, reference: str = "base") -> CandidateResults:
    benchmark = suite(Judge(n_responses))
    systems = dict.fromkeys(("candidate", "base", reference))
    scores = {system: {"facts": scored(benchmark)} for system in systems}
    return apply_gates([benchmark], scores, Gates(), np.random.default_rng(0))


def test_nothing_passes_on_the_few_responses_that_were_judged() -> None:
    benchmark = suite(Judge(10))
    scores = scored(benchmark)
    for gate in ("point", "bound"):
        policy = Gates.model_validate({"gate": gate})
        (check,) = check_thresholds(benchmark, scores, policy, np.random.default_rng(0))
        assert check.outcome == "undecided"
        assert "0 of 10 (0.0%)" in check.observed
        assert "490 of 500" in check.observed


@pytest.mark.parametrize(
    ("limit", "n_failed", "outcome"),
    [
        # A response without a verdict counts as bad.
        ("2%", 4, "passed"),
        ("2%", 5, "undecided"),
        ("30%", 50, "passed"),
        ("30%", 51, "undecided"),
    ],
)
def test_few_failures_may_pass(limit: str, n_failed: int, outcome: str) -> None:
    benchmark = suite(Judge(N - n_failed), limit)
    (check,) = check_thresholds(benchmark, scored(benchmark), Gates(), np.random.default_rng(0))
    assert check.outcome == outcome
    assert f"{n_failed} of 500" in check.observed


def test_judge_failures_of_either_system_leave_the_gates_undecided() -> None:
    results = evaluated(N + 10)
    (remark,) = [remark for remark in results.remarks if "490 of 500" in remark]
    for part in ("hallucination_rate", "the base", "old-10: HTTP 503"):
        assert part in remark
    outcomes = {(check.code, check.metric): check.outcome for check in results.checks}
    assert outcomes["threshold", "hallucination_rate"] == "passed"
    assert outcomes["judge_failures", "hallucination_rate"] == "undecided"


def test_base_with_examples_has_one_name() -> None:
    results = evaluated(2 * N + 10, "prompted")
    (remark,) = [remark for remark in results.remarks if "490 of 500" in remark]
    (check,) = [check for check in results.checks if check.code == "judge_failures"]
    for text in (remark, check.observed):
        assert "base with examples" in text
        assert "prompted" not in text


def test_a_judge_that_never_fails_is_not_mentioned() -> None:
    results = evaluated(2 * N)
    assert not any("judged" in remark for remark in results.remarks)
    assert not any(check.code == "judge_failures" for check in results.checks)


def test_a_judge_that_only_fails_measures_nothing() -> None:
    benchmark = suite(Judge(0))
    (check,) = check_thresholds(benchmark, scored(benchmark), Gates(), np.random.default_rng(0))
    assert check.outcome == "undecided"
    assert "500 of 500" in check.observed
