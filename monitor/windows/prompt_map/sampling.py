"""The map of a window: some of its prompts among some of the baseline's, near where alike."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.windows.prompt_maps import DELETED, PromptMap
from monitor.windows.comparison.window_comparison import Assessed
from monitor.windows.prompt_map.layout import lay_out

#: Points in all: more cost time and cover each other.
MAX_POINTS = 2_000
#: Of these, prompts on drifted topics: the others are what they stand out from.
MAX_DRIFTED = 1_200

#: Draws of the map are independent of those of the tests, which share the seed.
STREAM = 6


def sample_map(
    assessed: Assessed,
    reference: Exchanges,
    current: Exchanges,
    seed: int,
) -> PromptMap | None:
    """Draw the map of what was compared; ``None`` where nothing was.

    Args:
        assessed: What was found.
        reference: The baseline.
        current: The exchanges in which it was found.
        seed: The window's.
    """
    if not assessed.assessment.is_compared:
        return None
    return draw_map(
        reference.prompt_vectors,
        current.prompt_vectors,
        assessed.cluster,
        np.random.default_rng([seed, STREAM]),
        reference_ids=reference.ids if len(reference.ids) else None,
        current_ids=current.ids if len(current.ids) else None,
    )


def draw_map(
    reference_vectors: NDArray[np.floating[Any]],
    current_vectors: NDArray[np.floating[Any]],
    topic: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    reference_ids: NDArray[np.int64] | None = None,
    current_ids: NDArray[np.int64] | None = None,
) -> PromptMap | None:
    """Draw at most :data:`MAX_POINTS` prompts.

    What is on a drifted topic is drawn first, in full up to :data:`MAX_DRIFTED`; the rest of the
    room goes in equal parts to uniform samples of the baseline and of the other prompts of the
    window. So the map shows where things lie, not how much of the traffic they are.

    Args:
        reference_vectors: Prompts of the baseline, ``[n_reference, d]``, unit norm.
        current_vectors: Prompts of the window, ``[n_current, d]``, likewise.
        topic: int64 ``[n_current]``: the drifted topic of each, -1 for none.
        rng: Draws samples and lays out; the same generator gives the same map.
        reference_ids: int64 ``[n_reference]``, kept with the points; ``None``: there are none.
        current_ids: int64 ``[n_current]``, likewise.

    Returns:
        ``None`` where a side has no prompt.
    """
    if not len(reference_vectors) or not len(current_vectors):
        return None
    drifted = _draw(np.flatnonzero(topic >= 0), MAX_DRIFTED, rng)
    ordinary = np.flatnonzero(topic < 0)
    room = MAX_POINTS - len(drifted)
    n_ordinary = min(len(ordinary), max(room // 2, room - len(reference_vectors)))
    # Topic by topic, so that the points of one are a run.
    drifted = drifted[np.argsort(topic[drifted], kind="stable")]
    kept = np.concatenate([drifted, _draw(ordinary, n_ordinary, rng)])
    other = _draw(np.arange(len(reference_vectors)), MAX_POINTS - len(kept), rng)
    vectors = np.concatenate(
        [current_vectors[kept].astype(np.float32), reference_vectors[other].astype(np.float32)]
    )
    places = lay_out(vectors, rng).astype(np.float32)
    return PromptMap(
        current_ids=_ids(current_ids, kept),
        current=places[: len(kept)],
        topic=topic[kept],
        reference_ids=_ids(reference_ids, other),
        reference=places[len(kept) :],
    )


def _draw(rows: NDArray[np.int64], limit: int, rng: np.random.Generator) -> NDArray[np.int64]:
    if len(rows) <= limit:
        return rows
    return np.sort(rng.choice(rows, limit, replace=False))


def _ids(ids: NDArray[np.int64] | None, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.full(len(rows), DELETED, dtype=np.int64) if ids is None else ids[rows]
