r"""Estimate of the share of a window that moved between categories, with a 95% interval.

The share is the total variation distance of the true shares :math:`p` and :math:`q`,

.. math:: \tau = \sum_k (q_k - p_k)^+ = \sum_k (p_k - q_k)^+,

the least share of the samples that would have to change their category. The distance of the
*observed* shares is larger by the noise of each category, also where nothing moved: by 15 points
for 75 equal categories and 1,000 samples a side.

**Estimate.** With :math:`c` the share that all categories lost in proportion, the rest of a
category's change, :math:`q_k - p_k + c \bar p_k`, in units of its standard error has a mixture of
normal distributions of mean 0 as its prior, with most weight at no change. The weights are fitted
to the window (Stephens, "False discovery rates: a new deal", Biostatistics 2017), and the gains and
losses are those expected given the observed change; the smaller sum is the estimate, since both
sums are equal in truth.

**Interval.** How much the observed distance exceeds the share depends on how many categories
changed, which small changes don't show. The lower limit holds however few changed: that of the
gains, or of the losses, above some number of standard errors, each less its mean under random
labels. The upper limit holds however many did: by the convexity of the mean of a folded normal
distribution, the observed distance is smallest where all categories changed by as many standard
errors, so it is the share that would give the observed distance then.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from monitor.drift.permutation.bins import Bins, balance
from monitor.drift.permutation.contrasts import Z, contrast
from monitor.drift.permutation.labels import label_chunks
from monitor.drift.samples.units import N_SMALL_BINS, small_bin

CONFIDENCE = 0.95
#: Random labellings.
PERMUTATIONS = 500
#: Standard deviations of the changes, in standard errors; 0 is no change.
SCALES = np.array([0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0, 64.0])
#: Categories without a change that are added to the observed ones (Stephens 2017).
NULL_CATEGORIES = 10.0
ITERATIONS = 60
#: Standard errors above which gains and losses are added up for the lower limit.
THRESHOLDS = (0.0, 1.0, 2.0, 3.0)
#: Changes that are surely real: their noise is that of their own shares.
CERTAIN = 3.0
BISECTIONS = 20


@dataclass(frozen=True, kw_only=True)
class MovedShare:
    """The share of the current window that moved between categories, in [0, 1]."""

    estimate: float
    #: 95% interval.
    lower: float
    upper: float


def estimate_moved_share(
    reference: NDArray[np.int64],
    current: NDArray[np.int64],
    keys: Sequence[NDArray[np.uint64]],
    bins: Bins,
    rng: np.random.Generator,
    *,
    groupings: Sequence[NDArray[np.int64]] = (),
) -> MovedShare:
    """Estimate the share that moved between numbered categories.

    Where a change is spread over many categories, groups of them show it better; and between
    groups no more moved than between categories. So with groupings the estimate is the largest of
    all, the lower limit is the largest of all, simultaneously valid, and the upper limit is that of
    the categories.

    ``reference``, ``[n_reference]``, and ``current`` have the number of each sample's category,
    from 0; ``groupings``, int64 ``[K]`` each, that of each category's group. Keys are from
    :func:`monitor.drift.samples.units.unit_keys`.
    """
    sides = (reference, current)
    n_categories = max(int(side.max()) for side in sides) + 1
    by_bin = [
        np.bincount(small_bin(key) * n_categories + side, minlength=N_SMALL_BINS * n_categories)
        .reshape(N_SMALL_BINS, n_categories)
        .astype(np.float64)
        for side, key in zip(sides, keys, strict=True)
    ]
    sums = bins.total(*by_bin)
    weight = balance(bins, sums.sum(axis=1))[:, None]
    counts = (sums * weight).sum(axis=1)
    labels = label_chunks(bins.is_current, bins.half, PERMUTATIONS, rng)
    next(labels)  # the true ones
    random = np.concatenate([contrast(chunk, counts) @ (sums * weight) for chunk in labels])
    before, after = (side.sum(axis=0) / side.sum() for side in by_bin)
    sizes = len(reference), len(current)
    n_simultaneous = len(groupings) + 1
    estimates = [share_of_differences(before, after, sizes, random, n_simultaneous=n_simultaneous)]
    for grouping in groupings:
        joined = np.eye(int(grouping.max()) + 1)[grouping]
        estimates.append(
            share_of_differences(
                before @ joined,
                after @ joined,
                sizes,
                random @ joined,
                n_simultaneous=n_simultaneous,
            )
        )
    upper = estimates[0].upper
    return MovedShare(
        estimate=min(max(item.estimate for item in estimates), upper),
        lower=min(max(item.lower for item in estimates), upper),
        upper=upper,
    )


def share_of_differences(
    reference: NDArray[np.float64],
    current: NDArray[np.float64],
    sizes: tuple[int, int],
    random: NDArray[np.float64],
    *,
    n_simultaneous: int = 1,
) -> MovedShare:
    """Estimate the share that moved, from shares and their noise.

    Args:
        reference: ``[K]``: shares of the categories, which add up to 1.
        current: ``[K]``.
        sizes: Samples of the reference, and of the current window.
        random: ``[B, K]``: differences of the shares, current minus reference, under random labels.
            They carry the noise of users who send several samples.
        n_simultaneous: Estimates whose lower limits are valid together (Bonferroni).
    """
    error = np.asarray(random.std(axis=0))
    used = error > 0.0
    if not used.any():
        return MovedShare(estimate=0.0, lower=0.0, upper=1.0)
    changes = _Changes(reference[used], current[used], sizes, random[:, used], error[used])
    lower = _lower_limit(changes, 0.025 / n_simultaneous)
    upper = _upper_limit(changes)
    estimate = float(np.clip(_expected_share(changes), lower, max(lower, upper)))
    return MovedShare(estimate=estimate, lower=lower, upper=max(lower, upper))


@dataclass(frozen=True)
class _Changes:
    """The changes of the categories that have any noise, ``K`` of them."""

    #: ``[K]``.
    reference: NDArray[np.float64]
    current: NDArray[np.float64]
    sizes: tuple[int, int]
    #: ``[B, K]``.
    random: NDArray[np.float64]
    #: ``[K]``: standard errors under random labels.
    error: NDArray[np.float64]

    @property
    def difference(self) -> NDArray[np.float64]:
        """Return the observed changes, ``[K]``."""
        return self.current - self.reference

    @property
    def pooled(self) -> NDArray[np.float64]:
        """Return the shares of both sides together, ``[K]``."""
        before, after = self.sizes
        return (before * self.reference + after * self.current) / (before + after)

    @property
    def own_error(self) -> NDArray[np.float64]:
        """Return the standard errors by the shares of each side, ``[K]``."""
        return self.error * np.sqrt(self._inflation(self.reference, self.current, self.pooled))

    def certain_variance(self, sign: float) -> float:
        """Return the variance of the total of the sure gains, or losses, by their own shares."""
        chosen = sign * self.difference > CERTAIN * self.error
        if not chosen.any():
            return 0.0
        totals = [side[chosen].sum() for side in (self.reference, self.current, self.pooled)]
        inflation = self._inflation(*map(np.atleast_1d, totals))
        return float(self.random[:, chosen].sum(axis=1).var() * inflation[0])

    def _inflation(
        self,
        reference: NDArray[np.float64],
        current: NDArray[np.float64],
        pooled: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Return how much larger a variance is than under random labels, 1 at least.

        Of a new category in a small window the noise is that of the window alone.
        """
        before, after = self.sizes
        own = reference * (1.0 - reference) / before + current * (1.0 - current) / after
        equal = pooled * (1.0 - pooled) * (1.0 / before + 1.0 / after)
        return np.asarray(np.maximum(own / np.maximum(equal, 1e-300), 1.0))


