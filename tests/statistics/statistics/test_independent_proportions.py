"""Intervals of independent proportions against published figures and by their coverage."""

import numpy as np
import pytest

from monitor.statistics.intervals import newcombe_interval, wilson_interval


@pytest.mark.parametrize(
    ("counts", "expected"),
    [  # Newcombe (1998), table II, method 10
        ((56, 70, 48, 80), (0.0524, 0.3339)),
        ((9, 10, 3, 10), (0.1705, 0.8090)),
        ((6, 7, 2, 7), (0.0582, 0.8062)),
        ((5, 56, 0, 29), (-0.0381, 0.1926)),
        ((0, 10, 0, 20), (-0.1611, 0.2775)),
        ((0, 10, 0, 10), (-0.2775, 0.2775)),
        ((10, 10, 0, 20), (0.6791, 1.0)),
        ((10, 10, 0, 10), (0.6075, 1.0)),
    ],
)
def test_newcombe_interval_equals_published_examples(
    counts: tuple[int, int, int, int], expected: tuple[float, float]
) -> None:
    assert pytest.approx(expected, abs=5e-5) == newcombe_interval(*counts)


def test_wilson_interval_covers_on_average() -> None:
    rng = np.random.default_rng(5)
    covered = []
    for p in rng.uniform(0.02, 0.5, 2000):
        lower, upper = wilson_interval(int(rng.binomial(240, p)), 240)
        covered.append(lower <= p <= upper)
    assert 0.93 <= np.mean(covered) <= 0.97
