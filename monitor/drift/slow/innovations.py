r"""Innovations: standardised differences of a window from all windows before it.

Let :math:`\bar s_0` be a score's mean in the reference and :math:`\bar s_1, \bar s_2, \dots` in the
windows, with information :math:`p_i` (one over the variance). The innovation is

.. math:: z_t = (\bar s_t - B_t) / \sqrt{1/p_t + 1/P_t},
          \quad B_t = \sum_{i<t} p_i \bar s_i / P_t, \quad P_t = \sum_{i<t} p_i.

These are Helmert's contrasts: where all windows have the reference's distribution they are
independent of each other and of every contrast *within* the past, however small the reference is
(Lancaster, "The Helmert matrices", Amer. Math. Monthly 1965). So a direction that is learned from
such contrasts may be bet on. No information is lost: together they determine all differences of the
means.

The sum over bins of users gives variance and skewness. Information is the effective number of
samples over one variance common to all windows: with separate variances, windows with few extreme
samples would have more weight and bias :math:`B_t` downwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from monitor.drift.slow.window_sums import WindowSums

#: Largest score of a window: sudden drift is for the test of the single window.
MAX_SCORE = 3.0
_MIN_SCORE = -8.0
NO_SKEWNESS = 1e-4


@dataclass(frozen=True)
class Series:
    """Windows in order of time, the reference first; the first axis is the half of the users."""

    #: float64 ``[2, T, b]``: sums of each bin.
    counts: NDArray[np.float64]
    novelty: NDArray[np.float64]
    tail: NDArray[np.float64]
    #: float64 ``[2, T, b, K]``.
    cells: NDArray[np.float64]
    #: float64 ``[2, T]``: effective number of samples.
    effective: NDArray[np.float64]
    #: float64 ``[2, T, K]``: the cells' sums over the bins.
    totals: NDArray[np.float64]

    @classmethod
    def of(cls, windows: Sequence[WindowSums]) -> "Series":
        """Return the series of windows whose sums come from one map."""

        def stacked(name: str) -> NDArray[np.float64]:
            sums = np.stack([getattr(window, name) for window in windows])
            return np.stack([sums[:, 0::2], sums[:, 1::2]])

        counts, cells = stacked("counts"), stacked("cells")
        effective = [
            [_effective(*bins) for bins in zip(*half, strict=True)]
            for half in zip(counts, cells, strict=True)
        ]
        return cls(
            counts,
            stacked("novelty"),
            stacked("tail"),
            cells,
            np.array(effective),
            cells.sum(axis=2),
        )

    def __len__(self) -> int:
        """Return the number of windows, including the reference."""
        return int(self.counts.shape[1])

    def __getitem__(self, rows: slice) -> "Series":
        """Return a slice of the windows."""
        return Series(
            self.counts[:, rows],
            self.novelty[:, rows],
            self.tail[:, rows],
            self.cells[:, rows],
            self.effective[:, rows],
            self.totals[:, rows],
        )

    def project(self, direction: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sums of the cells weighted by ``[2, K]``, float64 ``[2, T, b]``."""
        return np.stack(
            [cells @ weights for cells, weights in zip(self.cells, direction, strict=True)]
        )


@dataclass(frozen=True)
class Innovation:
    """The standardised difference of the newest window from all windows before it."""

    #: Standard normal without drift.
    z: float
    #: float64 ``[T]``: derivative of ``z`` by the mean of each window, the newest last.
    gain: NDArray[np.float64]


def innovation(series: Series, sums: NDArray[np.float64]) -> Innovation:
    """Return the innovation of the newest window of a series.

    The series has the reference and one window at least. The score's ``sums`` are float64
    ``[2, T, b]``.
    """
    parts = [_contrast(*half) for half in zip(series.counts, sums, series.effective, strict=True)]
    information = np.array([part.information for part in parts])
    total = information.sum()
    if total <= 0.0:
        return Innovation(0.0, np.zeros(len(series)))
    share = information / np.sqrt(total)
    z = float(sum(s * part.difference for s, part in zip(share, parts, strict=True)))
    skewness = float(sum(s**3 * part.third for s, part in zip(share, parts, strict=True)))
    gain = np.asarray(sum(s * part.gain for s, part in zip(share, parts, strict=True)))
    degrees = sum(part.degrees for part in parts)
    return Innovation(normal_score(z, skewness, degrees), gain)


def normal_score(z: float, skewness: float, degrees: int) -> float:
    """Return the normal quantile of a studentised, skewed sum, at most ``MAX_SCORE``.

    Args:
        z: The sum over its estimated standard error.
        skewness: Skewness of the sum, whose distribution is approximated by Pearson's type III.
        degrees: Degrees of freedom of the standard error.
    """
    tail = float(special.stdtr(max(degrees, 1), -z))
    score = -float(special.ndtri(tail))
    if abs(skewness) > NO_SKEWNESS:
        # Pearson's type III is a shifted gamma distribution, mirrored for negative skewness.
        shape = 4.0 / skewness**2
        place = shape + np.sign(skewness) * score * np.sqrt(shape)
        tail_function = special.gammaincc if skewness > 0.0 else special.gammainc
        score = -float(special.ndtri(tail_function(shape, max(place, 0.0))))
    return float(np.clip(score, _MIN_SCORE, MAX_SCORE))


@dataclass(frozen=True)
class _Contrast:
    difference: float
    information: float
    #: Third cumulant of the difference.
    third: float
    gain: NDArray[np.float64]
    degrees: int


def _contrast(
    counts: NDArray[np.float64], sums: NDArray[np.float64], effective: NDArray[np.float64]
) -> _Contrast:
    """Return the contrast of one half of the users; arrays ``[T, b]`` and ``[T]``."""
    n = counts.sum(axis=1)
    empty = _Contrast(0.0, 0.0, 0.0, np.zeros(len(n)), 0)
    if (n <= 0.0).any():
        return empty
    mean = sums.sum(axis=1) / n
    bins = (counts > 0).sum(axis=1)
    residual = sums - counts * mean[:, None]
    spread = (residual**2).sum(axis=1) * bins / np.maximum(bins - 1, 1)
    variance = float((spread * effective / n).sum() / n.sum())
    if variance <= 0.0:
        return empty
    precision = effective / variance
    past = precision[:-1] / precision[:-1].sum()
    third = float((residual**3).sum() / n.sum())
    return _Contrast(
        difference=float(mean[-1] - past @ mean[:-1]),
        information=float(1.0 / (1.0 / precision[-1] + 1.0 / precision[:-1].sum())),
        third=third * float(n[-1] ** -2.0 - (past**3 / n[:-1] ** 2).sum()),
        gain=np.append(-past, 1.0),
        degrees=int((bins - 1).sum()),
    )


def _effective(counts: NDArray[np.float64], cells: NDArray[np.float64]) -> float:
    """Return the effective number of samples of the means of a half (Kish 1965, section 8.2).

    The design effect is that of all cells together, which a single extreme sample hardly changes.
    """
    n = counts.sum()
    bins = int((counts > 0).sum())
    if n <= 0.0 or bins < 2:
        return float(n)
    share = cells.sum(axis=0) / n
    expected = float((share * (1.0 - share)).sum()) * n
    observed = float(((cells - counts[:, None] * share) ** 2).sum()) * bins / (bins - 1)
    return float(n) if expected <= 0.0 or observed <= 0.0 else float(n) * expected / observed
