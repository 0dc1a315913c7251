"""Output drift given the input, on synthetic prompts and responses."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from monitor.drift import DriftResult, compare_given
from tests.statistics.trials import trials


def unit(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return points / np.linalg.norm(points, axis=-1, keepdims=True)


@cache
def run(seed: int, *, prompts_move: bool, off_topic: float, n: int = 300) -> DriftResult:
    rng = np.random.default_rng(seed)
    prompt_centres, response_centres = (unit(rng.standard_normal((10, 16))) for _ in range(2))
    even = np.full(10, 0.1)
    moved = np.r_[np.full(3, 0.24), np.full(7, 0.04)] if prompts_move else even

    def draw(shares: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        topic = rng.choice(10, size=n, p=shares)
        noise = 0.15 * rng.standard_normal((2, n, 16))
        return unit(prompt_centres[topic] + noise[0]), unit(response_centres[topic] + noise[1])

    reference, current = draw(even), draw(moved)
    n_off = round(off_topic * n)
    current[1][:n_off] = unit(rng.standard_normal((n_off, 16)))
    return compare_given(
        *reference, *current, rng=rng, n_permutations=99, alpha=0.05, minimum_drifted_share=0.0
    )


@pytest.mark.slow
@pytest.mark.parametrize("prompts_move", [False, True])
@trials(4, 50)
def test_shift_of_prompts_alone_is_no_output_drift(prompts_move: bool, n_trials: int) -> None:
    results = [run(seed, prompts_move=prompts_move, off_topic=0.0) for seed in range(n_trials)]
    rejections = sum(result.p_value <= 0.05 for result in results)
    assert stats.binom.sf(rejections - 1, n_trials, 0.05) > 0.001


@pytest.mark.slow
@pytest.mark.parametrize("prompts_move", [False, True])
@trials(4, 16)
def test_off_topic_responses_are_found_and_ranked_first(prompts_move: bool, n_trials: int) -> None:
    results = [run(seed, prompts_move=prompts_move, off_topic=0.15) for seed in range(n_trials)]
    assert sum(result.verdict == "drift" for result in results) >= 7 / 8 * n_trials
    assert np.mean([(np.argsort(-r.novelty)[:30] < 45).mean() for r in results]) > 0.9
    assert max(result.drifted_share_interval[0] for result in results) <= 0.15


@pytest.mark.slow
@trials(4, 20)
def test_new_topics_near_known_ones_are_no_output_drift(n_trials: int) -> None:
    """New prompts are in the cells of known topics, with other responses."""
    n_known, n_new, alarms = 40, 10, 0
    for seed in range(n_trials):
        rng = np.random.default_rng(seed)
        centres, responses = (unit(rng.standard_normal((n_known, 32))) for _ in range(2))
        near_known = unit(centres[:n_new] + unit(rng.standard_normal((n_new, 32))))
        prompts = np.concatenate([centres, near_known])
        # A new topic has the responses of another topic.
        response_of = np.r_[np.arange(n_known), np.arange(20, 20 + n_new)]
        old = rng.integers(0, n_known, 600)
        new = rng.integers(n_known, n_known + n_new, 600)
        topic = np.where((np.arange(600) >= 300) & (rng.random(600) < 0.3), new, old)
        noise = 0.04 * rng.standard_normal((2, 600, 32))
        x = unit(prompts[topic] + noise[0])
        y = unit(responses[response_of[topic]] + noise[1])
        result = compare_given(
            x[:300],
            y[:300],
            x[300:],
            y[300:],
            rng=rng,
            n_permutations=99,
            alpha=0.05,
            minimum_drifted_share=0.0,
        )
        alarms += result.p_value <= 0.05
    assert stats.binom.sf(alarms - 1, n_trials, 0.05) > 0.001


def test_prompts_that_never_meet_are_not_enough_data() -> None:
    rng = np.random.default_rng(0)
    test, other = (
        unit(c + 0.05 * rng.standard_normal((200, 8))) for c in (np.eye(8)[0], np.eye(8)[1])
    )
    result = compare_given(
        test, test, other, other, rng=rng, n_permutations=99, alpha=0.05, minimum_drifted_share=0.0
    )
    assert result.verdict == "not_enough_data"


def test_constant_responses_are_no_drift() -> None:
    rng = np.random.default_rng(0)
    prompts = unit(rng.standard_normal((200, 8)))
    labels = np.eye(8)[np.zeros(200, dtype=int)]
    result = compare_given(
        prompts,
        labels,
        prompts,
        labels,
        rng=rng,
        n_permutations=99,
        alpha=0.05,
        minimum_drifted_share=0.0,
    )
    assert result.verdict == "no_drift"


def test_unpaired_responses_are_refused() -> None:
    window = np.eye(8)
    with pytest.raises(ValueError, match="8 and 7"):
        compare_given(
            window,
            window[:7],
            window,
            window,
            rng=np.random.default_rng(0),
            alpha=0.05,
            minimum_drifted_share=0.0,
        )


@pytest.mark.slow
@trials(4, 20)
def test_common_shift_is_drift_with_a_positive_share(n_trials: int) -> None:
    """All responses shift slightly: no response is an outlier, and the prompts are equal."""
    detected, bounds = 0, []
    for seed in range(n_trials):
        rng = np.random.default_rng(seed)
        follow = rng.standard_normal((16, 16)) / 4
        manner = unit(rng.standard_normal((1, 16)))
        prompts = unit(rng.standard_normal((2, 300, 16)))
        noise = 0.5 * unit(rng.standard_normal((2, 300, 16)))
        shift = np.array([0.0, 0.25])[:, None, None] * manner
        responses = unit(unit(prompts @ follow) + noise + shift)
        result = compare_given(
            prompts[0],
            responses[0],
            prompts[1],
            responses[1],
            rng=rng,
            n_permutations=199,
            alpha=0.05,
            minimum_drifted_share=0.0,
        )
        detected += result.p_value <= 0.05
        bounds.append(result.shift_interval[0] - 0.5)
        shift_test = next(test for test in result.tests if test.name == "shift")
        assert shift_test.effect_lower <= shift_test.effect_size <= shift_test.effect_upper
    assert detected >= 0.9 * n_trials
    assert np.median(bounds) > 0.02


@trials(4, 60)
def test_drifted_share_bound_is_zero_without_drift(n_trials: int) -> None:
    exceeded = sum(
        run(seed, prompts_move=bool(seed % 2), off_topic=0.0).drifted_share_interval[0] > 0.0
        for seed in range(n_trials)
    )
    assert stats.binom.sf(exceeded - 1, n_trials, 0.05) > 0.001


def asked_and_answered(n: int, rng: np.random.Generator) -> tuple[NDArray[np.float64], ...]:
    return tuple(unit(rng.standard_normal((n, 8)) + 2 * np.eye(8)[0]) for _ in range(2))


@pytest.mark.slow
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**31), by_user=st.booleans())
def test_the_order_of_exchanges_does_not_matter(seed: int, by_user: bool) -> None:
    rng = np.random.default_rng(seed)
    reference, current = asked_and_answered(120, rng), asked_and_answered(90, rng)
    users = (rng.integers(60, size=120), 60 + rng.integers(50, size=90)) if by_user else None
    order = rng.permutation(90)
    results = [
        compare_given(
            *(side[orders[0]] for side in reference),
            *(side[orders[1]] for side in current),
            reference_groups=None if users is None else users[0][orders[0]],
            current_groups=None if users is None else users[1][orders[1]],
            rng=np.random.default_rng(7),
            n_permutations=99,
            alpha=0.05,
            minimum_drifted_share=0.0,
        )
        for orders in ((np.arange(120), np.arange(90)), (rng.permutation(120), order))
    ]
    assert results[1].p_value == results[0].p_value
    lower = [result.drifted_share_interval[0] for result in results]
    assert lower[1] == pytest.approx(lower[0])
    np.testing.assert_allclose(results[1].novelty, results[0].novelty[order], atol=1e-6)


@pytest.mark.slow
def test_rotating_prompts_and_responses_changes_no_conclusion() -> None:
    rng = np.random.default_rng(0)
    reference, current = asked_and_answered(300, rng), asked_and_answered(300, rng)
    current[1][:60] *= -1.0
    turn, turn_of_responses = (np.linalg.qr(rng.standard_normal((8, 8)))[0] for _ in range(2))
    plain = compare_given(
        *reference,
        *current,
        rng=np.random.default_rng(1),
        n_permutations=99,
        alpha=0.05,
        minimum_drifted_share=0.0,
    )
    turned = compare_given(
        reference[0] @ turn,
        reference[1] @ turn_of_responses,
        current[0] @ turn,
        current[1] @ turn_of_responses,
        rng=np.random.default_rng(1),
        n_permutations=99,
        alpha=0.05,
        minimum_drifted_share=0.0,
    )
    assert turned.verdict == plain.verdict == "drift"
    np.testing.assert_allclose(turned.novelty, plain.novelty, atol=1e-4)


@pytest.mark.slow
@trials(4, 20)
def test_sparse_prompts_are_no_outliers(n_trials: int) -> None:
    """Prompts of a wide topic have distant neighbours, and so do their responses."""
    alarms = bounds = 0
    for seed in range(n_trials):
        rng = np.random.default_rng(seed)
        sides = [_dense_and_sparse(rng, share) for share in (0.1, 0.6)]
        (before, responses_before), (after, responses_after) = sides
        result = compare_given(
            before,
            responses_before,
            after,
            responses_after,
            rng=rng,
            n_permutations=199,
            alpha=0.05,
            minimum_drifted_share=0.0,
        )
        alarms += {test.name: test.p_value for test in result.tests}["novelty_tail"] <= 0.05
        bounds += result.drifted_share_interval[0] > 0.0
    most = stats.binom.ppf(0.984, n_trials, 0.05)  # 3 of 20
    assert max(alarms, bounds) <= most, (alarms, bounds)


def _dense_and_sparse(
    rng: np.random.Generator, sparse: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    n, d = 800, 12
    width = np.where(rng.random(n) < sparse, 1.0, 0.25)[:, None]
    prompts = 1.0 + width * rng.standard_normal((n, d))
    responses = prompts + 0.3 * rng.standard_normal((n, d))
    return unit(prompts), unit(responses)


@pytest.mark.slow
@pytest.mark.parametrize("new", [0.0, 0.1])
def test_users_with_many_messages_are_compared(new: float) -> None:
    """One new prompt must not exclude an end user's other forty from the comparison."""
    n, each = 800, 40
    for seed in range(2):
        rng = np.random.default_rng(seed)
        prompts = [unit(rng.standard_normal((n, 12)) + 1.0) for _ in range(2)]
        fresh = rng.random(n) < new
        prompts[1][fresh] = unit(rng.standard_normal((int(fresh.sum()), 12)) - 2.0)
        responses = [unit(side + 0.3 * rng.standard_normal(side.shape)) for side in prompts]
        responses[1][rng.random(n) < 0.3] = unit(np.ones((1, 12)))
        users = np.arange(n) % (n // each)
        detected = compare_given(
            prompts[0], responses[0], prompts[1], responses[1],
            reference_groups=users, current_groups=users + n, rng=rng, n_permutations=199,
            alpha=0.01,
        minimum_drifted_share=0.0)  # fmt: skip
        assert (detected.verdict, detected.shift_interval[0] > 0.52) == ("drift", True), str(
            detected
        )
