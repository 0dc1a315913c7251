"""Texts behind a prompt map: further prompts of a topic, the exchange at a point."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection

from monitor.errors import NotFoundError
from monitor.rendering.excerpts import excerpt
from monitor.store.windows.assessment import Topic
from monitor.store.windows.drift_evaluations import DriftEvaluationRow
from monitor.store.windows.map_points import DELETED, MapText, PromptMap
from monitor.store.windows.prompt_maps import load_map_texts

#: Further prompts of a topic, and exchanges read to find that many distinct ones.
PROMPTS_SHOWN = 12
EXCHANGES_READ = 48

#: Tells whether a reader reads texts of a task type.
TaskTypeFilter = Callable[[str], bool]

#: Nearest points of a point.
N_NEIGHBOURS = 5


@dataclass(frozen=True)
class MapPoint:
    """The exchange at a point of the map."""

    #: ``None`` where the exchange was deleted, or is withheld.
    text: MapText | None
    #: Whether it exists, and is of a task type that the reader doesn't read.
    is_withheld: bool
    #: Index of its drifted topic, -1 for none.
    topic: int
    #: The nearest first.
    neighbours: tuple[MapText, ...]


def topic_prompts(
    connection: Connection,
    evaluation: DriftEvaluationRow,
    placed: PromptMap,
    topic: Topic,
    reads: TaskTypeFilter,
) -> list[str]:
    """Return further distinct prompts on a topic, spread over the window, that may be read."""
    ids = placed.current_ids[placed.topic == topic.index]
    ids = ids[ids != DELETED]
    selected = ids[:: max(1, len(ids) // EXCHANGES_READ)][:EXCHANGES_READ].tolist()
    texts = load_map_texts(connection, evaluation, selected)
    examples = {example.prompt for example in topic.examples}
    prompts: dict[str, None] = {}
    for exchange_id in selected:
        if exchange_id in texts and reads(texts[exchange_id].task_type):
            prompt = excerpt(texts[exchange_id].prompt)
            if prompt and prompt not in examples:
                prompts.setdefault(prompt)
    return list(prompts)[:PROMPTS_SHOWN]


def exchange_at_point(
    connection: Connection,
    evaluation: DriftEvaluationRow,
    placed: PromptMap,
    point: int,
    reads: TaskTypeFilter,
) -> MapPoint:
    """Return the exchange at a point, and the exchanges at the nearest points.

    Points are numbered from 0: those of the window, then those of the baseline. ``reads`` tells
    whether the reader reads texts of a task type.

    Raises:
        NotFoundError: The map has no such point.
    """
    ids = np.concatenate([placed.current_ids, placed.reference_ids])
    places = np.concatenate([placed.current, placed.reference])
    if not 0 <= point < len(ids):
        raise NotFoundError(f"no such point on the map: {point}")
    distances = ((places - places[point]) ** 2).sum(axis=1)
    order = np.argsort(distances, kind="stable")[: N_NEIGHBOURS + 1].tolist()
    own, *neighbours = (int(ids[row]) for row in (point, *(row for row in order if row != point)))
    known = [row_id for row_id in (own, *neighbours) if row_id != DELETED]
    stored = load_map_texts(connection, evaluation, known)
    texts = {row_id: text for row_id, text in stored.items() if reads(text.task_type)}
    return MapPoint(
        text=texts.get(own),
        is_withheld=own in stored and own not in texts,
        topic=int(placed.topic[point]) if point < len(placed.topic) else -1,
        neighbours=tuple(texts[row_id] for row_id in neighbours if row_id in texts),
    )