def _expected_share(changes: _Changes) -> float:
    """Return the expected share, by a prior that is fitted to the changes of all categories."""
    difference, error, pooled = changes.difference, changes.own_error, changes.pooled
    added = np.zeros(len(SCALES))
    added[0] = NULL_CATEGORIES
    weights = np.full(len(SCALES), 1.0 / len(SCALES))
    spread = np.sqrt(1.0 + SCALES**2)
    shrinkage = (SCALES / spread) ** 2
    lost, z = 0.0, difference / error
    posterior = np.empty((len(z), len(SCALES)))
    for _ in range(ITERATIONS):
        z = (difference + lost * pooled) / error
        # Far from 0 all densities underflow, and their ratios don't.
        log_density = (
            np.log(np.maximum(weights, 1e-300) / spread) - 0.5 * (z[:, None] / spread) ** 2
        )
        posterior = special.softmax(log_density, axis=1)
        weights = posterior.sum(axis=0) + added
        weights /= weights.sum()
        # Shares add up to 1: what some categories gained, all lost in proportion.
        lost = 0.5 * (lost + float(((posterior @ shrinkage) * z) @ error))
    mean = z[:, None] * shrinkage - (lost * pooled / error)[:, None]
    deviation = np.sqrt(shrinkage)
    gains, losses = (
        float((posterior * _positive_part(sign * mean, deviation)).sum(axis=1) @ error)
        for sign in (1.0, -1.0)
    )
    return min(gains, losses)


