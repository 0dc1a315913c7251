"""Levels of candidates that are compared on the same items."""

import pytest

from monitor.store.training.candidate_results import CandidateResults, GateCheck, ItemPlace
from retrain.evaluation.gates.error_budget import apply_budget, compared_items, is_better, level_of
from tests.support.retrain.candidates import make_results

NEW = {f"q{number}": f"digest {number}" for number in range(40)}


def results(
    p_better: float = 0.02, outcome: str = "passed", *, split: str = "new"
) -> CandidateResults:
    return make_results(
        p_better=p_better,
        checks=(GateCheck("better", outcome, "0.5 -> 0.6", "p <= 0.025", code="better"),),
        places=(
            ItemPlace("support", split, {}, NEW),
            ItemPlace("support", "old", {}, {"o": "old digest"}),
        ),
    )


@pytest.mark.parametrize("n", [1, 10, 1_000])
def test_levels_of_any_number_sum_to_less_than_alpha(n: int) -> None:
    total = sum(level_of(0.05, number) for number in range(1, n + 1))
    assert total == pytest.approx(0.05 * n / (n + 1))


@pytest.mark.parametrize(
    ("p_better", "n_earlier", "gate_result"),
    [(0.02, 0, "promote"), (0.02, 1, "undecided"), (0.004, 2, "promote"), (0.004, 3, "undecided")],
)
def test_each_earlier_candidate_lowers_the_level(
    p_better: float, n_earlier: int, gate_result: str
) -> None:
    tried = {number: {"digest 3", "another"} for number in range(1, n_earlier + 1)}
    applied = apply_budget(results(p_better), tried)
    assert (applied.gate_result, is_better(applied)) == (gate_result, gate_result == "promote")
    if n_earlier:
        (check,) = applied.checks
        assert f"{n_earlier} earlier candidate" in check.observed
        assert "on 1 of these 40 items (evaluations 1" in check.observed
        assert f"p <= {level_of(0.05, n_earlier + 1):.2g}" in check.required
        assert ("replace these items" in check.observed) == (gate_result == "undecided")


def test_candidates_on_other_items_are_not_counted() -> None:
    assert apply_budget(results(), {1: {"another"}, 2: {"old digest"}}) == results()


def test_all_items_are_compared_where_none_is_new() -> None:
    assert compared_items(results()) == frozenset(NEW.values())
    assert compared_items(results(split="old")) == frozenset((*NEW.values(), "old digest"))


@pytest.mark.parametrize("outcome", ["failed", "undecided"])
def test_the_budget_lifts_no_verdict(outcome: str) -> None:
    (check,) = apply_budget(results(0.5, outcome), {1: {"digest 3"}}).checks
    assert check.outcome == outcome
    assert "1 earlier candidate" in check.observed
