"""Agreement of the judge with human raters: Cohen's kappa and Krippendorff's alpha."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.statistics.agreement import cohen_kappas, coincidence_alphas

N_RESAMPLES = 1_999
#: Minimum items with both ratings.
MIN_ITEMS = 20
#: Minimum of Krippendorff's alpha for conclusions from the ratings.
RELIABLE = 0.667

#: ``[b, k, k]``: counts of items by human rating and judge rating.
Tables = NDArray[np.float64]


@dataclass(frozen=True)
class Agreement:
    """Agreement of the judge with raters on the items that both rated.

    ``None``: undefined, because of too few items or a single rating value.
    """

    n: int
    #: Items with human ratings on which the judge failed.
    n_judge_failed: int
    kappa: float | None
    kappa_interval: tuple[float, float] | None
    alpha: float | None
    alpha_interval: tuple[float, float] | None

    @property
    def refutes_judge(self) -> bool:
        """Whether enough items were rated and agreement above chance is not shown."""
        return self.n >= MIN_ITEMS and (self.alpha_interval is None or self.alpha_interval[0] <= 0)

    def __str__(self) -> str:
        missing = f", the judge failed on {self.n_judge_failed} more" if self.n_judge_failed else ""
        if self.alpha is None or self.kappa is None:
            return (
                f"agreement with raters unknown: {self.n} items{missing}; at least {MIN_ITEMS} are "
                "needed"
            )
        message = f"agreement with raters on {self.n} items{missing}"
        for name, value, interval in (
            ("Cohen's kappa", self.kappa, self.kappa_interval),
            ("Krippendorff's alpha", self.alpha, self.alpha_interval),
        ):
            between = f" ({interval[0]:.2f} to {interval[1]:.2f})" if interval else ""
            message += f"; {name} {value:.2f}{between}"
        weak = self.alpha_interval is None or self.alpha_interval[0] < RELIABLE
        return message + (
            f"; not shown to be above {RELIABLE}, so don't rely on this judge" if weak else ""
        )


def agreement(
    raters: Mapping[str, Hashable],
    judge: Mapping[str, Hashable | None],
    rng: np.random.Generator,
) -> Agreement:
    """Measure the agreement of the judge's preferences with the raters', item by item.

    Ratings are by item, such as ``candidate``, ``tie`` or ``incumbent``; ``None``: the judge
    failed, which is counted. ``rng`` draws the bootstrap over items.

    References: Cohen (1960), Educational and Psychological Measurement 20; Krippendorff (2004),
    Content analysis, chapter 11 (nominal data, two observers).
    """
    both = [name for name in raters if judge.get(name) is not None]
    failed = sum(name in judge and judge[name] is None for name in raters)
    labels = {
        label: place
        for place, label in enumerate(
            dict.fromkeys([*(raters[entry] for entry in both), *(judge[entry] for entry in both)])
        )
    }
    if len(both) < MIN_ITEMS:
        return Agreement(len(both), failed, None, None, None, None)
    cells = np.array([labels[raters[o]] * len(labels) + labels[judge[o]] for o in both])
    width = len(labels)
    kappa, kappa_interval = _with_interval(cells, width, cohen_kappas, rng)
    alpha, alpha_interval = _with_interval(cells, width, _nominal_alphas, rng)
    return Agreement(len(both), failed, kappa, kappa_interval, alpha, alpha_interval)


def _with_interval(
    cells: NDArray[np.int64],
    width: int,
    coefficients: Callable[[Tables], NDArray[np.float64]],
    rng: np.random.Generator,
) -> tuple[float | None, tuple[float, float] | None]:
    counts = np.bincount(cells, minlength=width * width)
    drawn = rng.multinomial(len(cells), counts / len(cells), size=N_RESAMPLES)
    tables = np.vstack([counts, drawn]).reshape(-1, width, width).astype(np.float64)
    resampled = coefficients(tables)
    value = resampled[0]
    if np.isnan(value):
        return None, None
    defined = resampled[1:][~np.isnan(resampled[1:])]
    if len(defined) < 0.95 * N_RESAMPLES:
        return float(value), None
    lower, upper = np.quantile(defined, [0.025, 0.975])
    return float(value), (float(lower), float(upper))


def _nominal_alphas(tables: Tables) -> NDArray[np.float64]:
    return coincidence_alphas(tables + tables.transpose(0, 2, 1))
