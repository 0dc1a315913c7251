r"""Search for the share at which windows alarm with a given probability.

The probability of an alarm is modelled as :math:`\Phi(z + b (\log s - \log s_0))`, where
:math:`\Phi(z)` is the wanted probability and :math:`s_0` the share that is searched. A grid holds
the posterior of :math:`\log s_0` and the slope :math:`b`; each window is drawn at the share that
tells most about :math:`s_0` (Watson, QUEST+, J. Vision 2017). A bisection would
need fewer windows if an alarm were no random event.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

#: Probability of an alarm at the share that is searched.
POWER = 0.8
#: Shares that can be found.
LEAST_SHARE, LARGEST_SHARE = 0.0005, 0.6
CONFIDENCE = 0.95
#: Slopes of the probit in the logarithm of the share, and their prior weights. On CLINC150 they
#: are 2 to 3: from the searched share to its double, the power rises from .8 to .99.
SLOPES = np.array([1.2, 1.7, 2.4, 3.4, 4.8])
SLOPE_WEIGHTS = np.array([0.1, 0.25, 0.3, 0.25, 0.1])
#: Share of windows that alarm without regard to the drift, and that never alarm.
GUESS, LAPSE = 0.005, 0.01
N_SHARES = 141


@dataclass(frozen=True)
class FoundShare:
    """The searched share, with the Monte Carlo error of the search."""

    share: float
    #: 95% interval.
    lower: float
    upper: float
    n_windows: int
    n_alarms: int

    @property
    def ratio(self) -> float:
        """Return how many times the lower limit the upper is."""
        return self.upper / self.lower


class ShareSearch:
    """The posterior of the searched share, given the windows drawn so far."""

    def __init__(self, prior: float, spread: float = 0.7) -> None:
        """Begin from a prior.

        Args:
            prior: Median of the share.
            spread: Standard deviation of its logarithm.
        """
        self._log = np.linspace(np.log(LEAST_SHARE), np.log(LARGEST_SHARE), N_SHARES)
        density = np.exp(-0.5 * ((self._log - np.log(prior)) / spread) ** 2)
        self._posterior = density[:, None] * SLOPE_WEIGHTS
        self._posterior /= self._posterior.sum()
        self._n_windows = self._n_alarms = 0

    def add(self, share: float, *, alarm: bool) -> None:
        """Add a window with this drifted share."""
        power = self._power(np.array([np.log(share)]))[0]
        self._posterior = self._posterior * (power if alarm else 1.0 - power)
        self._posterior /= self._posterior.sum()
        self._n_windows += 1
        self._n_alarms += alarm

    def next_share(self, largest: float = LARGEST_SHARE) -> float:
        """Return the share of the next window: that of the least expected posterior variance."""
        candidates = self._log[(self._log <= np.log(largest)) & self._is_plausible()]
        if not len(candidates):
            return largest
        power = self._power(candidates)
        chance = np.einsum("cij,ij->c", power, self._posterior)
        expected = np.zeros(len(candidates))
        for likelihood, weight in ((power, chance), (1.0 - power, 1.0 - chance)):
            marginal = (likelihood * self._posterior).sum(axis=2) / weight[:, None]
            mean = marginal @ self._log
            expected += weight * (marginal @ self._log**2 - mean**2)
        return float(np.exp(candidates[expected.argmin()]))

    def result(self) -> FoundShare:
        """Return the posterior median of the share and its interval."""
        cumulated = np.cumsum(self._posterior.sum(axis=1))
        tail = (1.0 - CONFIDENCE) / 2.0
        lower, median, upper = (
            float(np.exp(np.interp(quantile, cumulated, self._log)))
            for quantile in (tail, 0.5, 1.0 - tail)
        )
        return FoundShare(median, lower, upper, self._n_windows, self._n_alarms)

    def _is_plausible(self) -> NDArray[np.bool_]:
        """Return the shares near the posterior; of shares far away the power is known."""
        cumulated = np.cumsum(self._posterior.sum(axis=1))
        return np.asarray((cumulated > 0.001) & (cumulated < 0.999))

    def _power(self, log_share: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probability of an alarm, ``[shares, N_SHARES, slopes]``."""
        distance = log_share[:, None, None] - self._log[None, :, None]
        power = special.ndtr(special.ndtri(POWER) + SLOPES * distance)
        return np.asarray(GUESS + (1.0 - GUESS - LAPSE) * power)
