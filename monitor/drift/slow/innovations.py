r"""A window against all that came before it, as a score that is normal while nothing drifts.

Let :math:`\bar s_0` be a score's mean in the reference and :math:`\bar s_1, \bar s_2, \dots` in the
windows, with information :math:`p_i` (one over the variance). The innovation is

.. math:: z_t = (\bar s_t - B_t) / \sqrt{1/p_t + 1/P_t},
          \quad B_t = \sum_{i<t} p_i \bar s_i / P_t, \quad P_t = \sum_{i<t} p_i.

These are Helmert's contrasts: where all windows have the reference's distribution they are
independent of each other and of every contrast *within* the past, however small the reference is
(Lancaster, "The Helmert matrices", Amer. Math. Monthly 1965). So a direction that is learned from
such contrasts may be bet on. Nothing is lost either: together they hold all that the means tell
about a change.

The sum over bins of users gives variance and skewness. Information is the effective number of
samples over one variance common to all windows: with variances of their own, windows with few
extreme samples would weigh more, and drag :math:`B_t` down.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from monitor.drift.slow.window_sums import WindowSums

#: No single window may carry more: what comes all at once is for the window's own test.
LARGEST = 3.0
_SMALLEST = -8.0
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
        """Stack the sums of windows that one map made."""

        def stacked(name: str) -> NDArray[np.float64]:
            whole = np.stack([getattr(one, name) for one in windows])
            return np.stack([whole[:, 0::2], whole[:, 1::2]])

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
        """Return the number of windows, with the reference."""
        return int(self.counts.shape[1])

    def __getitem__(self, rows: slice) -> "Series":
        """Return some of the windows."""
        return Series(
            self.counts[:, rows],
            self.novelty[:, rows],
            self.tail[:, rows],
            self.cells[:, rows],
            self.effective[:, rows],
            self.totals[:, rows],
        )

    def project(self, direction: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return sums of the cells with the weights ``[2, K]``, float64 ``[2, T, b]``."""
        return np.stack(
            [cells @ weights for cells, weights in zip(self.cells, direction, strict=True)]
        )


@dataclass(frozen=True)
class Innovation:
    """The newest window's score against all before it."""

    #: Standard normal while nothing drifts.
    z: float
    #: float64 ``[T]``: what ``z`` gains for each unit that a window's mean is higher by, the newest
    #: window's last.
    gain: NDArray[np.float64]


def innovation(series: Series, sums: NDArray[np.float64]) -> Innovation:
    """Compare the newest window of a series with the windows before it.

    Args:
        series: At least the reference and one window.
        sums: float64 ``[2, T, b]`` of the score.
    """
    parts = [_contrast(*half) for half in zip(series.counts, sums, series.effective, strict=True)]
    information = np.array([one.information for one in parts])
    total = information.sum()
    if total <= 0.0:
        return Innovation(0.0, np.zeros(len(series)))
    share = information / np.sqrt(total)
    z = float(sum(s * one.difference for s, one in zip(share, parts, strict=True)))
    skewness = float(sum(s**3 * one.third for s, one in zip(share, parts, strict=True)))
    gain = np.asarray(sum(s * one.gain for s, one in zip(share, parts, strict=True)))
    degrees = sum(one.degrees for one in parts)
    return Innovation(normal_score(z, skewness, degrees), gain)


def normal_score(z: float, skewness: float, degrees: int) -> float:
    """Return the normal quantile of a studentised, skewed sum, at most ``LARGEST``.

    Args:
        z: The sum over its estimated standard error.
        skewness: Of the sum; its distribution is taken for Pearson's type III.
        degrees: Degrees of freedom of the standard error.
    """
    tail = float(special.stdtr(max(degrees, 1), -z))
    score = -float(special.ndtri(tail))
    if abs(skewness) > NO_SKEWNESS:
        # Pearson's type III is a gamma distribution, shifted; of negative skewness, mirrored.
        shape = 4.0 / skewness**2
        place = shape + np.sign(skewness) * score * np.sqrt(shape)
        inside = special.gammaincc if skewness > 0.0 else special.gammainc
        score = -float(special.ndtri(inside(shape, max(place, 0.0))))
    return float(np.clip(score, _SMALLEST, LARGEST))


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
    nothing = _Contrast(0.0, 0.0, 0.0, np.zeros(len(n)), 0)
    if (n <= 0.0).any():
        return nothing
    mean = sums.sum(axis=1) / n
    bins = (counts > 0).sum(axis=1)
    residual = sums - counts * mean[:, None]
    spread = (residual**2).sum(axis=1) * bins / np.maximum(bins - 1, 1)
    variance = float((spread * effective / n).sum() / n.sum())
    if variance <= 0.0:
        return nothing
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
    """Return how many independent samples a half's means are worth (Kish 1965, section 8.2).

    The design effect is that of all cells together, which no single extreme sample decides.
    """
    n = counts.sum()
    bins = int((counts > 0).sum())
    if n <= 0.0 or bins < 2:
        return float(n)
    share = cells.sum(axis=0) / n
    expected = float((share * (1.0 - share)).sum()) * n
    found = float(((cells - counts[:, None] * share) ** 2).sum()) * bins / (bins - 1)
    return float(n) if expected <= 0.0 or found <= 0.0 else float(n) * expected / found
