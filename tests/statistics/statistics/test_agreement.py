"""Agreement, equal to the reference libraries to 1e-9 on ratings with gaps."""

import warnings
from typing import Any

import krippendorff
import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.statistics.agreement import (
    Agreement,
    count_ratings,
    gwet_ac1,
    krippendorff_alpha,
    measure_agreement,
)

#: Beyond which a figure isn't the reference's.
TOLERANCE = 1e-9


def ratings_with_gaps(seed: int) -> NDArray[np.float64]:
    """Return partly agreeing ratings ``[n, raters]``, a third of them missing."""
    rng = np.random.default_rng(seed)
    n, raters, q = rng.integers(8, 60), rng.integers(2, 5), rng.integers(2, 6)
    truth = rng.integers(1, q + 1, n)
    agreeing = rng.random((n, raters)) < rng.uniform(0.2, 0.95)
    rated = np.where(agreeing, truth[:, None], rng.integers(1, q + 1, (n, raters))).astype(float)
    rated[rng.random((n, raters)) < 0.33] = np.nan
    rated[0, :2] = (1, 2)  # at least two values, in at least one pair
    return rated


def irrcac_estimate(rated: NDArray[np.float64], values: list[int]) -> dict[str, Any]:
    """Return the estimate of irrCAC; values are named, or it takes a gap for one of them."""
    import pandas as pd
    from irrCAC.raw import CAC

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        estimate: dict[str, Any] = CAC(pd.DataFrame(rated), categories=values, digits=15).gwet()[
            "est"
        ]
    return estimate


def by_item(rated: NDArray[np.float64]) -> list[list[int]]:
    return [[int(value) for value in row[~np.isnan(row)]] for row in rated]


@pytest.mark.parametrize("metric", ["nominal", "ordinal"])
def test_alpha_equals_the_reference_library(metric) -> None:
    for seed in range(150):
        rated = ratings_with_gaps(seed)
        ours = krippendorff_alpha(count_ratings(by_item(rated)), metric)
        reference = krippendorff.alpha(reliability_data=rated.T, level_of_measurement=metric)
        assert pytest.approx(reference, abs=TOLERANCE) == ours, seed


@pytest.mark.slow
def test_ac1_and_its_interval_equal_the_reference_library() -> None:
    for seed in range(150):
        rated = ratings_with_gaps(seed)
        items = by_item(rated)
        result = irrcac_estimate(rated, sorted({value for item in items for value in item}))
        reference = (result["coefficient_value"], *result["confidence_interval"])
        assert pytest.approx(reference, abs=TOLERANCE) == gwet_ac1(count_ratings(items)), seed


def test_raw_agreement_equals_the_reference_library() -> None:
    for seed in range(30):
        rated = ratings_with_gaps(seed)
        items = by_item(rated)
        result = irrcac_estimate(rated, sorted({value for item in items for value in item}))
        ours = measure_agreement(items, rng=np.random.default_rng(0), n_resamples=10)
        assert pytest.approx(result["pa"], abs=TOLERANCE) == ours.raw


def test_undefined_rather_than_perfect_or_an_error() -> None:
    rng = np.random.default_rng(1)
    constant = measure_agreement([["accept", "accept"]] * 9, rng=rng)
    assert Agreement(9, 1.0, None, None, None, None, None, None) == constant
    assert None is measure_agreement([["accept"]], rng=rng).raw
    assert None is measure_agreement([], rng=rng).alpha
    assert None is measure_agreement([[5, 5]] * 9, rng=rng, metric="ordinal").alpha


def test_a_rare_verdict_shows_the_paradox_and_ac1_does_not() -> None:
    votes = [["a", "a"]] * 94 + [["a", "b"]] * 3 + [["b", "a"]] * 3
    result = measure_agreement(votes, rng=np.random.default_rng(0))
    assert pytest.approx(0.94) == result.raw
    assert result.alpha is not None
    assert result.ac1 is not None
    assert result.alpha < 0 < 0.9 < result.ac1


@pytest.mark.slow
def test_the_bootstrap_interval_covers() -> None:
    """Two raters are right in 85 of 100 items; of samples of 200 items, 95% cover."""
    rng = np.random.default_rng(2)

    def sample(n: int) -> NDArray[np.int64]:
        truth = rng.integers(0, 2, n)
        return np.where(rng.random((2, n)) < 0.85, truth, 1 - truth).T

    true_alpha = krippendorff_alpha(count_ratings(sample(40_000).tolist()))
    covered = []
    for _ in range(300):
        result = measure_agreement(sample(200).tolist(), rng=rng, n_resamples=400)
        assert result.alpha_lower is not None
        assert result.alpha_upper is not None
        covered.append(result.alpha_lower <= true_alpha <= result.alpha_upper)
    assert 0.91 <= np.mean(covered) <= 0.98


def test_the_order_of_scores_counts() -> None:
    near = [[1, 2], [3, 4], [5, 4], [2, 1], [3, 3], [1, 1], [5, 5]]
    far = [[1, 5], [3, 4], [5, 1], [2, 1], [3, 3], [1, 1], [5, 5]]
    rng = np.random.default_rng(0)
    ordinal = [measure_agreement(votes, rng=rng, metric="ordinal").alpha for votes in (near, far)]
    nominal = [measure_agreement(votes, rng=rng).alpha for votes in (near, far)]
    assert ordinal[0] > ordinal[1]
    assert ordinal[0] > nominal[0]
