"""Sample of a window's and its baseline's prompts for the map, with a layout."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.drift.layout import lay_out
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.windows.map_points import DELETED, PromptMap

#: Most points: more take time and overlap.
MAX_POINTS = 2_000
#: Most points on drifted topics.
MAX_DRIFTED = 1_200

#: Random stream of the map, independent of those of the tests with the same seed.
STREAM = 6


def sample_map(
    reference: Exchanges,
    current: Exchanges,
    topic_of: NDArray[np.int64],
    seed: int,
    *,
    change: NDArray[np.float64] | None = None,
) -> PromptMap | None:
    """Draw the map of a comparison.

    ``topic_of``, int64 ``[n_current]``, is the drifted topic of each, -1 for none. ``change``,
    float64 ``[n_current]`` in [0, 1], is how much each response changed, NaN where it wasn't
    compared; without it the responses as a whole didn't.
    """
    return draw_map(
        reference.prompt_vectors,
        current.prompt_vectors,
        topic_of,
        np.random.default_rng([seed, STREAM]),
        reference_ids=reference.ids if len(reference.ids) else None,
        current_ids=current.ids if len(current.ids) else None,
        change=change,
    )


def draw_map(
    reference_vectors: NDArray[np.floating[Any]],
    current_vectors: NDArray[np.floating[Any]],
    topic: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    reference_ids: NDArray[np.int64] | None = None,
    current_ids: NDArray[np.int64] | None = None,
    change: NDArray[np.float64] | None = None,
) -> PromptMap | None:
    """Draw at most :data:`MAX_POINTS` prompts; return ``None`` where a side has no prompt.

    Prompts on drifted topics come first, all of them up to :data:`MAX_DRIFTED`; the rest is divided
    equally between uniform samples of the baseline and of the other prompts of the window. So the
    map shows locations, not shares of the traffic.

    Vectors are ``[n, d]``, unit norm. ``topic`` and ``change`` are as for :func:`sample_map`; ids,
    int64, are kept with the points. The same generator gives the same map.
    """
    if not len(reference_vectors) or not len(current_vectors):
        return None
    drifted = _draw(np.flatnonzero(topic >= 0), MAX_DRIFTED, rng)
    ordinary = np.flatnonzero(topic < 0)
    room = MAX_POINTS - len(drifted)
    n_ordinary = min(len(ordinary), max(room // 2, room - len(reference_vectors)))
    # Topic by topic, so that the points of a topic are consecutive.
    drifted = drifted[np.argsort(topic[drifted], kind="stable")]
    rows = np.concatenate([drifted, _draw(ordinary, n_ordinary, rng)])
    reference_rows = _draw(np.arange(len(reference_vectors)), MAX_POINTS - len(rows), rng)
    vectors = np.concatenate(
        [
            current_vectors[rows].astype(np.float32),
            reference_vectors[reference_rows].astype(np.float32),
        ]
    )
    places = lay_out(vectors, rng).astype(np.float32)
    return PromptMap(
        current_ids=_ids(current_ids, rows),
        current=places[: len(rows)],
        topic=topic[rows],
        reference_ids=_ids(reference_ids, reference_rows),
        reference=places[len(rows) :],
        change=None if change is None else change[rows].astype(np.float32),
    )


def _draw(rows: NDArray[np.int64], limit: int, rng: np.random.Generator) -> NDArray[np.int64]:
    if len(rows) <= limit:
        return rows
    return np.sort(rng.choice(rows, limit, replace=False))


def _ids(ids: NDArray[np.int64] | None, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.full(len(rows), DELETED, dtype=np.int64) if ids is None else ids[rows]
