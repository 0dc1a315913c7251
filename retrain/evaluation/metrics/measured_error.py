"""Error of a rule or judge that recognises something, measured on labelled responses.

A share that a rule counts differs from the true one by its misses and false alarms. The bounds of
gates include both (Rogan and Gladen, 1978, American Journal of Epidemiology 107), and that they are
known from few labelled responses.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import special

from monitor.statistics.intervals import clopper_pearson

Counts = tuple[int, int]

#: Quantiles by which a distribution is represented.
_GRID = (np.arange(400) + 0.5) / 400


@dataclass(frozen=True)
class MeasuredError:
    """Counts on labelled responses: recognised rightly, of all."""

    #: Of the responses that have what is looked for.
    positives: Counts
    #: Of the responses that don't.
    negatives: Counts

    def bounds(self, k: int, n: int, tail: float) -> tuple[float, float]:
        """Return one-sided bounds of the true share, from ``k`` of ``n`` recognised responses.

        The lower bound assumes no miss, and false alarms as on the labels; the upper one the
        reverse. Both meld the distributions that have Clopper and Pearson's limits as quantiles,
        that of the count and that of the labels. Each is wrong with a probability of about
        ``tail``; trials in the tests measure it.

        Reference: Fay, Proschan and Brittain (2015), Biometrics 71.
        """
        least = (_lower(k, n)[:, None] + self._specificity - 1) / self._specificity
        most = _upper(k, n)[:, None] / self._sensitivity
        lower, upper = float(np.quantile(least, tail)), float(np.quantile(most, 1 - tail))
        return max(0.0, lower), min(1.0, upper)

    def possible_shares(self, share: float, tail: float) -> tuple[float, float]:
        """Return the least and the largest true share that the labels allow for a counted one."""
        sensitivity = clopper_pearson(*self.positives, tail)[0]
        specificity = clopper_pearson(*self.negatives, tail)[0]
        least = (share + specificity - 1) / specificity if specificity else 0.0
        return max(0.0, least), min(1.0, share / sensitivity if sensitivity else 1.0)

    @cached_property
    def _sensitivity(self) -> NDArray[np.float64]:
        return _lower(*self.positives)

    @cached_property
    def _specificity(self) -> NDArray[np.float64]:
        return _lower(*self.negatives)

    def is_informative(self, tail: float) -> bool:
        """Return whether more positives than negatives are recognised, at both limits.

        A constant judge, or one by chance, recognises as large a share of either.
        """
        shares = [clopper_pearson(*counts, tail)[0] for counts in (self.positives, self.negatives)]
        return sum(shares) > 1

    def __str__(self) -> str:
        parts = []
        for name, (right, n) in (("sensitivity", self.positives), ("specificity", self.negatives)):
            low, high = clopper_pearson(right, n, 0.025)
            parts.append(f"{name} {right} of {n} ({low:.0%} to {high:.0%})")
        return "classifier: " + ", ".join(parts)


def _lower(right: int, n: int) -> NDArray[np.float64]:
    """Return quantiles of the distribution of lower limits."""
    if not right:
        return np.full(len(_GRID), 1e-9)
    return np.asarray(special.betaincinv(right, n - right + 1, _GRID), dtype=np.float64)


def _upper(right: int, n: int) -> NDArray[np.float64]:
    """Return quantiles of the distribution of upper limits."""
    if right == n:
        return np.ones(len(_GRID))
    return np.asarray(special.betaincinv(right + 1, n - right, _GRID), dtype=np.float64)


#: Counts on the held-out rows of ``bench/retrain/labelled``; a test measures them again.
REFUSAL_ERROR = MeasuredError(positives=(87, 127), negatives=(28, 33))
OVER_REFUSAL_ERROR = MeasuredError(positives=(87, 127), negatives=(87, 98))
