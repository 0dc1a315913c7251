"""Metrics, fields and task types that a window lacks, and honest twins of each cut."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from monitor.drift import SampleDesign
from monitor.settings import Drift
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.windows.assessment import FallenCoverage
from monitor.windows.comparison.window_comparison import ComparedSide, WindowComparison
from monitor.windows.findings.fallen_coverage import find_fallen_coverage

MONDAY = datetime(2026, 11, 2, tzinfo=UTC)
TASK_TYPES = ("refund", "order", "ship")

Field = Callable[[int], Any]


def every(n: int) -> Field:
    """Return the metric of each ``n``th exchange."""
    return lambda row: {"resolved": row % 3 > 0} if row % n == 0 else {}


ALWAYS = every(1)


def window(
    n: int = 420,
    *,
    metadata: Field = ALWAYS,
    user: Field = lambda row: f"user {row % 90}",
    task_type: Field = lambda row: TASK_TYPES[row // 7 % 3],
    response: str = "hi",
    days: tuple[int, ...] = tuple(range(7)),
) -> Exchanges:
    """Make a window whose fields are given by the number of the exchange."""
    return Exchanges(
        prompts=["hello"] * n,
        responses=[response] * n,
        end_users=[user(row) for row in range(n)],
        task_types=[task_type(row) for row in range(n)],
        occurred_at=[MONDAY + timedelta(days=days[row % len(days)]) for row in range(n)],
        attributes=[metadata(row) for row in range(n)],
        prompt_vectors=np.ones((n, 1)),
        response_vectors=np.ones((n, 1)),
    )


def fallen(
    reference: Exchanges, current: Exchanges, *, design: SampleDesign | None = None, **drift: Any
) -> list[FallenCoverage]:
    """Return what the window lacks of the baseline."""
    sides = [ComparedSide(side, np.arange(len(side)), side) for side in (reference, current)]
    settings = Drift(**drift)
    comparison = WindowComparison(
        reference=sides[0],
        current=sides[1],
        drift=settings,
        levels=settings.levels("weekly"),
        seed=1,
        design=design,
    )
    return list(find_fallen_coverage(comparison))


def of_refunds(row: int) -> dict[str, Any]:
    return ALWAYS(row) if TASK_TYPES[row // 7 % 3] == "refund" else {}


def with_context(row: int) -> dict[str, Any]:
    return {"resolved": True, "context": f"Policy {row % 5}."}


@pytest.mark.parametrize(
    ("reference", "current", "kind", "name"),
    [
        (window(), window(metadata=lambda _: {}), "metric", "resolved"),
        (window(), window(metadata=lambda _: {"resolved": "yes"}), "metric", "resolved"),
        (window(), window(metadata=every(3)), "metric", "resolved"),
        (window(), window(user=lambda _: ""), "field", "user"),
        (window(), window(task_type=lambda _: ""), "field", "task_type"),
        (window(), window(task_type=lambda row: TASK_TYPES[row % 2]), "task_type", "ship"),
        (window(metadata=with_context), window(), "field", "context"),
        (window(), window(response=""), "field", "response"),
        (window(), window(metadata=lambda _: {}, days=(5,)), "metric", "resolved"),
        (window(), window(metadata=lambda _: {}, user=lambda _: "one"), "metric", "resolved"),
        (window(), window(user=lambda _: " "), "field", "user"),
        # fewer of its task type, which is more common: few less of all exchanges
        (
            window(metadata=of_refunds),
            window(
                metadata=lambda row: ALWAYS(row) if row // 28 % 5 < 2 and row // 7 % 4 < 2 else {},
                task_type=lambda row: ("refund", *TASK_TYPES)[row // 7 % 4],
            ),
            "metric",
            "resolved",
        ),
    ],
)
def test_find_fallen_coverage_cut_value_is_named(
    reference: Exchanges, current: Exchanges, kind: str, name: str
) -> None:
    assert [(item.kind, item.name) for item in fallen(reference, current)] == [(kind, name)]
    assert fallen(reference, current, optional=[name]) == []
    assert fallen(reference, reference) == []


def rare_refund(row: int) -> str:
    return "refund" if row % 25 == 0 else "order"


@pytest.mark.parametrize(
    ("reference", "current"),
    [
        # 3% of exchanges, and a window with too few to compare it at that share
        (window(2000, metadata=every(33)), window(500, metadata=lambda _: {})),
        # 100% to 70%
        (window(), window(metadata=lambda row: ALWAYS(row) if row % 10 < 7 else {})),
        # a baseline without a weekend, and a batch job that sends on two days of it
        (
            window(metadata=lambda row: ALWAYS(row) if row % 5 < 2 else {}, days=tuple(range(5))),
            window(metadata=lambda _: {}, days=(5, 6)),
        ),
        # a heavy user that has left
        (
            window(
                metadata=lambda row: ALWAYS(row) if row % 2 else {},
                user=lambda row: "heavy" if row % 2 else f"user {row}",
            ),
            window(metadata=lambda _: {}),
        ),
        # a metric of a task type that became rarer, and one whose task types are new
        (
            window(metadata=of_refunds),
            window(
                metadata=lambda row: ALWAYS(row) if rare_refund(row) == "refund" else {},
                task_type=rare_refund,
            ),
        ),
        (
            window(),
            window(
                metadata=lambda row: ALWAYS(row) if row // 7 % 3 else {},
                task_type=lambda row: TASK_TYPES[row // 7 % 3] if row // 7 % 3 else "new",
            ),
        ),
        # a task type of 5% that ends, and one that falls
        (
            window(task_type=lambda row: "fax" if row % 19 == 0 else "order"),
            window(task_type=rare_refund),
        ),
        (window(), window(task_type=rare_refund)),
        # no direction, and too few values to be compared
        (window(metadata=lambda row: {"tokens": row}), window(metadata=lambda _: {})),
        (window(metadata=every(31)), window(10_000, metadata=lambda _: {})),
    ],
)
def test_find_fallen_coverage_honest_twin_is_not_named(
    reference: Exchanges, current: Exchanges
) -> None:
    items = fallen(reference, current)
    assert not [item for item in items if item.name in {"resolved", "fax", "tokens"}]
    assert not [item for item in items if item.kind == "field"]


def test_metric_of_weekdays_is_not_missing_at_a_weekend() -> None:
    week = (0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 6)
    days = tuple(day + 7 * number for number in range(4) for day in week)
    for seed in range(5):
        sent = np.random.default_rng(seed).random(600) < 0.4
        metadata = [ALWAYS(row) if sent[row] and row % 17 < 15 else {} for row in range(600)]
        baseline = window(600, metadata=metadata.__getitem__, user=str, days=days)
        assert fallen(baseline, window(150, metadata=lambda _: {}, days=(5,))) == []


def test_metric_that_became_text_counts_the_texts() -> None:
    (item,) = fallen(window(), window(metadata=lambda _: {"resolved": "yes"}))
    assert (item.n_reference, item.n_current, item.n_texts) == (420, 0, 420)


def test_part_that_is_left_has_both_shares() -> None:
    (item,) = fallen(window(), window(metadata=every(3)))
    assert (item.n_current, item.share_reference) == (140, 1.0)
    assert item.share_current == pytest.approx(1 / 3)


def test_exchanges_thinned_to_one_rate_are_not_counted() -> None:
    design = SampleDesign(
        weights=np.ones(420),
        reference_comparable=np.arange(420) % 2 == 0,
        current_comparable=np.ones(420, dtype=bool),
    )
    (item,) = fallen(window(), window(metadata=lambda _: {}), design=design)
    assert item.n_reference == 210
