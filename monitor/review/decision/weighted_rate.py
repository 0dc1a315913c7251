"""Rates from the reviews of all slices, weighted by inclusion probability.

A text with the share ``q`` of a window's traffic that was drawn with probability ``pi`` represents
``q / pi`` of the traffic. The shares of strata are known from the window, so each stratum's rate is
estimated separately (Hajek's ratio) and the rates are combined by the known shares: targeted items
add precision where errors are, without bias.

References: J. Hajek (1971), comment in Foundations of Statistical Inference; E. L. Korn & B. I.
Graubard (1998), Survey Methodology 24, 193-201 (effective sample size); G. Y. Zou & A. Donner
(2008), Statistics in Medicine 27, 1693-1702 (MOVER).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from monitor.statistics.intervals import wilson_interval

#: Confidence of the intervals on pages, whatever the confidence of the decision.
DISPLAY_CONFIDENCE = 0.95

#: A stratum with fewer reviewed texts is merged with its neighbour.
MIN_REVIEWS_PER_CELL = 5

#: Effective number of reviews if everything was reviewed.
CENSUS = 1e12


@dataclass(frozen=True)
class WeightedReview:
    """A reviewed text with its weight."""

    wrong: bool
    #: Its share of the traffic over its inclusion probability.
    weight: float
    #: Its inclusion probability.
    probability: float


@dataclass(frozen=True)
class WeightedRate:
    """A rate of the traffic, with its 95% interval."""

    #: Unweighted counts of reviewed and of wrong texts.
    n: int
    n_wrong: int
    #: Size of a simple random sample of the same precision.
    effective_n: float
    rate: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Cell:
    """A stratum: its share of the traffic and its reviewed texts."""

    share: float
    sample: Sequence[WeightedReview]


def stratified_rate(cells: Sequence[Cell], n_window: float) -> WeightedRate | None:
    """Estimate the rate of wrong responses over strata of known shares.

    The interval combines (MOVER: root of the sum of squares) the distances of each stratum's Wilson
    limits, at its effective number of reviews, and of Wilson's limits at the size of the window,
    which is itself a sample of the traffic. Similar strata are side by side; their shares need not
    add up to 1. ``n_window`` is the number of exchanges of the window that lie in the cells.
    Without reviews there is no estimate.
    """
    joined = _join_small(cells)
    sample = [review for cell in joined for review in cell.sample]
    total = sum(cell.share for cell in joined)
    if not sample or total <= 0:
        return None
    rate = below = above = variance = 0.0
    per_review = 1.0 / max(1.0, n_window)
    for cell in joined:
        share = cell.share / total
        cell_rate = _hajek(cell.sample)
        n = effective_number(cell.sample, cell_rate)
        lower, upper = _limits(cell_rate, n)
        rate += share * cell_rate
        variance += share**2 * cell_rate * (1 - cell_rate) / n
        per_review += share**2 / n
        below += (share * (cell_rate - lower)) ** 2
        above += (share * (upper - cell_rate)) ** 2
    rate = min(1.0, max(0.0, rate))
    variance += rate * (1 - rate) / max(1.0, n_window)
    lower, upper = _limits(rate, max(1.0, n_window))
    lower = max(0.0, rate - math.sqrt(below + (rate - lower) ** 2))
    upper = min(1.0, rate + math.sqrt(above + (upper - rate) ** 2))
    return WeightedRate(
        n=len(sample),
        n_wrong=sum(review.wrong for review in sample),
        effective_n=rate * (1 - rate) / variance if variance > 0 else 1.0 / per_review,
        rate=rate,
        lower=lower,
        upper=upper,
    )


def weighted_share(sample: Sequence[WeightedReview]) -> WeightedRate | None:
    """Estimate the share of a kind in a part of the traffic of unknown size.

    Every text counts with its full sampling variance, even if its inclusion was certain. ``wrong``
    marks the texts of the kind.
    """
    if not sample:
        return None
    drawn = [WeightedReview(review.wrong, review.weight, 0.0) for review in sample]
    rate = _hajek(drawn)
    n = effective_number(drawn, rate)
    lower, upper = _limits(rate, n)
    return WeightedRate(len(sample), sum(review.wrong for review in sample), n, rate, lower, upper)


def effective_number(sample: Sequence[WeightedReview], rate: float) -> float:
    """Return the size of a simple random sample of the same precision, at least 1.

    ``p (1 - p)`` over the estimated variance of ``p`` given the window (Korn & Graubard), but at
    most the effective number by the weights alone (Kish), since a sample with few errors may show
    too little variance by chance.
    """
    total = sum(review.weight for review in sample)
    spread = sum(review.weight**2 * (1 - review.probability) for review in sample)
    if spread <= total**2 / CENSUS:
        return CENSUS
    kish = total**2 / spread
    variance = (
        sum(
            (review.weight * (review.wrong - rate)) ** 2 * (1 - review.probability)
            for review in sample
        )
        / total**2
    )
    if variance > 0:
        return max(1.0, min(kish, rate * (1 - rate) / variance))
    return max(1.0, kish)


def _hajek(sample: Sequence[WeightedReview]) -> float:
    wrong = sum(review.weight for review in sample if review.wrong)
    return wrong / sum(review.weight for review in sample)


def _limits(rate: float, n: float) -> tuple[float, float]:
    if n >= CENSUS:
        return rate, rate
    lower, upper = wilson_interval(rate * n, n, DISPLAY_CONFIDENCE)
    return min(lower, rate), max(upper, rate)


def _join_small(cells: Sequence[Cell]) -> list[Cell]:
    """Merge neighbours until each has enough reviews; cells with neither share nor review drop."""
    merged = [cell for cell in cells if cell.share > 0 or cell.sample]
    while len(merged) > 1:
        smallest = min(range(len(merged)), key=lambda index: len(merged[index].sample))
        if len(merged[smallest].sample) >= MIN_REVIEWS_PER_CELL:
            break
        at = max(0, smallest - 1)
        left, right = merged[at], merged[at + 1]
        merged[at : at + 2] = [Cell(left.share + right.share, [*left.sample, *right.sample])]
    return merged
