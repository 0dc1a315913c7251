"""Results of a comparison of two windows."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from monitor.plurals import pluralize

Verdict = Literal["drift", "no_drift", "not_enough_data"]


@dataclass(frozen=True, kw_only=True)
class TestResult:
    """The result of one component test.

    ``effect_size`` depends on the test: the difference of means over the standard deviation for
    ``scattered``; the natural logarithm of the ratio to random labels for ``emptiness``,
    ``emptiness_squared`` and ``scan``; the root mean square change of the local
    share of current samples for ``diffusion``; MMD itself for ``kernel``; Cramer's V for ``cells``;
    for ``largest_cell`` and ``novelty_tail`` a difference of shares, less that of the largest
    under random labels. Its 95% interval is the jackknife's over bins of users, and contains no
    effect where the test by itself doesn't reject at 5%.
    """

    __test__ = False  # pytest would otherwise collect it by its name

    name: str
    statistic: float
    #: Permutation p-value of this test alone, never below ``1 / (1 + n_permutations)``.
    p_value: float
    #: Holm's adjustment over the component tests.
    adjusted_p_value: float
    effect_size: float
    effect_lower: float
    effect_upper: float


@dataclass(frozen=True, kw_only=True)
class DescriptorChange:
    """The change of a descriptor of the responses to comparable prompts, given the prompts."""

    name: str
    #: Whether the change is that of the geometric mean, relative to the reference; otherwise it is
    #: the difference of the means.
    is_relative: bool
    change: float
    #: 95% interval, which contains 0 where random labels change as much in 5% of permutations.
    lower: float
    upper: float
    #: Permutation p-value of the ranks, two-sided.
    p_value: float
    #: Holm's adjustment over the descriptors.
    adjusted_p_value: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Cluster:
    """A region of the embedding space that is overrepresented in the current window."""

    #: Indices into ``current``.
    members: NDArray[np.int64]
    #: Index into ``current`` of the member nearest to the members' mean.
    medoid: int
    #: Number of members.
    size: int
    share_current: float
    share_reference: float
    #: Frequency relative to the reference; for responses, among those to comparable prompts.
    #: Messages of one user count once, and 1/2 is added to both counts, so this isn't
    #: ``share_current / share_reference``, which count each message.
    enrichment: float
    #: 95% interval of the enrichment.
    enrichment_lower: float
    enrichment_upper: float
    #: One-sided binomial p-value, adjusted for all tested regions (Tarone).
    adjusted_p_value: float


@dataclass(frozen=True, kw_only=True, eq=False)
class DriftResult:
    """The comparison of a current window with a reference window."""

    verdict: Verdict
    #: The fused p-value: the harmonic mean of the p-values of the tests, recalibrated on the same
    #: permutations.
    p_value: float
    tests: tuple[TestResult, ...]
    #: Estimate of the share of ``current`` that drifted.
    drifted_share: float
    #: Its 95% interval; it contains 0 where the test doesn't reject at 5%.
    drifted_share_interval: tuple[float, float]
    #: Of responses: the share of ``current`` beyond the reference's median in the direction in
    #: which all responses have shifted, .5 without a shift; with its 95% interval. ``None`` for
    #: prompts.
    shift: float | None = None
    shift_interval: tuple[float, float] = (0.0, 1.0)
    #: Whether a shift of all responses explains the change better than a share of them.
    is_shift: bool = False
    #: Of responses, where they were given.
    descriptors: tuple[DescriptorChange, ...] = ()
    #: ``[n_current]``, in [0, 1]; higher is less like the reference.
    novelty: NDArray[np.float64]
    #: Most significant first.
    clusters: tuple[Cluster, ...]
    n_reference: int
    n_current: int
    #: Number of exchangeable units (users, sessions or single samples) on each side.
    n_reference_groups: int
    n_current_groups: int
    #: Random labellings that were drawn; fewer than requested where p was far from significance.
    n_permutations: int

    def __str__(self) -> str:
        """Return the conclusion in a line."""
        summary = f"{self.verdict}: p = {self.p_value:.3g}"
        lower, upper = self.drifted_share_interval
        if self.is_shift and self.shift is not None and self.p_value <= 0.05:
            low, high = self.shift_interval
            summary += f", shifted: {self.shift:.0%} ({low:.0%} to {high:.0%}) beyond the median"
        elif lower > 0.0:
            summary += f", about {self.drifted_share:.1%} ({lower:.1%} to {upper:.1%}) drifted"
        clusters = f", {pluralize(len(self.clusters), 'cluster')}" if self.clusters else ""
        sizes = f"{self.n_current:,} samples against {self.n_reference:,}"
        return f"{summary}{clusters} ({sizes})"
