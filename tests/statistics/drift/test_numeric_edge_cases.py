"""Edge cases of numbers and categories: a correct result or a helpful error."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from monitor.drift import NumericComparison, compare_mix, compare_numeric

RNG = np.random.default_rng(0)


def compared(*args: object, **options: object) -> NumericComparison:
    result = compare_numeric(*args, **options)
    assert result is not None
    return result


@pytest.mark.slow
@given(st.integers(-1000, 900), st.booleans())
def test_the_unit_of_measurement_changes_no_figure(exponent: int, booleans: bool) -> None:
    """Probabilities of responses can be 1e-200, whose square is 0."""
    rng = np.random.default_rng(1)
    x, y = rng.lognormal(0, 1, 40), rng.lognormal(0.5, 1, 30)
    if booleans:
        x, y = ((side > 1.0).astype(float) for side in (x, y))
    plain, scaled = compared(x, y), compared(np.ldexp(x, exponent), np.ldexp(y, exponent))
    assert scaled.reference_mean == np.ldexp(plain.reference_mean, exponent)
    for figure in ("effect_size", "effect_lower", "p_value", "mean_p_value", "relative_change"):
        assert getattr(scaled, figure) == getattr(plain, figure)


def test_negligible_baseline_has_no_relative_change() -> None:
    result = compared(np.full(30, 1e-200), np.linspace(1, 2, 30))
    assert (result.relative_change, result.effect_size) == (None, 1.0)


@pytest.mark.parametrize(
    "current",
    [[2.0, 2.0], [1.0, 3.0], [0.3, 3.7]],
    ids=["inside", "same", "around"],
)
def test_equal_users_on_both_sides_are_no_change(
    current: list[float],
) -> None:
    """End users don't vary, so only rounding remains."""
    users = [f"u{i // 2}" for i in range(60)]
    result = compared([1.0, 3.0] * 30, current * 30, reference_groups=users, current_groups=users)
    assert (result.effect_size, result.p_value, result.mean_p_value) == (0.0, 1.0, 1.0)
    assert result.effect_lower == pytest.approx(-result.effect_upper)
    assert 0.05 < result.effect_upper < 0.3


def test_separated_users_are_as_significant_as_their_number() -> None:
    users = [f"u{i // 3}" for i in range(90)]
    result = compared(
        [0.1, 0.2, 0.3] * 30, [0.15, 0.2, 0.3] * 30, reference_groups=users, current_groups=users
    )
    assert result.effect_size == pytest.approx(1 / 9)
    assert result.effect_lower < 0 < result.effect_upper
    # As if 30 users and 30 had nothing in common.
    assert result.p_value == pytest.approx(1 / 1.18e17, rel=0.01)


def test_zero_counts_on_both_sides_have_an_interval() -> None:
    """With a true share of 1% on a side, 60 of 100 windows of 50 have none."""
    result = compared([0] * 50, [0] * 40)
    assert (result.effect_size, result.p_value) == (0.0, 1.0)
    wilson = stats.binomtest(0, 40).proportion_ci(method="wilson").high
    # Which value is missing isn't known, so the limits are those of the commonest of all.
    assert result.effect_lower == pytest.approx(-wilson, rel=0.1)
    assert result.effect_upper > 0.06


def test_no_p_value_is_zero() -> None:
    apart = compared(np.zeros(4000), np.ones(4000))
    far = compared(np.r_[0.0:1:4000j], np.r_[0.99:2:4000j])
    assert 0 < apart.p_value < 1e-300
    assert 0 < far.p_value < 1e-300
    assert 0 < far.mean_p_value < 1e-300


@pytest.mark.parametrize(
    "values",
    [["a", "b"], ["1", "2"], [1j, 2], [[1], [1, 2]], np.array(["2026-11-02"], "datetime64[D]")],
    ids=["words", "numbers in words", "complex", "ragged", "dates"],
)
def test_invalid_number_is_refused(values: list[object]) -> None:
    with pytest.raises(ValueError, match="current must hold real numbers or booleans, and NaN"):
        compare_numeric([1.0, 2.0, 3.0], values)


def test_none_nan_and_infinity_are_missing() -> None:
    whole = compared([1.0, 2.0, 3.0], [True, False])
    holes = compared([None, 1.0, np.nan, 2.0, np.inf, 3.0], [None, True, False, None])
    assert holes == whole
    assert compare_numeric([None, None], [1.0, 2.0]) is None


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        (np.zeros(40), "positive and finite"),
        (-np.ones(40), "positive and finite"),
        (np.full(40, np.nan), "positive and finite"),
        (np.ones(39), r"wrong shape: \[39\]; give 40"),
        (np.ones((40, 1)), r"wrong shape: \[40, 1\]; give 40"),
    ],
)
def test_weights_that_cannot_be_are_refused(weights: NDArray[np.float64], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        compare_numeric(RNG.random(50), RNG.random(40), current_weights=weights)


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e300])
def test_weights_are_on_any_scale(scale: float) -> None:
    x, y, weights = np.arange(50.0), np.arange(40.0), np.tile([1.0, 3.0], 20)
    plain, scaled = (compared(x, y, current_weights=w) for w in (weights, scale * weights))
    assert scaled.current_mean == pytest.approx(plain.current_mean)
    assert scaled.p_value == pytest.approx(plain.p_value)
    assert compared(x, y, current_weights=weights.tolist()) == plain


@pytest.mark.parametrize("bad", [None, 3, float("nan")])
def test_a_sample_without_a_category_is_refused(bad: object) -> None:
    with pytest.raises(ValueError, match=r"current: row 1 is not the name of a category: "):
        compare_mix(["a", "b"], ["a", bad], rng=np.random.default_rng(0))


@pytest.mark.parametrize("n_permutations", [0, -1])
def test_a_mix_needs_permutations(n_permutations: int) -> None:
    with pytest.raises(ValueError, match="n_permutations must be 1 or more"):
        compare_mix(
            ["a", "b"] * 30,
            ["a", "b"] * 30,
            rng=np.random.default_rng(0),
            n_permutations=n_permutations,
        )


def test_nonnegative_column_falls_by_at_most_100_percent() -> None:
    """One long text makes the mean uncertain by more than itself."""
    rng = np.random.default_rng(0)
    before = rng.uniform(5.0, 15.0, size=400)
    after = np.append(rng.uniform(5.0, 15.0, size=399), 40_000.0)
    result = compared(before, after)
    assert result.relative_change_lower == -1.0
    assert compared(-before, -after).relative_change_upper == 1.0
