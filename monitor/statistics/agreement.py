"""Agreement between raters: raw, Krippendorff's alpha, Gwet's AC1 and Cohen's kappa."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

#: Nominal: ratings are equal or not. Ordinal: they have an order, and a step between two of them is
#: as large as the share of ratings that lie in between.
Metric = Literal["nominal", "ordinal"]

#: Of the intervals.
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Agreement:
    """Coefficients of agreement; ``None`` where one is undefined."""

    #: Items with at least two ratings.
    n_items: int
    #: Share of the pairs of ratings of an item that are equal, averaged over the items.
    raw: float | None
    #: Krippendorff's alpha; undefined where all ratings are the same.
    alpha: float | None
    #: 95% bootstrap interval over the items.
    alpha_lower: float | None
    alpha_upper: float | None
    #: Gwet's AC1, which stays meaningful where one rating is rare; nominal ratings only.
    ac1: float | None
    #: 95% interval from its variance over the items.
    ac1_lower: float | None
    ac1_upper: float | None


UNDEFINED = Agreement(0, None, None, None, None, None, None, None)


def measure_agreement(
    ratings: Sequence[Sequence[str | int]],
    *,
    rng: np.random.Generator,
    metric: Metric = "nominal",
    n_resamples: int = 1000,
) -> Agreement:
    """Return the agreement of any number of raters, with intervals.

    An item with one rating has no agreement, but counts in AC1's prevalence of the ratings, as in
    the reference. Ordinal ratings are numbers. ``rng`` draws the items of the bootstrap.
    """
    counts = count_ratings(ratings)
    paired = counts[counts.sum(axis=1) >= 2]
    if len(paired) == 0:
        return UNDEFINED
    per_item = paired.sum(axis=1)
    raw = ((paired * (paired - 1)).sum(axis=1) / (per_item * (per_item - 1))).mean()
    lower, upper = _bootstrap(paired, metric, rng, n_resamples)
    ac1, ac1_lower, ac1_upper = gwet_ac1(counts) if metric == "nominal" else (None, None, None)
    return Agreement(
        n_items=len(paired),
        raw=float(raw),
        alpha=krippendorff_alpha(counts, metric),
        alpha_lower=lower,
        alpha_upper=upper,
        ac1=ac1,
        ac1_lower=ac1_lower,
        ac1_upper=ac1_upper,
    )


def count_ratings(ratings: Sequence[Sequence[str | int]]) -> NDArray[np.float64]:
    """Return how often item i got value k, float64 ``[n, q]``, the values in their order."""
    values = sorted({value for item in ratings for value in item}, key=lambda value: (value,))
    rows = [[list(item).count(value) for value in values] for item in ratings if len(item)]
    return np.array(rows, dtype=float).reshape(len(rows), len(values))


def krippendorff_alpha(counts: NDArray[np.float64], metric: Metric = "nominal") -> float | None:
    """Return Krippendorff's alpha; ``None`` where only one value occurs.

    The counts, ``[n, q]``, are how often item i got value k, the values in their order; items with
    fewer than two ratings are left out. The metric is the distance between two values.

    Reference: Krippendorff, Computing Krippendorff's Alpha-Reliability, 2011.
    """
    paired = counts[counts.sum(axis=1) >= 2]
    alpha = coincidence_alphas(_coincidences(paired).sum(axis=0)[None], metric)[0]
    return None if np.isnan(alpha) else float(alpha)


def coincidence_alphas(
    coincidences: NDArray[np.float64], metric: Metric = "nominal"
) -> NDArray[np.float64]:
    """Return Krippendorff's alpha of coincidence matrices, ``[b]``; NaN where one value occurs.

    They are ``[b, q, q]``; of two raters it is their table of counts plus its transpose.
    """
    totals = coincidences.sum(axis=2)
    n = totals.sum(axis=1)
    distance = _squared_distances(totals, metric)
    observed = (coincidences * distance).sum(axis=(1, 2))
    expected = (totals[:, :, None] * totals[:, None, :] * distance).sum(axis=(1, 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        alphas = 1 - (n - 1) * observed / expected
    return np.where(expected > 0, alphas, np.nan)


def cohen_kappas(tables: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Cohen's kappa of two raters' tables of counts, ``[b]``; NaN where one value occurs.

    The tables are ``[b, q, q]``: items by the first rater's value and the second's.

    Reference: Cohen, Educational and Psychological Measurement 1960.
    """
    n = tables.sum(axis=(1, 2))
    expected = (tables.sum(axis=1) * tables.sum(axis=2)).sum(axis=1) / n**2
    observed = np.trace(tables, axis1=1, axis2=2) / n
    with np.errstate(divide="ignore", invalid="ignore"):
        kappas = (observed - expected) / (1 - expected)
    return np.where(expected < 1, kappas, np.nan)


