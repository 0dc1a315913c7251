r"""Linear and quadratic statistics of the difference of two sides' means, by bin.

The contrast :math:`w` is :math:`1/n_C` for a bin labelled current and :math:`-1/n_R` for one
labelled reference, where :math:`n` counts the samples in the bins of a label. Effects have 95%
limits by the delete-one-bin jackknife (Tukey, Ann. Math. Stat. 1958); the limits of a maximum (see
:func:`limits`) contain no effect wherever random labels give as much.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Z = 1.96


def contrast(labels: NDArray[np.float32], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weight of each bin, float64 ``[b, T]``.

    Labels are float32 0/1 ``[b, T]``; ``counts``, float64 ``[T]``, are the samples in each bin.
    """
    n_current = np.maximum(labels @ counts, 1.0)[:, None]
    n_reference = np.maximum(counts.sum() - n_current, 1.0)
    return np.asarray(labels / n_current - (1.0 - labels) / n_reference)


def jackknife_error(left_out: NDArray[np.float64]) -> float:
    """Return the jackknife standard error from the leave-one-out estimates."""
    n = len(left_out)
    return float(np.sqrt((n - 1) / n * ((left_out - left_out.mean()) ** 2).sum())) if n > 1 else 0.0


def limits(effect: float, margin: float, random: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the effect and 95% limits, each the wider of two.

    The jackknife accounts neither for the search for the largest effect nor for samples that
    neighbours share. Where the effect lies within the middle 95% of those under random labels,
    where a test at 5% doesn't reject, the second limits contain 0.

    ``margin`` is half the width of the jackknife interval; ``random``, float64 ``[B]``, is the
    effect under random labels.
    """
    low, high = np.quantile(random, (0.025, 0.975))
    return effect, effect - max(margin, float(high)), effect + max(margin, -float(low))


def _leave_one_out(
    is_current: NDArray[np.bool_], counts: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the contrast without each bin that isn't empty, float64 ``[T', T]``."""
    used = np.flatnonzero(counts > 0)
    present = np.ones((len(used), len(counts)))
    present[np.arange(len(used)), used] = 0.0
    current = present * is_current
    reference = present * ~is_current
    return np.asarray(
        current / np.maximum(current @ counts, 1.0)[:, None]
        - reference / np.maximum(reference @ counts, 1.0)[:, None]
    )


@dataclass(frozen=True)
class Linear:
    """The largest, over columns, difference of means (current minus reference)."""

    name: str
    family: str
    #: float64 ``[T, F]``: sums by bin, centred on their usual mean.
    sums: NDArray[np.float64]
    #: float64 ``[T]``.
    counts: NDArray[np.float64]
    #: The effect is the difference over this; of several columns, less the mean of the largest
    #: under random labels.
    scale: float

    def evaluate(self, labels: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the statistic under each labelling, ``[b]``."""
        return np.asarray((contrast(labels, self.counts) @ self.sums).max(axis=1))

    def effect(
        self, is_current: NDArray[np.bool_], statistics: NDArray[np.float64]
    ) -> tuple[float, float, float]:
        """Return the effect and its limits.

        Args:
            is_current: bool ``[T]``: the true labels.
            statistics: float64 ``[1 + B]``, the true one first.
        """
        differences = contrast(is_current[None].astype(np.float32), self.counts)[0] @ self.sums
        column = int(differences.argmax())
        left_out = _leave_one_out(is_current, self.counts) @ self.sums[:, column]
        scale = max(self.scale, 1e-12)
        effect = float(differences[column]) / scale
        margin = Z * jackknife_error(left_out) / scale
        if len(differences) == 1:
            return effect, effect - margin, effect + margin
        random = statistics[1:] / scale
        return limits(effect - float(random.mean()), margin, random - random.mean())


@dataclass(frozen=True)
class Quadratic:
    """The squared length of the difference of mean features, from their Gram matrix."""

    name: str
    family: str
    #: float64 ``[T, T]``.
    gram: NDArray[np.float64]
    #: float64 ``[T]``.
    counts: NDArray[np.float64]
    #: The effect is the root of the excess over the null, times this.
    scale: float

    def evaluate(self, labels: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the statistic under each labelling, ``[b]``."""
        weight = contrast(labels, self.counts)
        return np.asarray(((weight @ self.gram) * weight).sum(axis=1))

    def effect(
        self, is_current: NDArray[np.bool_], statistics: NDArray[np.float64]
    ) -> tuple[float, float, float]:
        """Return the effect and its limits."""
        weight = _leave_one_out(is_current, self.counts)
        error = jackknife_error(((weight @ self.gram) * weight).sum(axis=1))
        excess = float(statistics[0] - statistics.mean())
        lower, effect, upper = (
            float(np.sqrt(max(excess + sign * Z * error, 0.0))) * self.scale for sign in (-1, 0, 1)
        )
        return effect, lower, upper
