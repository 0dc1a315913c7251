"""Rates of the arms while a rollout runs."""

import pytest

from retrain.rollout.rows.observed_rollout import arm_rates


@pytest.mark.parametrize(
    ("weight", "canary_rate", "per", "canary", "stable"),
    [
        (5, 1.0, 4, 1.0, 4 * 5 / 95),
        (25, 1.0, 4, 1.0, 1.0),
        (50, 0.5, 4, 0.5, 0.5),
        (99, 1.0, 4, 4 * 1 / 99, 1.0),  # a holdback: stable is the smaller arm
        (10, 0.2, 2, 0.2, 0.2 * 2 * 10 / 90),
        (100, 1.0, 4, 0.0, 0.0),
        (0, 1.0, 4, 0.0, 0.0),
    ],
)
def test_the_smaller_arm_sets_the_rates(
    weight: int, canary_rate: float, per: float, canary: float, stable: float
) -> None:
    rates = arm_rates(weight, canary_rate, per)
    assert rates == pytest.approx({"canary": canary, "stable": stable})
