"""The nearest prompts of each prompt of a pool."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.drift.neighbours.exact import draw_landmarks, nearest
from monitor.drift.samples.pool import Pool

N_NEIGHBOURS = 10
MAXIMUM_LANDMARKS = 4096


@dataclass(frozen=True)
class NearPrompts:
    """The nearest prompts of other owners to each prompt of a pool, nearest first."""

    #: int64 ``[N, k]``; -1 where there are fewer.
    rows: NDArray[np.int64]
    #: float32 ``[N, k]``: cosines; -1 where there are fewer.
    similarity: NDArray[np.float32]

    @property
    def closeness(self) -> NDArray[np.float64]:
        """Return the mean cosine to each prompt's nearest, float64 ``[N]``."""
        there = self.rows >= 0
        total = np.where(there, self.similarity, 0.0).sum(axis=1)
        return np.asarray(total / np.maximum(there.sum(axis=1), 1), dtype=np.float64)


def near_prompts(
    pool: Pool, candidates: NDArray[np.bool_], rng: np.random.Generator
) -> NearPrompts:
    """Search the nearest prompts among candidates, bool ``[N]``, of which some are drawn."""
    marks = draw_landmarks(np.flatnonzero(candidates), MAXIMUM_LANDMARKS, rng)
    neighbours = nearest(
        pool.vectors,
        pool.vectors[marks],
        N_NEIGHBOURS,
        query_owner=pool.owner,
        landmark_owner=pool.owner[marks],
        spread_ties=True,
    )
    there = neighbours.index >= 0
    return NearPrompts(np.where(there, marks[neighbours.index], -1), neighbours.similarity)
