"""Coverage of the taxonomy by the benchmarks."""

from retrain.evaluation.gates.coverage import check_coverage
from tests.support.retrain.scored_benchmarks import benchmark, items

CARDS = benchmark(items(12, task_type="cards", difficulty="easy"), metrics=["f1"], name="cards")
LOANS = benchmark(items(9, task_type="loans", difficulty="hard"), metrics=["f1"], name="loans")


def test_a_task_type_without_items_is_named_and_undecided() -> None:
    (check,), remarks = check_coverage([CARDS], ["cards", "loans", "fees"])
    assert (check.code, check.outcome) == ("coverage", "undecided")
    assert check.observed.endswith("without: loans, fees")
    assert remarks == []


def test_few_items_and_missing_difficulties_are_remarked() -> None:
    (check,), remarks = check_coverage([CARDS, LOANS], ["cards", "loans"])
    assert check.outcome == "passed"
    assert [remark.rsplit("types ", 1)[1] for remark in remarks] == ["loans (9)", "loans", "cards"]
    assert "'easy'" in remarks[1]


def test_no_taxonomy_asks_for_no_coverage() -> None:
    assert check_coverage([CARDS], []) == ([], [])
