"""Statistics of contrasts within strata, with effects and their limits."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, logsumexp

from monitor.drift.permutation.contrasts import Z, jackknife_error, limits

#: A feature of less variance under permutation is constant.
NO_VARIANCE = 1e-9


@dataclass(frozen=True)
class SquaredContrast:
    """The weighted sum of squared contrasts."""

    name: str
    #: float64 ``[F]``.
    weight: NDArray[np.float64]
    #: The effect is the root of the excess over the null, times this.
    scale: float

    def evaluate(self, contrast: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the statistic of each row of contrasts ``[b, F]``, float64 ``[b]``."""
        return np.asarray((contrast**2) @ self.weight)

    def effect(
        self,
        _contrast: NDArray[np.float64],
        left_out: NDArray[np.float64],
        statistics: NDArray[np.float64],
    ) -> tuple[float, float, float]:
        """Return the effect and its limits.

        Args:
            left_out: float64 ``[T, F]``: the true contrast without each bin.
            statistics: float64 ``[1 + B]``, the true one first.
        """
        excess = float(statistics[0] - statistics.mean())
        margin = Z * jackknife_error(self.evaluate(left_out))
        low, middle, high = (
            float(np.sqrt(max(excess + shift, 0.0))) * self.scale for shift in (-margin, 0, margin)
        )
        return middle, low, high


@dataclass(frozen=True)
class AveragedContrast:
    """The harmonic mean of the p-values of contrasts, as if each were normal.

    The p-values of a family of many tests can't be told apart by ranks among permutations: the best
    of twenty is the first among 10,000 in twenty of them. The ranks of this mean are exact.
    """

    name: str
    #: float64 ``[F]``.
    variance: NDArray[np.float64]
    #: The effect is the largest contrast over this, beyond that under random labels.
    harmonic: float

    def evaluate(self, contrast: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the statistic of each row of contrasts ``[b, F]``, float64 ``[b]``."""
        used = self.variance > NO_VARIANCE
        if not used.any():
            return np.zeros(len(contrast))
        score = np.abs(contrast[:, used]) / np.sqrt(self.variance[used])
        return np.asarray(logsumexp(-np.log(2.0) - log_ndtr(-score), axis=1))

    def effect(
        self,
        contrast: NDArray[np.float64],
        left_out: NDArray[np.float64],
        _statistics: NDArray[np.float64],
    ) -> tuple[float, float, float]:
        """Return the largest contrast, unsigned, and its limits by the jackknife."""
        used = self.variance > NO_VARIANCE
        if not used.any():
            return 0.0, 0.0, 0.0
        score = np.where(used, np.abs(contrast[0]) / np.sqrt(np.where(used, self.variance, 1)), 0.0)
        column = int(score.argmax())
        size = abs(float(contrast[0, column])) / self.harmonic
        # The largest of several random contrasts isn't 0.
        random = np.sqrt(self.variance[column] * 2.0 * np.log(max(used.sum(), 1))) / self.harmonic
        margin = Z * jackknife_error(left_out[:, column]) / self.harmonic
        effect = max(size - random, 0.0)
        return effect, max(effect - margin, 0.0), effect + margin


@dataclass(frozen=True)
class LargestContrast:
    """The largest contrast in units of its standard deviation under local permutation."""

    name: str
    #: float64 ``[F]``.
    variance: NDArray[np.float64]
    #: The effect is the largest contrast, beyond what it is under random labels, over this: a
    #: difference of shares.
    harmonic: float

    def evaluate(self, contrast: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the statistic of each row of contrasts ``[b, F]``, float64 ``[b]``."""
        used = self.variance > NO_VARIANCE
        if not used.any():
            return np.zeros(len(contrast))
        return np.asarray((contrast[:, used] / np.sqrt(self.variance[used])).max(axis=1))

    def effect(
        self,
        contrast: NDArray[np.float64],
        left_out: NDArray[np.float64],
        statistics: NDArray[np.float64],
    ) -> tuple[float, float, float]:
        """Return the effect and its limits; see :meth:`SquaredContrast.effect`."""
        used = self.variance > NO_VARIANCE
        if not used.any():
            return 0.0, 0.0, 0.0
        deviation = np.sqrt(np.where(used, self.variance, 1.0))
        column = int(np.where(used, contrast[0] / deviation, -np.inf).argmax())
        scale = deviation[column] / self.harmonic
        effects = (statistics - statistics[1:].mean()) * scale
        margin = Z * jackknife_error(left_out[:, column]) / self.harmonic
        return limits(float(effects[0]), margin, effects[1:])
