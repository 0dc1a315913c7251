"""Statistics of contrasts within strata, with effects and their limits."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
