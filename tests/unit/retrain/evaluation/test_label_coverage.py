"""Splits whose items have one reference answer in common."""

import pytest

from monitor.store.training.candidate_results import GateCheck
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation.gates.coverage import check_single_labels
from tests.support.retrain.scored_benchmarks import benchmark, items


def checks_of(*rows: BenchmarkItem) -> list[GateCheck]:
    return check_single_labels([benchmark(rows, metrics=["exact_match"], name="desk")])


def test_split_with_one_reference_answer_is_undecided() -> None:
    old = [*items(3, expected="a"), *items(2, expected="b")]
    (check,) = checks_of(*old, *items(36, "new", expected="queue: cards"))
    assert (check.code, check.benchmark, check.outcome) == ("single_label", "desk", "undecided")
    assert "all 36 new items (new-0, new-1, ...)" in check.observed
    assert "'queue: cards'" in check.observed


def test_case_and_spaces_are_no_other_reference_answer() -> None:
    assert len(checks_of(*items(3, expected="a"), *items(3, expected=" A "))) == 1


@pytest.mark.parametrize(
    "other",
    [{"expected": "b"}, {"expected": None, "pattern": "x"}, {"expected": "a", "harmful": True}],
)
def test_other_requirements_need_no_second_reference_answer(other: dict[str, object]) -> None:
    last = items(1, **other)
    n = len(checks_of(*items(3, expected="a"), *last))
    assert n == ("harmful" in other)
    assert checks_of(*last) == []
