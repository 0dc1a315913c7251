"""Coverage: the share of exchanges that have a value, and the rule by which it has fallen."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy import stats

#: Level of the one-sided test that a coverage has fallen.
LEVEL = 1e-4
#: A coverage has fallen only below this part of what it was.
LEFT = 0.5


@dataclass(frozen=True)
class Coverage:
    """The exchanges that have a value, ``n``, among ``of``."""

    n: int
    of: int
    #: Correlation within the clusters, in [0, 1]: 1 where a cluster has all values or none.
    correlation: float = 0.0
    #: Exchanges in the cluster of an exchange, on average.
    cluster_size: float = 1.0

    @classmethod
    def of_clusters(cls, clusters: Iterable[tuple[int, int]]) -> Self:
        """Return the coverage of clusters, such as end users or days, each given by ``n``, ``of``.

        The correlation is the one with which the variance of the share between the clusters is as
        large as observed (Kish, Survey Sampling, 1965, chapter 5).
        """
        counts = np.array([cluster for cluster in clusters if cluster[1]], dtype=np.float64)
        if not len(counts):
            return cls(0, 0)
        n, of = counts.T
        total, share = of.sum(), n.sum() / of.sum()
        size = (of**2).sum() / total
        chance = share * (1.0 - share) * total
        correlation = 0.0
        if chance > 0.0 and size > 1.0 and len(of) > 1:
            spread = ((n - share * of) ** 2).sum() * len(of) / (len(of) - 1)
            correlation = (spread / chance - 1.0) / (size - 1.0)
        return cls(int(n.sum()), int(total), float(np.clip(correlation, 0.0, 1.0)), float(size))

    @property
    def share(self) -> float:
        """Return the share with a value, 0 without exchanges."""
        return self.n / self.of if self.of else 0.0

    def effective_size(self, correlation: float, cluster_size: float) -> int:
        """Return the number of independent exchanges that tell as much about the share."""
        return math.ceil(self.of / (1.0 + (cluster_size - 1.0) * correlation))


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
