"""Coverage of the taxonomy and of labels by the benchmarks."""

import pytest

from monitor.store.training.candidate_results import GateCheck
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation.gates.coverage import check_coverage, check_single_labels
from tests.support.retrain.scored_benchmarks import benchmark, items

CARDS = benchmark(items(12, task_type="cards", difficulty="easy"), metrics=["f1"], name="cards")
LOANS = benchmark(items(12, task_type="loans", difficulty="hard"), metrics=["f1"], name="loans")
FEES = benchmark(items(4, task_type="fees"), metrics=["f1"], name="fees")


def test_task_types_with_few_items_are_named_and_undecided() -> None:
    (check,) = check_coverage([CARDS, FEES], ["cards", "fees", "fraud"])
    assert (check.code, check.outcome) == ("coverage", "undecided")
    assert check.observed.endswith(
        "1 of 3 task types have enough items; too few: fees (4), fraud (0)"
    )


def test_missing_difficulties_are_named_and_undecided() -> None:
    assert check_coverage([CARDS], ["cards"])[0].outcome == "passed"
    (check,) = check_coverage([CARDS, LOANS], ["cards", "loans"])
    assert check.outcome == "undecided"
    assert check.observed.endswith("'easy': loans; none of difficulty 'hard': cards")
    # Without any difficulty a task type isn't graded.
    plain = benchmark(items(12, task_type="fees"), metrics=["f1"], name="fees")
    assert check_coverage([CARDS, plain], ["cards", "fees"])[0].outcome == "passed"


def test_coverage_is_not_checked_without_a_taxonomy() -> None:
    assert check_coverage([CARDS], []) == []


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
