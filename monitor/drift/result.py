"""Results of a comparison of two windows."""

import math
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from monitor.arrays import Vectors
from monitor.drift.presentation.document import to_document
from monitor.drift.presentation.figure import (
    GROUPS_SHOWN,
    Interval,
    SharePair,
    draw_figure,
    map_of_vectors,
)
from monitor.drift.presentation.frame import (
    make_frame,
    row_of_change,
    row_of_estimate,
    row_of_test,
)
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
    #: Whether the change is relative to the reference's mean; otherwise it is the difference of the
    #: means.
    is_relative: bool
    change: float
    #: 95% interval, which contains 0 where random labels change as much in 5% of permutations.
    lower: float
    upper: float
    #: Permutation p-value of the ranks, two-sided.
    p_value: float
    #: Holm's adjustment over the descriptors.
    adjusted_p_value: float


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
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

    def at_rows(self, rows: NDArray[np.int64]) -> "Cluster":
        """Return a cluster of some rows with the indices of the whole window."""
        return replace(self, members=rows[self.members], medoid=int(rows[self.medoid]))

    def __repr__(self) -> str:
        """Return the figures, without the members."""
        return (
            f"Cluster({pluralize(self.size, 'sample')}, {self.share_current:.1%} of the current "
            f"window, {self.share_reference:.1%} of the reference, enrichment "
            f"{self.enrichment:.3g} ({self.enrichment_lower:.3g} to {self.enrichment_upper:.3g}))"
        )


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class DriftResult:
    """The comparison of a current window with a reference window."""

    verdict: Verdict
    #: The fused p-value: the harmonic mean of the p-values of the tests, recalibrated on the same
    #: permutations. NaN where nothing was tested.
    p_value: float
    #: The level that it is compared with; ``None`` where nothing was tested.
    alpha: float | None = None
    tests: tuple[TestResult, ...]
    #: Estimate of the share of ``current`` that drifted; of responses, of those to comparable
    #: prompts. NaN where nothing was tested, and so is its interval.
    drifted_share: float
    #: Its 95% interval; it contains 0 where the test doesn't reject at 5%.
    drifted_share_interval: tuple[float, float]
    #: Of responses: the share of ``current`` whose prompts are comparable with the reference's.
    #: ``None`` for prompts.
    comparable_share: float | None = None
    #: Of responses to equal prompts: the number of pairs that were compared; ``None`` where the
    #: prompts of the sides differ.
    n_pairs: int | None = None
    #: Of prompts: estimate of the share of ``current`` that moved between topics, which are 8 to 64
    #: groups of similar samples of both sides, new ones included. ``None`` for responses, and where
    #: the test doesn't reject at 5%.
    moved_share: float | None = None
    #: Its 95% interval. Moves between topics that are one group are not in it.
    moved_share_interval: tuple[float, float] = (0.0, 1.0)
    #: Whether another mix of known topics explains much of the change: at least 1.5 times the
    #: drifted share moved.
    is_mix: bool = False
    #: Of responses: the share of those beyond the reference's median in the direction in
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
    #: Of prompts: regions where the current window is underrepresented, the sides swapped: members
    #: are indices into ``reference``, and ``share_current`` is their share of it.
    rarer_clusters: tuple[Cluster, ...] = ()
    n_reference: int
    n_current: int
    #: Number of exchangeable units (users, sessions or single samples) on each side.
    n_reference_groups: int
    n_current_groups: int
    #: Random labellings that were drawn; fewer than requested where p was far from significance.
    n_permutations: int

    def __str__(self) -> str:
        """Return the conclusion in a line."""
        p_value = "nothing was tested" if math.isnan(self.p_value) else f"p = {self.p_value:.3g}"
        if self.alpha is not None and not math.isnan(self.p_value):
            p_value += f", level {self.alpha:.3g}"
        summary = f"{self.verdict}: {p_value}"
        lower, upper = self.drifted_share_interval
        if self.is_shift and self.shift is not None and self.p_value <= 0.05:
            low, high = self.shift_interval
            summary += f", shifted: {self.shift:.0%} ({low:.0%} to {high:.0%}) beyond the median"
        elif self.is_mix and self.moved_share is not None:
            low, high = self.moved_share_interval
            summary += (
                f", about {self.moved_share:.1%} ({low:.1%} to {high:.1%}) moved between groups, "
                f"{self.drifted_share:.1%} ({lower:.1%} to {upper:.1%}) drifted"
            )
        elif lower > 0.0:
            of = "" if self.comparable_share is None else " of the comparable"
            summary += f", about {self.drifted_share:.1%} ({lower:.1%} to {upper:.1%}){of} drifted"
        clusters = f", {pluralize(len(self.clusters), 'cluster')}" if self.clusters else ""
        sizes = f"{self.n_current:,} samples against {self.n_reference:,}"
        return f"{summary}{clusters} ({sizes})"

    def __repr__(self) -> str:
        """Return the conclusion, and the smallest p-values of the tests; never the arrays."""
        tests = sorted(self.tests, key=lambda test: test.adjusted_p_value)[:3]
        strongest = ", ".join(f"{test.name} {test.adjusted_p_value:.2g}" for test in tests)
        return f"DriftResult({self}{f'; adjusted p: {strongest}' if strongest else ''})"

    def to_dict(self) -> dict[str, Any]:
        """Return the result in JSON's types; undefined and infinite numbers are ``None``."""
        document: dict[str, Any] = to_document(self)
        return document

    def to_frame(self) -> Any:
        """Return a pandas frame: a row for the window and for each test, descriptor and cluster.

        Raises:
            ImportError: pandas is not installed.
        """
        rows = [
            row_of_estimate(
                *("drifted_share", "drifted_share"),
                self.drifted_share,
                self.drifted_share_interval,
                verdict=self.verdict,
                p_value=self.p_value,
            )
        ]
        if self.moved_share is not None:
            interval = self.moved_share_interval
            rows.append(row_of_estimate("moved_share", "groups", self.moved_share, interval))
        if self.shift is not None:
            rows.append(row_of_estimate("shift", "shift", self.shift, self.shift_interval))
        rows += map(row_of_test, self.tests)
        rows += [row_of_change("descriptor", change) for change in self.descriptors]
        rows += [
            row_of_estimate(
                *("cluster", f"cluster {number}"),
                cluster.enrichment,
                (cluster.enrichment_lower, cluster.enrichment_upper),
                reference=cluster.share_reference,
                current=cluster.share_current,
                adjusted_p_value=cluster.adjusted_p_value,
            )
            for number, cluster in enumerate(self.clusters)
        ]
        return make_frame(rows)

    def plot(self, reference: Vectors | None = None, current: Vectors | None = None) -> Any:
        """Return a plotly figure of the shares with their intervals.

        Args:
            reference: The vectors that were compared; with those of both sides, the figure has a
                map of at most 1,000 of each.
            current: Likewise.

        Raises:
            ImportError: plotly is not installed.
            ValueError: Vectors of one side only, or not those that were compared.
        """
        intervals = []
        if math.isfinite(self.drifted_share):
            share, limits = self.drifted_share, self.drifted_share_interval
            intervals.append(Interval("drifted share", share, *limits))
        if self.shift is not None:
            intervals.append(Interval("beyond the median", self.shift, *self.shift_interval))
        clusters = self.clusters[:GROUPS_SHOWN]
        return draw_figure(
            str(self).replace("_", " ").capitalize(),
            map_of_vectors(
                *(reference, current, (self.n_reference, self.n_current)),
                [cluster.members for cluster in clusters],
            ),
            intervals,
            [
                SharePair(f"cluster {number}", cluster.share_reference, cluster.share_current)
                for number, cluster in enumerate(clusters)
            ],
        )
