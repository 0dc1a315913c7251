r"""Regions where the current window is overrepresented.

Given a cell's total, its current samples are binomial under the null hypothesis, with the current
window's share of all samples as probability. The p-values are adjusted to a false discovery rate of
5% (Benjamini & Hochberg), and significant cells that touch are merged. Several messages of one
owner in a cell count as one: counts are divided by the cell's size-weighted messages an owner.
"""

import numpy as np
from numpy.typing import NDArray

from monitor.drift.binomial import jeffreys_interval, upper_tail
from monitor.drift.multiplicity import adjust_bh
from monitor.drift.pool import Pool
from monitor.drift.result import Cluster
from monitor.drift.sample_design import Layout

FALSE_DISCOVERY_RATE = 0.05
MINIMUM_MEMBERS = 5


def find_clusters(
    layout: Layout, cell: NDArray[np.int64], prompt_cell: NDArray[np.int64] | None = None
) -> tuple[Cluster, ...]:
    """Return the enriched clusters, most significant first.

    The judged samples tell which regions are enriched; all samples that lie there are members.

    Args:
        layout: Both windows.
        cell: int64 ``[N]``: a cell of each sample of the whole pool, fitted without labels.
        prompt_cell: int64, of the judged samples: where given, a cell is judged against the current
            window's share among the samples of like prompts, not among all samples.
    """
    pool, whole_cell, cell = layout.judged, cell, cell[layout.rows]
    n_cells = int(cell.max()) + 1
    total_current, total_reference = pool.n_current, pool.n_reference
    base = np.full(n_cells, total_current / (total_current + total_reference))
    if prompt_cell is not None:
        base = _local_base(pool, cell, prompt_cell)
    current, reference = _independent_counts(pool, cell, n_cells)
    members = np.bincount(cell[pool.is_current], minlength=n_cells)
    tested = np.flatnonzero(current + reference >= MINIMUM_MEMBERS)
    raw = [upper_tail(current[c], current[c] + reference[c], base[c]) for c in tested]
    adjusted = np.ones(n_cells)
    adjusted[tested] = adjust_bh(raw)
    significant = np.flatnonzero((adjusted <= FALSE_DISCOVERY_RATE) & (members >= MINIMUM_MEMBERS))
    merged = _merge(pool, cell, significant)
    found = []
    for label in np.unique(merged):
        cells = significant[merged == label]
        found.append(
            _describe(
                layout,
                np.isin(whole_cell, cells),
                current=float(current[cells].sum()),
                reference=float(reference[cells].sum()),
                base=float(np.average(base[cells], weights=(current + reference)[cells])),
                adjusted_p_value=float(adjusted[cells].min()),
            )
        )
    return tuple(sorted(found, key=lambda one: (one.adjusted_p_value, -one.size)))


def _local_base(
    pool: Pool, cell: NDArray[np.int64], prompt_cell: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return for each cell the current share expected from its samples' prompts.

    A prompt cell with one side only can't tell: the share it expects is what it has.
    """
    total = np.bincount(prompt_cell)
    share = np.bincount(prompt_cell, weights=pool.is_current) / np.maximum(total, 1)
    expected = np.bincount(cell, weights=share[prompt_cell]) / np.maximum(np.bincount(cell), 1)
    return np.clip(expected, 1e-9, 1.0 - 1e-9)


def _independent_counts(
    pool: Pool, cell: NDArray[np.int64], n_cells: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    pair, count = np.unique(cell * pool.n_units + pool.unit, return_counts=True)
    pair_cell, pair_unit = np.divmod(pair, pool.n_units)
    total = np.bincount(pair_cell, weights=count, minlength=n_cells)
    squares = np.bincount(pair_cell, weights=count.astype(np.float64) ** 2, minlength=n_cells)
    design = np.where(total > 0, squares / np.maximum(total, 1), 1.0)
    on_current = pair_unit >= pool.n_reference_units
    current = np.bincount(pair_cell, weights=count * on_current, minlength=n_cells)
    return current / design, (total - current) / design


def _merge(
    pool: Pool, cell: NDArray[np.int64], significant: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Label significant cells; two share a label when they lie within their own spread."""
    labels = np.arange(len(significant))
    if len(significant) < 2:
        return labels
    rows = [np.flatnonzero((cell == c) & pool.is_current) for c in significant]
    centres = np.stack([pool.vectors.part(row).mean() for row in rows])
    spread = np.array([1.0 - float(centre @ centre) for centre in centres])
    gap = ((centres[:, None] - centres[None]) ** 2).sum(axis=-1)
    for i, j in np.argwhere(np.triu(gap < 0.5 * (spread[:, None] + spread[None]) / 2, 1)):
        labels[labels == labels[j]] = labels[i]
    return labels


def _describe(
    layout: Layout,
    inside: NDArray[np.bool_],
    *,
    current: float,
    reference: float,
    base: float,
    adjusted_p_value: float,
) -> Cluster:
    pool = layout.pool
    rows = np.flatnonzero(inside & pool.is_current)
    rows = rows[np.argsort(pool.origin[rows])]
    members = pool.vectors.part(rows)
    medoid = rows[int(members.dot(members.mean()).argmax())]
    low, high = jeffreys_interval(current, current + reference, 0.95)
    outside = int((inside & ~pool.is_current).sum())
    odds = (1.0 - base) / base
    return Cluster(
        members=pool.origin[rows],
        medoid=int(pool.origin[medoid]),
        size=len(rows),
        share_current=layout.share_of_current(inside),
        share_reference=outside / pool.n_reference,
        enrichment=(current + 0.5) / (reference + 0.5) * odds,
        enrichment_lower=low / (1.0 - low) * odds,
        enrichment_upper=high / max(1.0 - high, 1e-12) * odds,
        adjusted_p_value=adjusted_p_value,
    )
