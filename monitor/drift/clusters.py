"""Clusters: regions where the current window is overrepresented.

Every region of a tree that was grown without labels is tested. Given its total, its number of
current samples is binomial under the null hypothesis, with the current window's share of all
samples as probability. The p-values are adjusted for all regions that have enough samples to be
significant at all (Tarone, Biometrics 1990), so that a window without drift has *any* cluster with
a probability of at most 5%. Of nested regions the most significant one is reported. Counts are
divided by the region's size-weighted number of messages per owner.

A region of cells also holds samples of its neighbourhood. Of the reference, those count that are as
near to the members' mean as nine of ten members: a topic without any is new.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from monitor.drift.regions import Regions
from monitor.drift.result import Cluster
from monitor.drift.samples.design import Layout
from monitor.drift.samples.pool import Pool
from monitor.statistics.binomial import upper_tails
from monitor.statistics.intervals import jeffreys_interval
from monitor.statistics.multiplicity import tarone

FAMILYWISE_ERROR = 0.05
MINIMUM_MEMBERS = 5
#: A region with a larger share of the pool is too large for a topic.
MAXIMUM_SHARE = 0.5
#: Of the members, those farther from their mean than the others; chosen on 30 intents of CLINC150.
FAR = 0.1
#: Regions whose owners are counted at once.
CHUNK_REGIONS = 256


def find_clusters(
    layout: Layout,
    regions: Regions,
    prompt_cell: NDArray[np.int64] | None = None,
    *,
    diluted: float = 0.0,
) -> tuple[Cluster, ...]:
    """Return the enriched clusters, most significant first; they are disjoint.

    The comparable samples decide which regions are enriched; all samples there are members.

    Regions of the whole pool are grown without labels. With ``prompt_cell``, int64, of the
    comparable samples, a region is compared with the current window's share among the samples of
    comparable prompts, not among all samples. ``diluted`` is the share of the reference that is
    elsewhere anyway, such as new topics where the sides are swapped: all regions have less of it.
    """
    pool, leaf = layout.comparable_pool, regions.leaf[layout.rows]
    n_leaves = regions.holds.shape[1]
    size = np.bincount(leaf, minlength=n_leaves).astype(np.float64)
    members = regions.sums(np.bincount(leaf, weights=pool.is_current, minlength=n_leaves))
    rest = (1.0 - diluted) * pool.n_reference
    share = np.full(len(leaf), pool.n_current / (pool.n_current + rest))
    if prompt_cell is not None:
        share = _share_by_prompt_cell(pool, prompt_cell)
    expected = np.bincount(leaf, weights=share, minlength=n_leaves)
    total = regions.sums(size)
    base = np.clip(regions.sums(expected) / np.maximum(total, 1.0), 1e-9, 1.0 - 1e-9)
    design = _messages_per_owner(pool, leaf, regions)
    current, total = members / design, total / design
    usable = (members >= MINIMUM_MEMBERS) & (total * design <= MAXIMUM_SHARE * len(pool.vectors))
    p_values = np.where(usable, upper_tails(current, total, base), 1.0)
    adjusted = tarone(p_values, base**total, FAMILYWISE_ERROR)
    return tuple(
        _describe(
            layout,
            np.isin(regions.leaf, regions.leaves(region)),
            current=float(current[region]),
            total=float(total[region]),
            base=float(base[region]),
            adjusted_p_value=float(adjusted[region]),
        )
        for region in _disjoint_regions(regions, p_values, adjusted <= FAMILYWISE_ERROR)
    )


def _share_by_prompt_cell(pool: Pool, prompt_cell: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return for each sample the current share among the samples of its prompt cell.

    In a prompt cell with one side only the expected share is the observed one.
    """
    total = np.bincount(prompt_cell)
    share = np.bincount(prompt_cell, weights=pool.is_current) / np.maximum(total, 1)
    return np.asarray(share[prompt_cell])


def _messages_per_owner(
    pool: Pool, leaf: NDArray[np.int64], regions: Regions
) -> NDArray[np.float64]:
    """Return the messages per owner in each region, averaged over its messages, ``[R]``."""
    if pool.n_units == len(pool.vectors):
        return np.ones(regions.holds.shape[0])
    by_unit = sparse.csr_array(
        (np.ones(len(leaf)), (leaf, pool.unit)), shape=(regions.holds.shape[1], pool.n_units)
    )
    design = []
    for start in range(0, regions.holds.shape[0], CHUNK_REGIONS):
        counts = regions.holds[start : start + CHUNK_REGIONS] @ by_unit
        squares = np.asarray((counts * counts).sum(axis=1))
        design.append(squares / np.maximum(np.asarray(counts.sum(axis=1)), 1.0))
    return np.asarray(np.maximum(np.concatenate(design), 1.0))


def _disjoint_regions(
    regions: Regions, p_values: NDArray[np.float64], significant: NDArray[np.bool_]
) -> list[int]:
    taken = np.zeros(regions.holds.shape[1], dtype=np.bool_)
    chosen = []
    for region in np.argsort(p_values, kind="stable"):
        if not significant[region]:
            continue
        leaves = regions.leaves(region)
        if not taken[leaves].any():
            taken[leaves] = True
            chosen.append(int(region))
    return chosen


def _describe(
    layout: Layout,
    inside: NDArray[np.bool_],
    *,
    current: float,
    total: float,
    base: float,
    adjusted_p_value: float,
) -> Cluster:
    pool = layout.pool
    rows = np.flatnonzero(inside & pool.is_current)
    rows = rows[np.argsort(pool.origin[rows])]
    members = pool.vectors.part(rows)
    mean = members.mean()
    nearness = members.dot(mean)
    outside = inside & ~pool.is_current
    near = outside.copy()
    if outside.any():
        before_vectors = pool.vectors.part(np.flatnonzero(outside))
        near[outside] = before_vectors.dot(mean) >= np.quantile(nearness, FAR)
    # Counts are of owners, so that the share of the samples that are near is applied.
    before = (total - current) * float(near.sum() / max(outside.sum(), 1))
    low, high = jeffreys_interval(current, current + before, 0.95)
    odds = (1.0 - base) / base
    return Cluster(
        members=pool.origin[rows],
        medoid=int(pool.origin[rows[int(nearness.argmax())]]),
        size=len(rows),
        share_current=layout.share_of_current(inside),
        share_reference=layout.share_of_reference(near),
        enrichment=(current + 0.5) / (before + 0.5) * odds,
        enrichment_lower=low / (1.0 - low) * odds,
        enrichment_upper=high / max(1.0 - high, 1e-12) * odds,
        adjusted_p_value=adjusted_p_value,
    )
