"""Whether a candidate may replace the incumbent."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from monitor.errors import InputError
from retrain.benchmark_item import BenchmarkItem
from retrain.evaluate import ItemScore
from retrain.gates import GatePolicy, Verdict, judge

#: Items that (both, only the candidate, only the incumbent, neither) got right.
Table = tuple[int, int, int, int]


def scores(table: Table, split: str) -> tuple[list[ItemScore], list[ItemScore]]:
    candidate, incumbent = [], []
    right = [(1, 1)] * table[0] + [(1, 0)] * table[1] + [(0, 1)] * table[2] + [(0, 0)] * table[3]
    for index, (by_candidate, by_incumbent) in enumerate(right):
        item = BenchmarkItem(
            id=f"{split}-{index}",
            messages=({"role": "user", "content": "q"},),
            expected="a",
            split=split,  # type: ignore[arg-type]  # a parameter of the tests
        )
        candidate.append(ItemScore(item, "", {"exact_match": float(by_candidate)}))
        incumbent.append(ItemScore(item, "", {"exact_match": float(by_incumbent)}))
    return candidate, incumbent


def verdict(new: Table | None = None, old: Table | None = None, **policy: float) -> Verdict:
    candidate: list[ItemScore] = []
    incumbent: list[ItemScore] = []
    for table, split in ((new, "new"), (old, "old")):
        if table:
            a, b = scores(table, split)
            candidate += a
            incumbent += b
    # Paired by id, not by position.
    return judge(candidate, incumbent[::-1], policy=GatePolicy(**policy))  # type: ignore[arg-type]


def outcomes(one: Verdict) -> list[str]:
    return [check.outcome for check in one.checks]


BETTER, WORSE, SAME = (10, 30, 2, 8), (10, 2, 30, 8), (40, 2, 2, 6)


@pytest.mark.parametrize(
    ("new", "old", "decision", "seen"),
    [
        (BETTER, SAME, "promote", ["passed", "passed"]),
        (SAME, SAME, "undecided", ["undecided", "passed"]),
        (WORSE, SAME, "reject", ["failed", "passed"]),
        (BETTER, WORSE, "reject", ["passed", "failed"]),
        (BETTER, None, "undecided", ["passed", "undecided"]),
        (None, BETTER, "promote", ["passed", "passed"]),
        (None, SAME, "undecided", ["undecided", "passed"]),
    ],
    ids=["better", "no-better", "worse", "forgets", "no-old", "only-old-better", "only-old-same"],
)
def test_the_verdict(new: Table, old: Table | None, decision: str, seen: list[str]) -> None:
    found = verdict(new, old)
    assert found.decision == decision
    assert outcomes(found) == seen


@pytest.mark.parametrize(("lost", "outcome"), [(5, "passed"), (6, "failed")])
def test_the_margin_on_old_tasks_is_exact(lost: int, outcome: str) -> None:
    """A fall of 5 of 100 is within 5 points; in floats 0.05 * n isn't."""
    assert outcomes(verdict(BETTER, (60, 0, lost, 40 - lost)))[1] == outcome


def test_gains_on_old_tasks_outweigh_losses() -> None:
    assert outcomes(verdict(BETTER, (50, 20, 22, 8)))[1] == "passed"


@given(st.tuples(*[st.integers(0, 40)] * 4).filter(lambda t: sum(t) > 0))
def test_better_means_an_exact_one_sided_mcnemar_test(table: Table) -> None:
    _, up, down, _ = table
    n = up + down
    better = stats.binomtest(up, n, alternative="greater").pvalue <= 0.05 if n else False
    worse = stats.binomtest(down, n, alternative="greater").pvalue <= 0.05 if n else False
    expected = "passed" if better else "failed" if worse else "undecided"
    assert outcomes(verdict(table))[0] == expected


def test_the_figures_are_told() -> None:
    check = verdict(BETTER, SAME).checks[0]
    assert check.name == "better on new tasks"
    assert check.seen.startswith("24.0% -> 80.0% on 50 items (+56.0 points, 95% interval +")
    assert check.required == "exact McNemar p <= 0.05"


def test_scores_of_other_items_are_refused() -> None:
    candidate, incumbent = scores(SAME, "old")
    other = [replace(s, item=BenchmarkItem(id=f"x{i}", messages=(), expected=""))
             for i, s in enumerate(incumbent)]  # fmt: skip
    for wrong in (other, incumbent[:-1], [*incumbent, incumbent[0]]):
        with pytest.raises(InputError, match="not scored on the same items"):
            judge(candidate, wrong)
