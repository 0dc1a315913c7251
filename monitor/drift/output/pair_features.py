r"""Differences between the responses of a pair: of the current one less the reference's.

They need no regression on the prompts, which are equal. Under the null hypothesis the responses to
one prompt are exchangeable, so that the sides of a unit of pairs may be swapped: each difference
changes its sign. Of a descriptor with two values that is McNemar's test, of embeddings the paired
test of spatial signs (Möttönen & Oja, J. Nonparametr. Stat. 1995).

A few responses off topic move no mean far. So the tail counts, among the pairs whose responses are
farthest from each other, those whose current response is farther from what prompts of both sides
let expect. The distance within a pair only selects: it is the same for both responses, and a model
that samples may respond as differently twice.
"""

import numpy as np
from numpy.typing import NDArray

from monitor.drift.group_sums import membership
from monitor.drift.output.descriptors import (
    MIN_SPREAD,
    DescriptorResiduals,
    PooledDescriptors,
    ScaledDescriptors,
)
from monitor.drift.output.local_tests import FeatureSums
from monitor.drift.output.response_features import CHUNK_ROWS, DECIMALS, directions
from monitor.drift.permutation.random_features import BANDWIDTH_FACTORS, RandomFeatures
from monitor.drift.samples.embeddings import Embeddings

#: Shares of the pairs, those with the largest distances within, in which a tail is counted.
TAIL_SHARES = (0.5, 0.25, 0.1, 0.05, 0.02, 0.01)
#: Fewer pairs are no tail.
MIN_TAIL = 5


def sum_pairs(
    rows: NDArray[np.int64],
    unit: NDArray[np.int64],
    responses: Embeddings,
    *,
    kernel: RandomFeatures,
    cell: NDArray[np.int64],
    distance: NDArray[np.float64],
    descriptors: DescriptorResiduals | None,
) -> FeatureSums:
    """Return the sums of the differences of pairs by bin, two for each unit.

    Each side's bin has half of the difference, the reference's first.

    Args:
        rows: int64 ``[2, P]``: the rows of each pair, the reference's first.
        unit: int64 ``[P]``, numbered from 0.
        responses: ``[N, e]``, unit norm.
        kernel: Random features of the responses.
        cell: int64 ``[N]``: the cell of each response.
        distance: float64 ``[N]``, of each response from the expected one.
        descriptors: As :func:`paired_descriptors` returns them.
    """
    n_pairs, n_cells = rows.shape[1], int(cell.max()) + 1
    tails = tail_signs(distance[rows[1]] - distance[rows[0]], _pair_distance(rows, responses))
    described = np.empty((n_pairs, 0), dtype=np.float32)
    blocks = {"shift": responses.shape[1]}
    if descriptors is not None:
        described = descriptors.features[n_pairs:]
        blocks |= descriptors.blocks
    blocks |= {f"kernel_{factor:g}": kernel.width for factor in BANDWIDTH_FACTORS}
    blocks["cells"] = n_cells
    if tails.shape[1]:
        blocks["novelty_tail"] = tails.shape[1]
    of_unit = membership(unit, int(unit.max()) + 1)
    sums = np.zeros((of_unit.shape[0], sum(blocks.values())))
    for start in range(0, n_pairs, CHUNK_ROWS):
        part = slice(start, start + CHUNK_ROWS)
        before, after = (responses[side[part]] for side in rows)
        cells = [(cell[side[part], None] == np.arange(n_cells)).astype(np.int8) for side in rows]
        difference = np.hstack(
            [
                directions(after - before),
                described[part],
                kernel.transform(after) - kernel.transform(before),
                cells[1] - cells[0],
                tails[part],
            ]
        )
        sums += of_unit[:, part] @ difference
    halves = np.repeat(sums / 2.0, 2, axis=0)
    halves[::2] *= -1.0
    return FeatureSums(tuple(blocks), np.cumsum([*blocks.values()])[:-1], halves)


def _pair_distance(rows: NDArray[np.int64], responses: Embeddings) -> NDArray[np.float64]:
    """Return 1 - the cosine of the responses of each pair, float64 ``[P]``."""
    distance = np.empty(rows.shape[1])
    for start in range(0, rows.shape[1], CHUNK_ROWS):
        part = slice(start, start + CHUNK_ROWS)
        before, after = (responses[side[part]] for side in rows)
        distance[part] = 1.0 - np.einsum("ij,ij->i", before, after)
    return distance


def tail_signs(
    difference: NDArray[np.float64], pair_distance: NDArray[np.float64]
) -> NDArray[np.int8]:
    """Return the signs of differences where the distance within a pair is largest, else 0.

    Both are ``[P]``; the result is int8 ``[P, tails]``.
    """
    signs = np.sign(difference.round(DECIMALS)).astype(np.int8)
    pair_distance = pair_distance.round(DECIMALS)
    shares = [share for share in TAIL_SHARES if share * len(pair_distance) >= MIN_TAIL]
    least = np.quantile(pair_distance, [1.0 - share for share in shares]) if shares else np.empty(0)
    return np.where(pair_distance[:, None] >= least, signs[:, None], np.int8(0))


def paired_descriptors(pool: PooledDescriptors, rows: NDArray[np.int64]) -> DescriptorResiduals:
    """Return the differences of descriptors, with the sides swapped and then as they are.

    Each of the ``[2 P, k]`` rows has its opposite, so that nothing that is made of all of them
    depends on the labels. A pair with an unknown value counts as no change.

    ``rows``, int64 ``[2, P]``, are those of each pair, the reference's first.
    """
    scaled = ScaledDescriptors.of(pool.values)
    known = scaled.is_known[rows].all(axis=0)

    def mirrored(values: NDArray[np.float64]) -> NDArray[np.float32]:
        difference = np.where(known, values, 0.0)
        return np.vstack([-difference, difference]).astype(np.float32)

    scores = mirrored(scaled.scores[rows[1]] - scaled.scores[rows[0]])
    spread = scores.std(axis=0)
    labels = mirrored(np.ones(known.shape))
    return DescriptorResiduals(
        names=pool.names,
        is_relative=pool.is_relative,
        scores=np.where(spread > MIN_SPREAD, scores / np.maximum(spread, MIN_SPREAD), 0.0),
        values=mirrored(scaled.centred[rows[1]] - scaled.centred[rows[0]]),
        unit=scaled.unit,
        reach=scaled.reach,
        labels=labels,
        reference_values=mirrored(-scaled.values[rows[0]]),
        own_labels=labels,
    )
