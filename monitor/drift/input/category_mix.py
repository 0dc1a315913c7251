r"""Comparison of the shares of categories, such as task types, with users as the units.

The statistic is Pearson's chi-square over the categories,

.. math:: \chi^2 = \Bigl(\frac{1}{n_X} + \frac{1}{n_Y}\Bigr)^{-1}
          \sum_k \frac{(\hat q_k - \hat p_k)^2}{\bar p_k},

with the shares :math:`\hat p_k` of the reference, :math:`\hat q_k` of the current window and
:math:`\bar p_k` of both. Its table would treat the messages of a user as independent; here the null
distribution comes from permuting bins of users (:mod:`monitor.drift.permutation.bins`), dealt so
that the bins of both sides carry the same noise.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.drift.input.moved_share import CONFIDENCE, MovedShare, estimate_moved_share
from monitor.drift.permutation.bins import Bins, balance, deal_bins
from monitor.drift.permutation.contrasts import Quadratic
from monitor.drift.permutation.feature_map import IdentityFeatures
from monitor.drift.permutation.labels import label_chunks, upper_p_values
from monitor.drift.permutation.sketch import Sketch, make_sketch
from monitor.drift.samples.group_ids import Groups
from monitor.drift.samples.units import unit_keys

#: Categories tested separately; the rarer ones, by both sides together, are tested as one.
MAXIMUM_CATEGORIES = 50
#: The same for the estimate of the share that moved, which sees nothing within a sum.
MAXIMUM_ESTIMATED = 200


@dataclass(frozen=True, kw_only=True)
class MixComparison:
    """Shares of each category, and the test of their change."""

    reference: dict[str, float]
    current: dict[str, float]
    #: Pearson's chi-square over the categories.
    statistic: float
    p_value: float
    #: Half the sum of the absolute differences: the total variation distance of the samples, in
    #: [0, 1]. It is positive by chance alone, the more so the more categories there are.
    effect_size: float
    #: Estimate of the share of ``current`` that moved between categories: the total variation
    #: distance without the noise; see :mod:`monitor.drift.input.moved_share`. NaN without a test.
    moved_share: float
    #: Its 95% interval; it contains 0 where the test doesn't reject at 5%.
    moved_share_interval: tuple[float, float]


def compare_mix(
    reference: Sequence[str],
    current: Sequence[str],
    *,
    reference_groups: Groups = None,
    current_groups: Groups = None,
    rng: np.random.Generator,
    n_permutations: int = 1999,
) -> MixComparison:
    """Test whether the categories' shares differ, by permuting users' labels.

    A change of the mix is an explanation, not an alarm: each task may still be done as well.

    Args:
        reference: ``[n_reference]`` categories.
        current: ``[n_current]``.
        reference_groups: ``[n_reference]`` ids of users or sessions, as for :func:`compare`.
        current_groups: ``[n_current]``.
        rng: Deals users to bins and draws the permutations.
        n_permutations: Random labellings ``B``; no p-value is below ``1 / (1 + B)``.

    Returns:
        The p-value is NaN where a side has fewer than two users, or there is one category only.

    Raises:
        ValueError: A category isn't text, not one group id for each sample, or no permutations.

    Reference: Pearson, Philos. Mag. 1900, for the statistic; Phipson & Smyth, SAGMB 2010, for the
    p-value.

    Example:
        >>> import numpy as np
        >>> mix = compare_mix(["a"] * 90 + ["b"] * 10, ["a"] * 60 + ["b"] * 40,
        ...                   rng=np.random.default_rng(0))
        >>> round(mix.moved_share, 1), mix.p_value < 0.01
        (0.3, True)
    """
    if n_permutations < 1:
        raise ValueError(f"n_permutations must be 1 or more; got {n_permutations}")
    _check_categories(reference, "reference")
    _check_categories(current, "current")
    shares = (_shares(reference), _shares(current))
    names = sorted({*shares[0], *shares[1]})
    distance = sum(abs(shares[0].get(n, 0.0) - shares[1].get(n, 0.0)) for n in names) / 2
    indicator = _indicators(reference, current)
    salts = rng.integers(2**63, size=2).tolist()
    rows = (indicator[: len(reference)], indicator[len(reference) :])
    keys = [
        unit_keys(groups, side, name, salt=salt)
        for side, groups, name, salt in (
            (rows[0], reference_groups, "reference_groups", salts[0]),
            (rows[1], current_groups, "current_groups", salts[1]),
        )
    ]
    before, after = (
        make_sketch(IdentityFeatures(), side, key) for side, key in zip(rows, keys, strict=True)
    )
    statistic, p_value = 0.0, math.nan
    moved = MovedShare(estimate=math.nan, lower=0.0, upper=1.0)
    if indicator.shape[1] > 1 and min(before.n_units, after.n_units) > 1:
        bins = deal_bins(before, after, rng)
        # Chi-square is of the order of 1: smaller differences are rounding.
        statistics = np.round(_chi_squares(before, after, bins, n_permutations, rng), 9)
        statistic, p_value = float(statistics[0]), float(upper_p_values(statistics[:, None])[0, 0])
        codes = number_categories((*reference, *current), MAXIMUM_ESTIMATED)
        moved = estimate_moved_share(
            codes[: len(reference)], codes[len(reference) :], keys, bins, rng
        )
    return MixComparison(
        reference=shares[0],
        current=shares[1],
        statistic=statistic,
        p_value=p_value,
        effect_size=distance if len(reference) and len(current) else 0.0,
        moved_share=moved.estimate,
        moved_share_interval=(moved.lower if p_value <= 1.0 - CONFIDENCE else 0.0, moved.upper),
    )


def _check_categories(categories: Sequence[str], name: str) -> None:
    unnamed = [row for row, category in enumerate(categories) if not isinstance(category, str)]
    if unnamed:
        raise ValueError(
            f"{name}: row {unnamed[0]} is not the name of a category: {categories[unnamed[0]]!r}; "
            "name it, or leave such samples out"
        )


def _shares(categories: Sequence[str]) -> dict[str, float]:
    return {name: n / len(categories) for name, n in sorted(Counter(categories).items())}


def _indicators(reference: Sequence[str], current: Sequence[str]) -> NDArray[np.float32]:
    """Return the indicators of the categories, float32 ``[n_reference + n_current, k]``."""
    codes = number_categories((*reference, *current), MAXIMUM_CATEGORIES)
    return np.eye(int(codes.max(initial=0)) + 1, dtype=np.float32)[codes]


def number_categories(categories: Sequence[str], limit: int) -> NDArray[np.int64]:
    """Return the rank of each category by frequency, at most ``limit``, ``[n]``."""
    frequencies = Counter(sorted(categories))
    number = {
        name: min(position, limit) for position, (name, _) in enumerate(frequencies.most_common())
    }
    return np.array([number[name] for name in categories], dtype=np.int64)


def _chi_squares(
    reference: Sketch, current: Sketch, bins: Bins, n_permutations: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return Pearson's chi-square under the true labels and every permutation, ``[1 + B]``."""
    sums = bins.total(reference.sums, current.sums)
    counts = bins.total(reference.counts, current.counts)
    n_current, n_samples = counts[bins.is_current].sum(), counts.sum()
    weight = balance(bins, counts)
    share = sums.sum(axis=0) / n_samples
    sums, counts = sums * weight[:, None], counts * weight
    scaled = (sums / np.sqrt(np.maximum(share, 1e-12)))[:, share > 0]
    chi_square = Quadratic("mix", "mix", scaled @ scaled.T, counts, scale=1.0)
    labels = label_chunks(bins.is_current, bins.half, n_permutations, rng)
    harmonic = n_current * (n_samples - n_current) / n_samples
    # The shares of a side add up to 1, so that the contrast of a constant is 0.
    return np.asarray(harmonic * np.concatenate([chi_square.evaluate(chunk) for chunk in labels]))
