"""An open rollout whose exchanges are observed, and the rates of its arms."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Arm = Literal["canary", "stable"]


@dataclass(frozen=True)
class ObservedRollout:
    """An open rollout or experiment with the numbers of its versions."""

    id: int
    model: str
    canary: int
    stable: int
    #: The canary's wanted share of the traffic.
    weight_percent: int
    started_at: datetime


def arm_rates(
    weight_percent: float, canary_rate: float, stable_per_canary: float
) -> dict[Arm, float]:
    """Return the rate of each arm: the smaller arm's, and some units of the larger for each of it.

    >>> arm_rates(20, 0.5, 2)
    {'canary': 0.5, 'stable': 0.25}
    """
    canary, stable = weight_percent / 100.0, 1.0 - weight_percent / 100.0
    smaller, larger = sorted((canary, stable))
    rate = canary_rate if smaller > 0 else 0.0
    of_larger = min(1.0, rate * stable_per_canary * smaller / larger)
    if canary == stable:
        return {"canary": rate, "stable": rate}
    return {
        "canary": rate if canary < stable else of_larger,
        "stable": rate if stable < canary else of_larger,
    }
