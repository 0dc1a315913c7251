"""Comparable exchanges of two windows with different sampling rates."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import numpy as np
import pytest

from monitor.drift import SampleDesign
from monitor.store.traffic.exchange_columns import SPACE, Exchanges
from monitor.traffic.sampling.design import baseline_outcome
from monitor.traffic.sampling.sampler import Sampler
from monitor.windows.comparison.common_rate import comparable

Group = tuple[str, float, int]  # task type, inclusion probability, exchanges


def window(groups: Sequence[Group]) -> Exchanges:
    task_types = [task for task, _, n in groups for _ in range(n)]
    n = len(task_types)
    vectors = np.zeros((n, 2))
    uniform = [(np.arange(n) + 0.5) / n for _, _, n in groups] or [np.zeros(0)]
    return Exchanges(
        prompts=[""] * n,
        responses=[""] * n,
        end_users=[""] * n,
        task_types=task_types,
        occurred_at=[datetime(2026, 11, 2, tzinfo=UTC)] * n,
        attributes=[{}] * n,
        prompt_vectors=vectors,
        response_vectors=vectors,
        inclusion_probability=np.array([p for _, p, n in groups for _ in range(n)]),
        randomness=(np.concatenate(uniform) * SPACE).astype(np.int64),
        threshold=np.zeros(n, dtype=np.int64),
    )


def select_rows(
    reference: Sequence[Group],
    current: Sequence[Group],
    rate_for: Callable[[str], float] | None = None,
) -> tuple[dict[str, float], dict[str, float]]:
    """Return the comparable share of each task type, in the baseline and in the window."""
    sides = window(reference), window(current)
    design = comparable(*sides, rate_for)
    assert isinstance(design, SampleDesign)
    marks = (design.reference_comparable, design.current_comparable)
    return tuple(
        {
            name: float(mark[np.array(side.task_types) == name].mean())
            for name in dict.fromkeys(side.task_types)
        }
        for side, mark in zip(sides, marks, strict=True)
    )


def test_one_rate_needs_no_design() -> None:
    assert comparable(window([("a", 1, 9)]), window([("a", 0.05, 9), ("b", 0.05, 9)])) is None
    assert comparable(window([("a", 1, 9)]), window([])) is None


def test_the_side_with_the_higher_rate_is_thinned() -> None:
    baseline = [("chat", 1.0, 1000), ("legal", 1.0, 1000), ("code", 1.0, 1000)]
    sampled = [("chat", 0.05, 500), ("legal", 0.01, 100), ("code", 0.5, 500)]

    assert (
        {"chat": 1.0, "legal": pytest.approx(0.2), "code": 1.0},
        {"chat": 1.0, "legal": 1.0, "code": pytest.approx(0.1)},
    ) == select_rows(baseline, sampled)


def test_a_task_with_two_rates_is_thinned_to_the_lower() -> None:
    """The rate changed within the window; the baseline remains if its rate is uniform."""
    sampled = [("a", 0.05, 200), ("a", 0.1, 400), ("b", 0.05, 200), ("b", 0.1, 400)]
    baseline = [("a", 1.0, 100), ("b", 1.0, 100)]

    assert ({"a": 1.0, "b": 1.0}, pytest.approx({"a": 2 / 3, "b": 2 / 3})) == select_rows(
        baseline, sampled
    )


def test_the_common_rate_leaves_most_to_compare() -> None:
    """A large task type sampled at 0.5% doesn't thin the others to that rate."""
    sampled = [("bulk", 0.005, 300), ("a", 0.05, 1000)]

    assert ({"bulk": pytest.approx(0.1), "a": 1.0}, {"bulk": 1.0, "a": 1.0}) == select_rows(
        [("bulk", 1.0, 6000), ("a", 1.0, 2000)], sampled
    )
    # A small baseline is rather left whole.
    assert ({"bulk": 1.0, "a": 1.0}, {"bulk": 1.0, "a": pytest.approx(0.1)}) == select_rows(
        [("bulk", 1.0, 150), ("a", 1.0, 50)], sampled
    )


def test_a_stray_exchange_does_not_thin_everything() -> None:
    sampled = [("a", 0.05, 2000), ("a", 0.01, 3)]

    assert select_rows([("a", 1.0, 100)], sampled) == ({"a": 1.0}, {"a": 1.0})


def test_a_task_absent_from_the_window_uses_its_configured_rate() -> None:
    baseline = [("a", 1.0, 1000), ("gone", 1.0, 1000), ("rare", 1.0, 1000)]
    sampled = [("a", 0.05, 500), ("b", 0.5, 500)]
    rates = {"gone": 0.001, "rare": 0.9}

    assert (
        pytest.approx({"a": 1.0, "gone": 0.02, "rare": 1.0})
        == (select_rows(baseline, sampled, lambda task: rates[task])[0])
    )
    assert select_rows(baseline, sampled)[0] == {"a": 1.0, "gone": 1.0, "rare": 1.0}


def test_a_baseline_from_traffic_is_thinned_by_independent_randomness() -> None:
    """Ids sampled at 5% all have a large randomness, which would thin none."""
    ids = [f"request-{n}" for n in range(40_000) if Sampler(0.05).keeps(b"request-%d" % n)]
    uniform = np.array([baseline_outcome(entry).randomness for entry in ids]) / SPACE

    assert abs((uniform >= 0.5).mean() - 0.5) < 0.05
