"""Rates from all that was reviewed, whatever it was drawn for, weighted by inclusion probability.

A text that has the share ``q`` of a window's traffic and was drawn with probability ``pi`` stands
for ``q / pi`` of the traffic. Shares of strata are known from the window, so each stratum's rate is
estimated by itself (Hajek's ratio) and the rates are put together by the known shares: targeted
items then add precision where errors are, and bias nothing.

References: J. Hajek (1971), comment in Foundations of Statistical Inference; E. L. Korn & B. I.
Graubard (1998), Survey Methodology 24, 193-201 (effective sample size); G. Y. Zou & A. Donner
(2008), Statistics in Medicine 27, 1693-1702 (MOVER).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from monitor.statistics.intervals import wilson_interval

#: Confidence of the intervals that are shown, whatever the decision asks for.
DISPLAY_CONFIDENCE = 0.95

#: A stratum with fewer reviewed texts is joined with its neighbour: its rate would say nothing.
MIN_REVIEWS_PER_CELL = 5

#: Where everything was reviewed the effective number of reviews has no bound.
CENSUS = 1e12


@dataclass(frozen=True)
class WeightedReview:
    """A reviewed text."""

    wrong: bool
    #: What it stands for: its share of the traffic over its inclusion probability.
    weight: float
    #: Its inclusion probability.
    probability: float


@dataclass(frozen=True)
class WeightedRate:
    """A rate of the traffic, with its 95% interval."""

    #: Texts reviewed, and those of them that are wrong: counts, as they are.
    n: int
    n_wrong: int
    #: Texts that a simple random sample would need to be as precise.
    effective_n: float
    rate: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Cell:
    """A stratum: its share of the traffic in question, and what was reviewed of it."""

    share: float
    sample: Sequence[WeightedReview]


def stratified_rate(cells: Sequence[Cell], n_window: float) -> WeightedRate | None:
    """Estimate the rate of wrong responses over strata of known shares.

    The interval squares and adds (MOVER) the distances of each stratum's Wilson limits, at its
    effective number of reviews, and of Wilson's limits at the size of the window, which is itself a
    sample of the traffic.

    Args:
        cells: Neighbours are alike; shares need not add up to 1.
        n_window: Exchanges of the window that lie in the cells.

    Returns:
        The estimate; ``None`` where nothing was reviewed.
    """
    joined = _join_small(cells)
    sample = [one for cell in joined for one in cell.sample]
    total = sum(cell.share for cell in joined)
    if not sample or total <= 0:
        return None
    rate = below = above = variance = 0.0
    per_review = 1.0 / max(1.0, n_window)
    for cell in joined:
        share = cell.share / total
        own = _hajek(cell.sample)
        n = effective_number(cell.sample, own)
        lower, upper = _limits(own, n)
        rate += share * own
        variance += share**2 * own * (1 - own) / n
        per_review += share**2 / n
        below += (share * (own - lower)) ** 2
        above += (share * (upper - own)) ** 2
    rate = min(1.0, max(0.0, rate))
    variance += rate * (1 - rate) / max(1.0, n_window)
    lower, upper = _limits(rate, max(1.0, n_window))
    lower = max(0.0, rate - math.sqrt(below + (rate - lower) ** 2))
    upper = min(1.0, rate + math.sqrt(above + (upper - rate) ** 2))
    return WeightedRate(
        n=len(sample),
        n_wrong=sum(one.wrong for one in sample),
        effective_n=rate * (1 - rate) / variance if variance > 0 else 1.0 / per_review,
        rate=rate,
        lower=lower,
        upper=upper,
    )


def weighted_share(sample: Sequence[WeightedReview]) -> WeightedRate | None:
    """Estimate the share of one kind in a part of the traffic whose size isn't known.

    Every text counts with its full sampling variance, also one that was sure to be drawn.

    Args:
        sample: ``wrong`` says whether a text is of the kind.
    """
    if not sample:
        return None
    drawn = [WeightedReview(one.wrong, one.weight, 0.0) for one in sample]
    rate = _hajek(drawn)
    n = effective_number(drawn, rate)
    lower, upper = _limits(rate, n)
    return WeightedRate(len(sample), sum(one.wrong for one in sample), n, rate, lower, upper)


def effective_number(sample: Sequence[WeightedReview], rate: float) -> float:
    """Return how many simple random draws a weighted sample is worth, at least 1.

    ``p (1 - p)`` over the estimated variance of ``p`` given the window (Korn & Graubard), but never
    more than the weights alone allow (Kish), since a sample of few errors may show too little
    variance by chance.
    """
    total = sum(one.weight for one in sample)
    spread = sum(one.weight**2 * (1 - one.probability) for one in sample)
    if spread <= total**2 / CENSUS:
        return CENSUS
    kish = total**2 / spread
    variance = (
        sum((one.weight * (one.wrong - rate)) ** 2 * (1 - one.probability) for one in sample)
        / total**2
    )
    if variance > 0:
        return max(1.0, min(kish, rate * (1 - rate) / variance))
    return max(1.0, kish)


def _hajek(sample: Sequence[WeightedReview]) -> float:
    wrong = sum(one.weight for one in sample if one.wrong)
    return wrong / sum(one.weight for one in sample)


def _limits(rate: float, n: float) -> tuple[float, float]:
    if n >= CENSUS:
        return rate, rate
    lower, upper = wilson_interval(rate * n, n, DISPLAY_CONFIDENCE)
    return min(lower, rate), max(upper, rate)


def _join_small(cells: Sequence[Cell]) -> list[Cell]:
    """Join neighbours until each has enough reviews; what has no share and no review goes."""
    left = [cell for cell in cells if cell.share > 0 or cell.sample]
    while len(left) > 1:
        smallest = min(range(len(left)), key=lambda index: len(left[index].sample))
        if len(left[smallest].sample) >= MIN_REVIEWS_PER_CELL:
            break
        first = max(0, smallest - 1)
        one, other = left[first], left[first + 1]
        left[first : first + 2] = [Cell(one.share + other.share, [*one.sample, *other.sample])]
    return left
