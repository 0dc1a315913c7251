"""Slope of a series with its interval, from means of blocks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

N_BLOCKS = 12
#: Fewer samples say nothing about a slope.
MIN_SAMPLES = 3 * N_BLOCKS
#: The allocator's first growth is no leak.
WARM_UP_SHARE = 0.25


@dataclass(frozen=True)
class Trend:
    """A straight line through a series."""

    n_samples: int
    mean: float
    #: Of the values, an hour; with its 95% interval.
    slope: float
    lower: float
    upper: float
    #: By the line, from the first sample to the last.
    rise: float
    #: 95% range of the samples around the line.
    noise: float

    @property
    def is_flat(self) -> bool:
        """Whether the slope's interval contains 0, or the rise is within the noise."""
        return self.lower <= 0.0 or self.rise <= self.noise


def fit_trend(hours: Sequence[float], values: Sequence[float]) -> Trend | None:
    """Fit a line after a warm-up.

    Neighbouring samples are alike: the interval is that of the means of blocks.

    Args:
        hours: Times, rising.
        values: Of each time.

    Returns:
        ``None``: too few samples.
    """
    begin = hours[0] + WARM_UP_SHARE * (hours[-1] - hours[0]) if hours else 0.0
    points = [(x, y) for x, y in zip(hours, values, strict=True) if x >= begin]
    if len(points) < MIN_SAMPLES:
        return None
    x, y = np.array(points).T
    blocks = [np.array_split(side, N_BLOCKS) for side in (x, y)]
    means = [np.array([block.mean() for block in side]) for side in blocks]
    line = stats.linregress(*means)
    margin = float(stats.t.ppf(0.975, N_BLOCKS - 2)) * line.stderr
    rest = y - (line.intercept + line.slope * x)
    low, high = np.quantile(rest, [0.025, 0.975])
    return Trend(
        len(points),
        float(y.mean()),
        float(line.slope),
        float(line.slope - margin),
        float(line.slope + margin),
        float(line.slope * (x[-1] - x[0])),
        float(high - low),
    )