def _positive_part(
    mean: NDArray[np.float64], deviation: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the mean of the positive part of normal variables."""
    ratio = mean / np.maximum(deviation, 1e-12)
    density = np.exp(-0.5 * np.minimum(ratio**2, 1e3)) / np.sqrt(2.0 * np.pi)
    return np.asarray(deviation * density + mean * special.ndtr(ratio))


def _lower_limit(changes: _Changes, error_rate: float) -> float:
    """Return the largest lower limit of several sums of gains or losses, simultaneously valid."""
    thresholds = np.repeat(THRESHOLDS, 2)
    signs = np.tile([1.0, -1.0], len(THRESHOLDS))

    def sums(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.stack(
            [
                np.where(sign * values > limit * changes.error, sign * values, 0.0).sum(axis=-1)
                for limit, sign in zip(thresholds, signs, strict=True)
            ],
            axis=-1,
        )

    null = sums(changes.random)
    mean, variance = null.mean(axis=0), null.var(axis=0)
    # A sum above many standard errors is 0 but for single categories: its variance says little.
    single = float((changes.error**2).mean())
    studentized = (null - mean) / np.sqrt(variance + single)
    quantile = float(np.quantile(studentized.max(axis=1), 1.0 - error_rate))
    certain = [max(changes.certain_variance(sign), single) for sign in signs]
    limits = sums(changes.difference) - mean - quantile * np.sqrt(variance + certain)
    return float(np.clip(limits.max(), 0.0, 1.0))


def _upper_limit(changes: _Changes) -> float:
    """Return the share that gives the observed distance where all categories changed alike."""
    observed = float(np.abs(changes.difference).sum()) / 2.0
    shape = 2.0 * changes.error / changes.error.sum()
    # Alternate signs in the order of the errors: gains and losses are about equal.
    shape[np.argsort(changes.error)[::2]] *= -1.0
    certain = max(changes.certain_variance(sign) for sign in (1.0, -1.0))

    def is_too_large(share: float) -> bool:
        distance = np.abs(share * shape + changes.random).sum(axis=1) / 2.0
        return bool(distance.mean() - Z * np.sqrt(distance.var() + certain) > observed)

    return _bisect(is_too_large)


def _bisect(is_too_large: Callable[[float], bool]) -> float:
    lower, upper = 0.0, 1.0
    if not is_too_large(upper):
        return upper
    for _ in range(BISECTIONS):
        middle = (lower + upper) / 2.0
        lower, upper = (lower, middle) if is_too_large(middle) else (middle, upper)
    return upper
