"""Coverage: the share of exchanges that have a value, and the rule by which it has fallen."""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

#: Level of the one-sided test that a coverage has fallen.
LEVEL = 1e-4
#: A coverage has fallen only below this part of what it was.
LEFT = 0.5


@dataclass(frozen=True)
class Coverage:
    """The exchanges that have a value, ``n``, among ``of``; fractions are of weighted ones."""

    n: float
    of: float
    #: Correlation within the clusters, in [0, 1]: 1 where a cluster has all values or none.
    correlation: float = 0.0
    #: Exchanges in the cluster of an exchange, on average.
    cluster_size: float = 1.0

    @classmethod
    def of_clusters(cls, with_value: ArrayLike, sizes: ArrayLike) -> Self:
        """Return the coverage of clusters, such as end users or days.

        Both arrays, ``[n_clusters]``, may be fractional, of weighted exchanges. The correlation is
        the one with which the variance of the share between the clusters is as large as observed
        (Kish, Survey Sampling, 1965, chapter 5).
        """
        n, of = np.asarray(with_value, dtype=np.float64), np.asarray(sizes, dtype=np.float64)
        n, of = n[of > 0.0], of[of > 0.0]
        if not len(of):
            return cls(0, 0)
        total, share = float(of.sum()), float(n.sum() / of.sum())
        size = float((of**2).sum()) / total
        chance = share * (1.0 - share) * total
        correlation = 0.0
        if chance > 0.0 and size > 1.0 and len(of) > 1:
            spread = ((n - share * of) ** 2).sum() * len(of) / (len(of) - 1)
            correlation = (spread / chance - 1.0) / (size - 1.0)
        return cls(float(n.sum()), total, float(np.clip(correlation, 0.0, 1.0)), size)

    @property
    def share(self) -> float:
        """Return the share with a value, 0 without exchanges."""
        return self.n / self.of if self.of else 0.0

    def effective_size(self, correlation: float, cluster_size: float) -> int:
        """Return the number of independent exchanges that tell as much about the share."""
        return math.ceil(round(self.of / (1.0 + (cluster_size - 1.0) * correlation), 6))


def has_fallen(before: Coverage, now: Coverage, level: float = LEVEL) -> bool:
    """Return whether a coverage fell significantly, and below half of the share before.

    Fisher's exact test, one-sided, of effective sizes, by the larger correlation and the larger
    clusters of both sides: a heavy end user may have left whose exchanges alone have a value.
    """
    if not now.of or now.share >= LEFT * before.share:
        return False
    correlation = max(before.correlation, now.correlation)
    cluster_size = max(before.cluster_size, now.cluster_size)
    n_before = before.effective_size(correlation, cluster_size)
    n_now = now.effective_size(correlation, cluster_size)
    with_value_now = math.ceil(now.share * n_now)
    with_value = math.floor(before.share * n_before) + with_value_now
    p_value = stats.hypergeom.cdf(with_value_now, n_before + n_now, with_value, n_now)
    return bool(p_value <= level)
