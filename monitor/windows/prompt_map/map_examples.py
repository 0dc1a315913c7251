"""What lies on a map, read when somebody asks: the prompts of a topic, the exchange at a point."""

from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection

from monitor.errors import NotFoundError
from monitor.rendering.excerpts import excerpt
from monitor.store.windows.assessment import Topic
from monitor.store.windows.drift_evaluations import DriftEvaluationRow
from monitor.store.windows.prompt_maps import DELETED, MapText, PromptMap, load_map_texts

#: Further prompts of a topic that are shown, and exchanges read to find so many different ones.
MORE = 12
READ = 48

#: Points around a point that are shown.
NEAR = 5


@dataclass(frozen=True)
class MapPoint:
    """What a point stands for."""

    #: ``None`` where the exchange is gone.
    text: MapText | None
    #: Index of its drifted topic, -1 for none.
    topic: int
    #: The nearest first.
    near: tuple[MapText, ...]


def topic_prompts(
    connection: Connection, evaluation: DriftEvaluationRow, placed: PromptMap, topic: Topic
) -> list[str]:
    """Return further prompts on a topic, spread over the window, none twice."""
    ids = placed.current_ids[placed.topic == topic.index]
    ids = ids[ids != DELETED]
    some = ids[:: max(1, len(ids) // READ)][:READ].tolist()
    texts = load_map_texts(connection, evaluation, some)
    shown = {one.prompt for one in topic.examples}
    found: dict[str, None] = {}
    for one in some:
        if one in texts:
            prompt = excerpt(texts[one].prompt)
            if prompt and prompt not in shown:
                found.setdefault(prompt)
    return list(found)[:MORE]


def exchange_at_point(
    connection: Connection, evaluation: DriftEvaluationRow, placed: PromptMap, point: int
) -> MapPoint:
    """Return the exchange at a point, and those around it.

    Args:
        connection: Inside the caller's transaction.
        evaluation: Whose map it is.
        placed: The map.
        point: From 0: the points of the window, then those of the baseline.

    Raises:
        NotFoundError: The map has no such point.
    """
    ids = np.concatenate([placed.current_ids, placed.reference_ids])
    places = np.concatenate([placed.current, placed.reference])
    if not 0 <= point < len(ids):
        raise NotFoundError(f"the map has no point {point}")
    apart = ((places - places[point]) ** 2).sum(axis=1)
    nearest = [int(one) for one in np.argsort(apart, kind="stable")[: NEAR + 1] if one != point]
    wanted = [int(ids[one]) for one in (point, *nearest)]
    texts = load_map_texts(connection, evaluation, [one for one in wanted if one != DELETED])
    return MapPoint(
        text=texts.get(wanted[0]),
        topic=int(placed.topic[point]) if point < len(placed.topic) else -1,
        near=tuple(texts[one] for one in wanted[1:] if one in texts),
    )
