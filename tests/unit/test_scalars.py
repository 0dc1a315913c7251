"""Characteristics of texts, metrics, and their comparison."""

import numpy as np
import pytest
from scipy import stats

from monitor.drift import compare_scalar
from monitor.drift import text_characteristics as texts
from monitor.evaluation.metrics import direction_of, metric_names, metric_values, number_of
from monitor.evaluation.scalars import Scalar, is_degraded
from monitor.settings import Drift

ALONE = [""] * 5000


def compared(reference, current, reference_users=ALONE, current_users=ALONE):
    x, y = np.asarray(reference, dtype=float), np.asarray(current, dtype=float)
    return compare_scalar(
        x, y, reference_groups=reference_users[: len(x)], current_groups=current_users[: len(y)]
    )


def test_without_users_it_is_brunner_and_munzels_test() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.poisson(3, 80), rng.poisson(4, 60)
    result = compared(x, y)
    expected = stats.brunnermunzel(x, y)
    # Brunner and Munzel divide by n - 1 and take ranks: to first order the same.
    assert result.p_value == pytest.approx(expected.pvalue, rel=0.02)
    pairs = np.sign(y[:, None] - x[None, :])
    assert result.effect_size == pytest.approx(pairs.mean(), abs=1e-12)


def test_of_booleans_the_effect_is_the_difference_of_shares() -> None:
    result = compared([1] * 80 + [0] * 20, [1] * 50 + [0] * 50)
    assert result.effect_size == pytest.approx(-0.3)
    assert result.relative_change == pytest.approx(0.5 / 0.8 - 1)
    assert result.relative_change_lower < result.relative_change < result.relative_change_upper < 0


def test_users_with_many_exchanges_do_not_alarm_by_themselves() -> None:
    """With 20 exchanges a user and no drift, 5% of tests reject at 5%: inside a 99% interval."""
    rng = np.random.default_rng(1)
    users = [f"u{i // 20}" for i in range(1200)]
    rejected = alone = 0
    for _ in range(400):
        x, y = (np.repeat(rng.normal(size=60), 20) + rng.normal(size=1200) / 2 for _ in range(2))
        rejected += compared(x, y, users, users).p_value <= 0.05
        alone += compared(x, y).p_value <= 0.05
    low, high = stats.binom.interval(0.99, 400, 0.05)
    assert low <= rejected <= high
    assert alone > 5 * rejected


def test_the_interval_of_the_relative_change_covers_the_truth() -> None:
    rng = np.random.default_rng(2)
    covered = 0
    for _ in range(400):
        result = compared(rng.random(300) < 0.8, rng.random(200) < 0.6)
        covered += result.relative_change_lower <= -0.25 <= result.relative_change_upper
    low, high = stats.binom.interval(0.99, 400, 0.95)
    assert low <= covered <= high


def test_missing_values_are_left_out() -> None:
    result = compared([1.0, np.nan, 2.0, 3.0], [np.nan, 5.0, 6.0])
    assert (result.n_reference, result.n_current) == (3, 2)
    assert result.reference_mean == 2.0
    assert compared([np.nan, np.nan], [1.0, 2.0]) is None


def test_constants() -> None:
    same = compared([2.0] * 30, [2.0] * 30)
    assert (same.p_value, same.effect_size, same.relative_change) == (1.0, 0.0, 0.0)
    apart = compared([0.0] * 30, [1.0] * 30)
    assert 0 < apart.p_value < 1e-10
    assert apart.relative_change is None


def scalar(direction, side="metric") -> Scalar:
    return Scalar("x", side, direction, np.zeros(1), np.zeros(1))


def test_degraded_needs_a_direction_a_size_and_an_interval_without_zero() -> None:
    fell = compared([1] * 850 + [0] * 150, [1] * 600 + [0] * 400)
    assert is_degraded(scalar(1), fell, 0.02, 0.10)
    assert not is_degraded(scalar(-1), fell, 0.02, 0.10)
    assert not is_degraded(scalar(0), fell, 0.02, 0.10)
    assert not is_degraded(scalar(1), fell, 0.02, 0.50)
    unsure = compared([1] * 17 + [0] * 3, [1] * 15 + [0] * 5)
    assert unsure.relative_change < -0.10
    assert not is_degraded(scalar(1), unsure, 0.02, 0.10)