def gwet_ac1(
    counts: NDArray[np.float64],
) -> tuple[float | None, float | None, float | None]:
    """Return Gwet's AC1 with its 95% interval; ``None`` where only one value occurs.

    The counts, ``[n, q]``, are how often item i got value k; at least one rating an item.

    Reference: Gwet, Brit. J. Math. Stat. Psych. 2008, 61, 29-48; with missing ratings and the
    variance as in his Handbook of Inter-Rater Reliability, 2014, chapter 5.
    """
    counts = counts[:, counts.sum(axis=0) > 0]
    n, q = counts.shape
    per_item = counts.sum(axis=1)
    paired = per_item >= 2
    if q < 2 or not paired.any():
        return None, None, None
    pairs = np.where(paired, per_item * (per_item - 1), 1.0)
    agreed = np.where(paired, (counts * (counts - 1)).sum(axis=1) / pairs, 0.0)
    share = counts / per_item[:, None]
    prevalence = share.mean(axis=0)
    by_chance = float((prevalence * (1 - prevalence)).sum() / (q - 1))
    scale = n / paired.sum()
    ac1 = float((scale * agreed.mean() - by_chance) / (1 - by_chance))
    if n < 2:
        return ac1, None, None
    # Each item's influence: on the agreement, and through the prevalence on that by chance.
    influence = scale * (agreed - by_chance * paired) / (1 - by_chance)
    own_chance = share @ (1 - prevalence) / (q - 1)
    influence -= 2 * (1 - ac1) * (own_chance - by_chance) / (1 - by_chance)
    error = float(np.sqrt(((influence - ac1) ** 2).sum() / (n * (n - 1))))
    reach = float(special.stdtrit(n - 1, (1 + CONFIDENCE) / 2)) * error
    return ac1, ac1 - reach, min(1.0, ac1 + reach)


def _coincidences(paired: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``[n, q, q]``: each item's ordered pairs of ratings over its ratings less 1."""
    q = paired.shape[1]
    pairs = paired[:, :, None] * paired[:, None, :] - paired[:, :, None] * np.eye(q)
    weighted: NDArray[np.float64] = pairs / (paired.sum(axis=1) - 1)[:, None, None]
    return weighted


def _squared_distances(totals: NDArray[np.float64], metric: Metric) -> NDArray[np.float64]:
    """Return the squared distance of each two values ``[b, q, q]``, from how often each occurs."""
    q = totals.shape[1]
    if metric == "nominal":
        return np.broadcast_to(1 - np.eye(q), (len(totals), q, q))
    middle = np.cumsum(totals, axis=1) - totals / 2
    squared: NDArray[np.float64] = (middle[:, :, None] - middle[:, None, :]) ** 2
    return squared


def _bootstrap(
    paired: NDArray[np.float64], metric: Metric, rng: np.random.Generator, n_resamples: int
) -> tuple[float | None, float | None]:
    n, q = paired.shape
    # Far faster than multinomial numbers: draw items, and count how often each came.
    chosen = rng.integers(0, n, (n_resamples, n)) + n * np.arange(n_resamples)[:, None]
    drawn = np.bincount(chosen.ravel(), minlength=n_resamples * n).reshape(n_resamples, n)
    resampled = drawn @ _coincidences(paired).reshape(n, q * q)
    alphas = coincidence_alphas(resampled.reshape(n_resamples, q, q), metric)
    defined = alphas[~np.isnan(alphas)]
    if len(defined) < n_resamples / 2:
        return None, None
    tail = (1 - CONFIDENCE) / 2
    lower, upper = np.quantile(defined, [tail, 1 - tail])
    return float(lower), float(upper)
