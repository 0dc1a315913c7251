"""Sample ratio: the share of the canary that is seen, against the weights that were set."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from monitor.statistics.betting import initial_logarithms, log_growth_of_counts, log_wealth

#: A share that differs by less is no mismatch: the larger of a share of the weight and of points.
RELATIVE_TOLERANCE = 0.2
LEAST_TOLERANCE = 0.01
#: Probability that a stage's share is ever called a mismatch though it is as set.
ALPHA = 0.01


@dataclass(frozen=True, eq=False)
class SampleRatio:
    """Evidence, within a stage, that the gateway routes another share than was set."""

    #: Users of the canary, and all.
    n_canary: float
    n: float
    #: Sum over the hours of the expected number of users of the canary.
    expected: float
    #: float64 ``[2, stakes]``: too many, too few.
    logarithms: NDArray[np.float64]

    @property
    def is_mismatch(self) -> bool:
        """Whether the share differs from the weights by more than the tolerance."""
        return bool((log_wealth(self.logarithms) >= np.log(2.0 / ALPHA)).any())

    @property
    def seen_share(self) -> float | None:
        """Share of the canary that was seen in the stage."""
        return self.n_canary / self.n if self.n else None

    @property
    def expected_share(self) -> float | None:
        """Share of the canary that the weights say."""
        return self.expected / self.n if self.n else None


def start_sample_ratio() -> SampleRatio:
    """Return the evidence at the start of a stage."""
    return SampleRatio(0.0, 0.0, 0.0, initial_logarithms(1.0, 2))


def count_users(ratio: SampleRatio, n_canary: int, n: int, expected_share: float) -> SampleRatio:
    """Add the users of an hour.

    Count users rather than requests, and those of earlier hours of the stage not again: routing is
    sticky, so that a user's requests are one draw.

    Args:
        ratio: The evidence so far.
        n_canary: Users, or requests without a user, that the canary served.
        n: Users of both arms.
        expected_share: The canary's share of them; see :func:`expected_sampled_share`.
    """
    tolerance = max(RELATIVE_TOLERANCE * min(expected_share, 1 - expected_share), LEAST_TOLERANCE)
    many = log_growth_of_counts(n_canary, n - n_canary, min(expected_share + tolerance, 1.0))
    few = log_growth_of_counts(n - n_canary, n_canary, min(1 - expected_share + tolerance, 1.0))
    return replace(
        ratio,
        n_canary=ratio.n_canary + n_canary,
        n=ratio.n + n,
        expected=ratio.expected + n * expected_share,
        logarithms=ratio.logarithms + np.stack([many, few]),
    )


def expected_sampled_share(canary_percent: float, canary_rate: float, stable_rate: float) -> float:
    """Return the canary's share of the sampled users.

    Args:
        canary_percent: Its weight, 0 to 100.
        canary_rate: Probability with which its users are sampled.
        stable_rate: The same of stable.
    """
    canary = canary_percent * canary_rate
    both = canary + (100.0 - canary_percent) * stable_rate
    return canary / both if both else 0.0
