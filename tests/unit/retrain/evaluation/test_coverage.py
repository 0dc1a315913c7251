"""Coverage of the taxonomy by the benchmarks."""

from retrain.evaluation.gates.coverage import check_coverage
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
