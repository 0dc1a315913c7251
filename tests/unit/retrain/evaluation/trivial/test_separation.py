"""Distance from trivial systems, from which retention and superiority count."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from monitor.settings import Gates
from monitor.store.training.candidate_results import GateCheck
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation.benchmark import Benchmark
from retrain.evaluation.gates.comparison import compare_systems
from retrain.evaluation.gates.retention import check_retention
from retrain.evaluation.gates.separation import Distance, trivial_match
from retrain.evaluation.judge.reference_score import JudgedScore
from retrain.evaluation.metrics.overlap import TOKEN_F1
from retrain.evaluation.metrics.scoring import ItemScore
from retrain.evaluation.trivial.measurement import measure_trivial, unmeasured_remarks
from tests.support.retrain.judged_claims import ClaimsJudge, reads_the_context
from tests.support.retrain.scored_benchmarks import benchmark, items, scored

#: A constant is right on 40 of 100 items.
OLD = [*items(40, expected="usual"), *items(100)[40:]]


def right(n: int) -> list[float]:
    return [float(row < n) for row in range(100)]


def retention(
    before: list[ItemScore],
    own: list[ItemScore] | None = None,
    *,
    metrics: Sequence[str] = ("exact_match",),
    threshold: dict[str, str] | None = None,
    suite: Benchmark | None = None,
    **policy: object,
) -> list[GateCheck]:
    """Check a candidate, by default one that responds as the incumbent does."""
    prompts = [score.item for score in before]
    suite = suite or benchmark(prompts, metrics=metrics, threshold=threshold)
    gates, rng = Gates.model_validate(policy), np.random.default_rng(0)
    compared = compare_systems(
        suite, own or before, before, rng, name="incumbent", split="old", confidence=0.95
    )
    trivial = {suite.name: measure_trivial(suite, rng)}
    return check_retention([suite], compared, {suite.name: before}, trivial, gates)


@pytest.mark.parametrize(
    ("n_right", "margin", "outcome"),
    [
        (60, 0.05, "passed"),
        (59, 0.05, "undecided"),
        (80, 0.1, "passed"),
        (79, 0.1, "undecided"),
        (0, 0.05, "undecided"),
    ],
)
def test_retention_counts_from_four_margins(n_right: int, margin: float, outcome: str) -> None:
    (check,) = retention(scored(OLD, exact_match=right(n_right)), margin=margin)
    assert (check.code, check.outcome) == ("retention", outcome)
    figures = (f"{n_right / 100:.3f}, a trivial system 0.400", "most frequent reference answer")
    assert all((figure in check.observed) == (outcome == "undecided") for figure in figures)


def test_a_loss_fails_where_nothing_could_pass() -> None:
    before, own = (scored(OLD, exact_match=right(n)) for n in (50, 20))
    assert [check.outcome for check in retention(before, own)] == ["failed"]


def test_one_metric_that_separates_is_enough() -> None:
    near = [0.4] * 100
    both = scored(OLD, exact_match=right(90), token_f1=near)
    checks = retention(both, metrics=("exact_match", "f1"))
    assert [check.outcome for check in checks] == ["passed", "passed"]
    few = scored(OLD, exact_match=[*right(51)[:51], *[np.nan] * 49], token_f1=near)
    checks = retention(few, metrics=("exact_match", "f1"))
    assert [check.outcome for check in checks] == ["undecided", "undecided"]


def test_a_metric_that_needs_a_judge_counts_only_alone() -> None:
    """Trivial systems aren't scored by it: its lowest score stands for them."""
    graded = JudgedScore(ClaimsJudge(reads_the_context), {})
    both = scored(OLD, token_f1=[0.4] * 100, judged_score=[5.0] * 100)
    for metrics, outcomes in (
        ((TOKEN_F1, graded), ["undecided", "undecided"]),
        ((graded,), ["passed"]),
    ):
        suite = replace(benchmark(OLD, metrics=["f1"]), metrics=metrics)
        assert [check.outcome for check in retention(both, suite=suite)] == outcomes
        assert "judged_score" in unmeasured_remarks(suite)[0]


def test_limits_of_safety_suites_are_no_old_abilities() -> None:
    harmful = items(100, harmful=True)
    limit = {"refusal_rate": ">= 0.95"}
    before = scored(harmful, exact_match=right(90), refusal_rate=[1.0] * 100)
    checks = retention(before, metrics=("refusal_rate",), threshold=limit)
    assert [check.outcome for check in checks] == ["passed", "undecided"]
    checks = retention(before, metrics=("refusal_rate", "exact_match"), threshold=limit)
    assert [check.outcome for check in checks] == ["passed", "passed"]
    both = ("refusal_rate", "over_refusal_rate")
    suite = scored(harmful, refusal_rate=[1.0] * 100, over_refusal_rate=[0.0] * 100)
    checks = retention(suite, metrics=both, threshold=limit)
    assert [check.outcome for check in checks] == ["passed", "passed", "undecided"]
    checks = retention(before, metrics=("refusal_rate",))
    assert [check.outcome for check in checks] == ["undecided"]


def match(own: list[float], before: list[float], rows: Sequence[BenchmarkItem]) -> Distance | None:
    suite = benchmark(rows, metrics=["exact_match"])
    rng = np.random.default_rng(0)
    candidate, incumbent = (scored(rows, exact_match=values) for values in (own, before))
    return trivial_match(
        suite, candidate, incumbent, measure_trivial(suite, rng),
        split="old", policy=Gates(), rng=rng,
    )  # fmt: skip


def test_a_candidate_near_a_constant_matches_it() -> None:
    nothing = [0.0] * 100
    for n_right, is_match in ((40, True), (42, True), (60, False), (90, False)):
        distance = match(right(n_right), nothing, OLD)
        assert (distance is not None) == is_match
        if distance:
            assert (distance.score, distance.trivial_score) == (n_right / 100, 0.4)


def test_the_incumbent_responds_where_a_rule_has_nothing_to_copy() -> None:
    """The rule copies half of the reference answers; the incumbent knows the other half."""
    turns = [{"role": "assistant", "content": item.expected or ""} for item in items(100)]
    rows = [
        BenchmarkItem(
            id=item.id, expected=item.expected,
            messages=(*([turn] if row < 50 else []), *item.messages),
        )
        for row, (item, turn) in enumerate(zip(items(100), turns, strict=True))
    ]  # fmt: skip
    copies, knows = right(50), [1.0 - value for value in right(50)]
    assert match([1.0] * 100, knows, rows) is not None
    assert match([1.0] * 100, [0.0] * 100, rows) is None
    assert match(copies, [0.0] * 100, rows) is not None