def test_from_zero_a_rise_must_reach_the_floor() -> None:
    few = compared([0] * 1000, [1] * 10 + [0] * 990)
    many = compared([0] * 1000, [1] * 50 + [0] * 950)
    assert not is_degraded(scalar(-1, "response"), few, 0.02, 0.10)
    assert is_degraded(scalar(-1, "response"), many, 0.02, 0.10)


def test_below_zero_more_is_still_higher() -> None:
    rng = np.random.default_rng(3)
    result = compared(rng.normal(-4, 1, 300), rng.normal(-2, 1, 300))
    assert result.relative_change == pytest.approx(0.5, abs=0.1)
    assert not is_degraded(scalar(1), result, 0.02, 0.10)
    assert is_degraded(scalar(-1), result, 0.02, 0.10)


def test_directions_come_from_the_configuration_first() -> None:
    settings = Drift(higher_is_better=("latency", "Margin"), lower_is_better=("errors",))
    expected = {"latency": 1, "Margin": 1, "errors": -1, "Resolved": 1, "COST": -1, "tokens": 0}
    assert {name: direction_of(name, settings) for name in expected} == expected


def test_numbers_and_booleans_are_metrics_and_nothing_else() -> None:
    assert [number_of(one) for one in (True, 3, 2.5, "3", None, [1], float("nan"), 10**400)] == [
        1.0, 3.0, 2.5, None, None, None, None, None,
    ]  # fmt: skip
    rows = [{"resolved": True, "note": "x", "rare": 1} if i < 5 else {"resolved": False}
            for i in range(40)]  # fmt: skip
    assert metric_names(rows, rows) == ["resolved"]
    assert np.isnan(metric_values(rows, "rare")).sum() == 35


@pytest.mark.parametrize(
    ("function", "text", "expected"),
    [
        (texts.refusal, "I\u2019m sorry, but I can\u2019t help with that.", 1.0),
        (texts.refusal, "As an AI language model, I have no opinion.", 1.0),
        (texts.refusal, "Sure", 0.0),
        (texts.refusal, "Sorry for the delay: your card is on its way.", 0.0),
        (texts.cut_off, "word " * 60, 1.0),
        (texts.cut_off, "word " * 60 + "end.", 0.0),
        (texts.cut_off, "transfer", 0.0),
        (texts.cut_off, "", 0.0),
        (texts.valid_json, '{"a": 1}', 1.0),
        (texts.valid_json, "```json\n[1]\n```", 1.0),
        (texts.valid_json, "{", 0.0),
        (texts.valid_json, "", 0.0),
        (texts.valid_json, '```json\n{"a": 1}\n```', 1.0),
        (texts.valid_json, '{"a": 1', 0.0),
        (texts.valid_json, "[" * 100_000, 0.0),
        (texts.empty, " \n", 1.0),
        (texts.question, "why？", 1.0),  # noqa: RUF001
        (texts.non_letter_share, "ab 12", 0.4),
        (texts.non_letter_share, "", 0.0),
        (texts.non_letter_share, "été", 0.0),
        (texts.repetition, "short", 0.0),
        (texts.repetition, "", 0.0),
    ],
)
def test_characteristics_of_a_text(function, text: str, expected: float) -> None:
    assert function(text) == expected


def test_a_loop_repeats_more_than_prose() -> None:
    prose = "The bank checks every transfer before it leaves, and says so in a message to you."
    assert texts.repetition("I can help. " * 40) > 0.8 > 0.4 > texts.repetition(prose)
    assert texts.repetition("\ud800" * 200) > 0.8


def test_equal_texts_are_looked_at_once() -> None:
    calls = []
    values = texts.each(["a", "b", "a"], lambda text: float(len(calls.append(text) or calls)))
    np.testing.assert_array_equal(values, [1, 2, 1])
