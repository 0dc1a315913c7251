"""Losses in single strata: found where they are significant or gather, told where they can't be."""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
import pytest

from monitor.settings import Gates
from monitor.store.training.candidate_results import GateCheck
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation.gates.stratum_losses import check_strata
from tests.support.retrain.scored_benchmarks import benchmark, items, scored


def in_intents(n_intents: int, n_items: int, split: str = "old") -> list[BenchmarkItem]:
    """Return items of intents of equal size, in one task type."""
    return [
        msgspec.structs.replace(item, task_type="cards", strata={"intent": f"i{row // n_items}"})
        for row, item in enumerate(items(n_intents * n_items, split))
    ]


def check(
    chosen: Sequence[BenchmarkItem],
    changes: Mapping[int, float],
    *,
    metric: str = "exact_match",
    before: float = 1.0,
    stratify_by: Sequence[str] = ("intent",),
) -> list[GateCheck]:
    """Check a candidate that scores as the incumbent, but for some rows."""
    suite = benchmark(chosen, metrics=[metric], stratify_by=stratify_by)
    incumbent = np.full(len(chosen), before)
    candidate = incumbent.copy()
    for row, value in changes.items():
        candidate[row] = value
    systems = [{"suite": scored(chosen, **{metric: column})} for column in (candidate, incumbent)]
    rng = np.random.default_rng(0)
    return check_strata([suite], *systems, Gates(), rng, reference_name="incumbent")


@pytest.mark.parametrize(
    ("metric", "before", "after"),
    [("exact_match", 1.0, 0.0), ("token_f1", 0.9, 0.1), ("over_refusal_rate", 0.0, 1.0)],
)
def test_a_lost_intent_fails_within_the_margin_of_the_total(
    metric: str, before: float, after: float
) -> None:
    rows = range(20, 28)
    (lost,) = check(in_intents(30, 10), dict.fromkeys(rows, after), metric=metric, before=before)
    assert (lost.code, lost.outcome) == ("strata", "failed")
    assert "intent=i2" in lost.observed
    (gained,) = check(in_intents(30, 10), dict.fromkeys(rows, before), metric=metric, before=after)
    assert gained.outcome == "passed"


def test_losses_that_gather_in_a_small_intent_are_undecided() -> None:
    (gathered,) = check(in_intents(60, 3), dict.fromkeys(range(6, 9), 0.0))
    assert gathered.outcome == "undecided"
    assert "intent=i2" in gathered.observed
    assert "3 of the 3 losses" in gathered.observed
    spread = dict.fromkeys((7, 40, 90), 0.0)
    (honest,) = check(in_intents(60, 3), spread)
    assert honest.outcome == "passed"
    assert "60 strata of fewer than 5 items" in honest.observed


def test_a_significant_loss_within_the_margin_passes() -> None:
    chosen = in_intents(2, 400)
    (smaller,) = check(chosen, dict.fromkeys(range(19), 0.0))
    (larger,) = check(chosen, dict.fromkeys(range(21), 0.0))
    assert (smaller.outcome, larger.outcome) == ("passed", "failed")


def test_a_stratum_of_new_items_is_checked_too() -> None:
    chosen = [*in_intents(10, 10), *in_intents(10, 10, "new")]
    (lost,) = check(chosen, dict.fromkeys(range(100, 110), 0.0))
    assert lost.outcome == "failed"
    assert "intent=i0, all items" in lost.observed


def test_equal_strata_count_once() -> None:
    """The only task type is the total, and each intent has one name and one split."""
    (once,) = check(in_intents(10, 10), {}, stratify_by=["intent", "task_type"])
    assert "10 strata" in once.required
    assert check(items(50), {}, stratify_by=[]) == []
