"""How far independent reviewers agree: raw, Krippendorff's alpha, Gwet's AC1."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Agreement:
    """Figures of agreement; ``None`` where one is undefined."""

    #: Items with at least two ratings.
    n_items: int
    #: Share of pairs of ratings of an item that are equal.
    raw: float | None
    #: Krippendorff's alpha, nominal; undefined where everybody always gave the same rating.
    alpha: float | None
    #: 95% bootstrap interval over the items.
    alpha_lower: float | None
    alpha_upper: float | None
    #: Gwet's AC1, which stays meaningful where one rating is rare.
    ac1: float | None


def measure_agreement(
    ratings: Sequence[Sequence[str]], *, rng: np.random.Generator, n_resamples: int = 2000
) -> Agreement:
    """Measure agreement on nominal ratings.

    Args:
        ratings: For each item, the ratings it got; items with fewer than two say nothing.
        rng: Draws the bootstrap's items.
        n_resamples: Bootstrap samples.
    """
    counts = _count(ratings)
    if len(counts) == 0:
        return Agreement(0, None, None, None, None, None)
    n_pairs = counts.sum(axis=1) * (counts.sum(axis=1) - 1)
    raw = float((counts * (counts - 1)).sum() / n_pairs.sum())
    lower, upper = _bootstrap(counts, rng, n_resamples)
    return Agreement(
        n_items=len(counts),
        raw=raw,
        alpha=krippendorff_alpha(counts),
        alpha_lower=lower,
        alpha_upper=upper,
        ac1=gwet_ac1(counts),
    )


def krippendorff_alpha(counts: NDArray[np.float64]) -> float | None:
    """Return Krippendorff's alpha for nominal data; ``None`` where only one value occurs.

    Args:
        counts: ``[n, q]``, how often item i got value k; at least two ratings an item.

    Reference: K. Krippendorff (2011), Computing Krippendorff's Alpha-Reliability.
    """
    per_item = counts.sum(axis=1)
    observed = ((per_item**2 - (counts**2).sum(axis=1)) / (per_item - 1)).sum()
    totals = counts.sum(axis=0)
    n = totals.sum()
    expected = (n**2 - (totals**2).sum()) / (n - 1)
    return None if expected == 0 else float(1 - observed / expected)


def gwet_ac1(counts: NDArray[np.float64]) -> float | None:
    """Return Gwet's AC1; ``None`` where only one value occurs.

    Args:
        counts: ``[n, q]``, how often item i got value k; at least two ratings an item.

    Reference: K. L. Gwet (2008), Brit. J. Math. Stat. Psych. 61, 29-48.
    """
    counts = counts[:, counts.sum(axis=0) > 0]
    q = counts.shape[1]
    if q < 2:
        return None
    per_item = counts.sum(axis=1)
    observed = ((counts * (counts - 1)).sum(axis=1) / (per_item * (per_item - 1))).mean()
    prevalence = (counts / per_item[:, None]).mean(axis=0)
    by_chance = (prevalence * (1 - prevalence)).sum() / (q - 1)
    return float((observed - by_chance) / (1 - by_chance))


def _count(ratings: Sequence[Sequence[str]]) -> NDArray[np.float64]:
    rated = [item for item in ratings if len(item) >= 2]
    values = sorted({value for item in rated for value in item})
    return np.array([[item.count(value) for value in values] for item in rated], dtype=float)


def _bootstrap(
    counts: NDArray[np.float64], rng: np.random.Generator, n_resamples: int
) -> tuple[float | None, float | None]:
    drawn = rng.integers(0, len(counts), size=(n_resamples, len(counts)))
    alphas = [krippendorff_alpha(counts[rows]) for rows in drawn]
    defined = [alpha for alpha in alphas if alpha is not None]
    if len(defined) < n_resamples / 2:
        return None, None
    lower, upper = np.quantile(defined, [0.025, 0.975])
    return float(lower), float(upper)
