"""Responses to equal prompts, compared in pairs."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from monitor.drift import (
    DriftResult,
    ResponseDescriptor,
    compare_given,
    compare_paired,
    match_pairs,
)
from tests.statistics.trials import trials

WIDTH = 16


def unit(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return points / np.linalg.norm(points, axis=-1, keepdims=True)


def draw(seed: int, n: int, *, off: float = 0.0, per_user: int = 1):
    """Draw prompts and responses of both sides; ``off`` current ones are to other prompts.

    The responses of a user share a part that each side draws anew.
    """
    rng = np.random.default_rng(seed)
    prompts = unit(rng.standard_normal((n, WIDTH)))
    user = np.arange(n) // per_user
    sides = []
    for _ in range(2):
        of_user = rng.standard_normal((n, WIDTH))[user] * (per_user > 1)
        sides.append(unit(prompts + 0.08 * (rng.standard_normal((n, WIDTH)) + 2.0 * of_user)))
    n_off = round(off * n)
    sides[1][:n_off] = sides[1][rng.permutation(n)[:n_off]]
    return prompts, sides, user


def run(seed: int, n: int = 100, *, off: float = 0.0, per_user: int = 1) -> DriftResult:
    prompts, (before, after), user = draw(seed, n, off=off, per_user=per_user)
    groups = user if per_user > 1 else None
    pairs = match_pairs(np.arange(n), np.arange(n), groups, groups)
    return compare_paired(
        *(prompts, before, prompts, after, pairs),
        rng=seed,
        n_permutations=199,
        alpha=0.05,
        minimum_drifted_share=0.0,
    )


@pytest.mark.slow
@pytest.mark.parametrize("per_user", [1, 4])
@trials(60, 400)
def test_equal_responses_keep_the_level(per_user: int, n_trials: int) -> None:
    alarms = sum(run(seed, per_user=per_user).p_value <= 0.05 for seed in range(n_trials))
    assert stats.binom.sf(alarms - 1, n_trials, 0.05) > 0.001


@pytest.mark.slow
@trials(12, 60)
def test_pairs_detect_more_than_prompts_alone(n_trials: int) -> None:
    n_paired = n_unpaired = 0
    for seed in range(n_trials):
        n_paired += run(seed, off=0.12).p_value <= 0.05
        prompts, (before, after), _ = draw(seed, 100, off=0.12)
        options = {"rng": seed, "n_permutations": 199, "alpha": 0.05}
        n_unpaired += compare_given(prompts, before, prompts, after, **options).p_value <= 0.05
    assert n_paired >= 0.75 * n_trials
    assert n_unpaired < n_paired


def test_share_and_novelty_are_those_of_changed_responses() -> None:
    result = run(1, 200, off=0.15)
    lower, upper = result.drifted_share_interval
    assert 0.02 < lower < 0.15 < upper < 0.3
    assert set(np.argsort(-result.novelty)[:20]) <= set(range(30))
    assert (result.n_pairs, result.comparable_share, result.verdict) == (200, 1.0, "drift")


def compare_lengths(before: list[float], after: list[float], **options) -> DriftResult:
    n = len(before)
    prompts, (first, _), _ = draw(0, n)
    pairs = match_pairs(np.arange(n), np.arange(n))
    return compare_paired(
        *(prompts, first, prompts, first, pairs),
        descriptors=[ResponseDescriptor(name="length", reference=before, current=after, **options)],
        rng=0,
        n_permutations=4_999,
    )


def test_two_valued_descriptor_has_mcnemars_p_value() -> None:
    before, after = np.zeros(100), np.zeros(100)
    before[:3], after[3:15], before[15:40], after[15:40] = 1, 1, 1, 1
    (change,) = compare_lengths(before, after).descriptors
    exact = stats.binomtest(3, 15, 0.5).pvalue
    assert change.p_value == pytest.approx(exact, abs=0.01)
    assert change.change == pytest.approx(0.09)
    assert 0.0 < change.lower < 0.09 < change.upper


def test_relative_change_is_that_of_the_pairs() -> None:
    rng = np.random.default_rng(0)
    before = rng.uniform(50, 500, 200)
    after = 0.9 * before + rng.normal(0, 5, 200)
    after[:20] = math.nan
    (change,) = compare_lengths(before, after, is_relative=True).descriptors
    expected = after[20:].mean() / before[20:].mean() - 1
    assert change.change == pytest.approx(expected, abs=0.005)
    assert change.upper - change.lower < 0.04
    assert change.p_value < 0.001
    (same,) = compare_lengths(before, before, is_relative=True).descriptors
    assert (same.change, same.p_value) == (0.0, 1.0)


def test_interval_of_a_change_covers_it() -> None:
    hits = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        before = rng.uniform(50, 500, 60)
        noise = rng.normal(0, 30, 60)
        (change,) = compare_lengths(before, before + 20 + noise).descriptors
        hits += change.lower <= 20 <= change.upper
    assert hits >= stats.binom.ppf(0.001, 40, 0.95)


def test_other_order_changes_nothing_and_swapped_sides_the_sign() -> None:
    prompts, (before, after), _ = draw(3, 120, off=0.1)
    lengths = np.random.default_rng(0).normal(size=(2, 120))
    order = np.random.default_rng(1).permutation(120)
    numbers = np.arange(120)

    def compared(first, second, values, rows):
        return compare_paired(
            *(prompts, first, prompts[rows], second[rows], match_pairs(numbers, numbers[rows])),
            descriptors=[
                ResponseDescriptor(name="x", reference=values[0], current=values[1][rows])
            ],
            rng=0,
            n_permutations=199,
            alpha=0.05,
        )

    results = [compared(before, after, lengths, rows) for rows in (numbers, order)]
    assert results[0].p_value == results[1].p_value
    np.testing.assert_allclose(results[0].novelty[order], results[1].novelty)
    swapped = compared(after, before, lengths[::-1], numbers)
    assert swapped.descriptors[0].change == pytest.approx(-results[0].descriptors[0].change)
    assert swapped.descriptors[0].p_value == results[0].descriptors[0].p_value


def test_samples_without_a_partner_are_left_out_of_the_test() -> None:
    prompts, (before, after), _ = draw(0, 120)
    numbers = np.arange(120)
    numbers[100:] += 1_000
    after[100:] = -after[100:]
    result = compare_paired(
        *(prompts, before, prompts, after, match_pairs(np.arange(120), numbers)),
        rng=0,
        n_permutations=199,
        alpha=0.05,
    )
    assert (result.n_pairs, result.n_current) == (100, 120)
    assert result.comparable_share == pytest.approx(100 / 120)
    assert result.p_value > 0.05
    assert len(result.novelty) == 120
    few = match_pairs(np.arange(120), np.arange(120) + 90)
    assert compare_paired(prompts, before, prompts, after, few).verdict == "not_enough_data"


def test_pairs_match_one_to_one_and_users_join_prompts() -> None:
    pairs = match_pairs([7, 7, 8, 9], [8, 7, 7, 7, 5], ["a", "a", "", "a"], ["", "", "", "", "a"])
    assert list(zip(pairs.reference.tolist(), pairs.current.tolist(), strict=True)) == [
        (0, 1),
        (1, 2),
        (2, 0),
    ]
    assert pairs.n_prompts == 2
    reference, current = pairs.reference_unit.tolist(), pairs.current_unit.tolist()
    assert reference[0] == reference[1] == reference[3] == current[1] == current[4]
    assert reference[2] == current[0] != reference[0]
    assert pairs.n_effective_units == pytest.approx(9 / 5)
