"""The highest rate at which the lag stays bounded."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from tests.soak.endurance.watch import Sample

FIRST_RATE, FACTOR, MAX_RATE = 500.0, 1.3, 50_000.0
#: A batch waits up to `traffic.flush_interval` (5 s): a steady lag is up to this much traffic.
BOUND_SECONDS = 10.0
#: The producer shares the cores: one that can't keep up shows that they are full.
MIN_PRODUCED = 0.95


@dataclass(frozen=True)
class Step:
    """A rate and what was seen."""

    rate: float
    produced_rate: float
    lag_seconds: float
    is_carried: bool


def is_bounded(lags: Sequence[Sample], rate: float) -> bool:
    """Return whether the lags of a step stay bounded: small, and not rising at its end."""
    values = [lag.value / rate for lag in lags]
    if len(values) < 6:
        return False
    third = len(values) // 3
    middle, last = fmean(values[third : 2 * third]), fmean(values[-third:])
    return last <= BOUND_SECONDS and last - middle <= 0.2 * BOUND_SECONDS


def climb(
    run_step: Callable[[float], tuple[float, Sequence[Sample]]],
) -> Iterator[Step]:
    """Yield steps of rising rates, up to the first that isn't carried.

    Args:
        run_step: Produces at a rate for a while; returns the rate that it reached, and the lags.
    """
    rate = FIRST_RATE
    while rate <= MAX_RATE:
        produced, lags = run_step(rate)
        carried = produced >= MIN_PRODUCED * rate and is_bounded(lags, rate)
        seconds = fmean(lag.value for lag in lags[-3:]) / rate if lags else 0.0
        yield Step(rate, produced, seconds, carried)
        if not carried:
            return
        rate *= FACTOR


def highest_rate(steps: Sequence[Step]) -> float:
    """Return the rate of the last step that was carried; 0 without one."""
    return max((step.rate for step in steps if step.is_carried), default=0.0)
