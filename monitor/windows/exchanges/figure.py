"""Figure of an assessment: the map of its prompts, and shares with their intervals."""

from typing import Any

import numpy as np

from monitor.drift.presentation.figure import (
    CURRENT_COLOUR,
    GROUPS_SHOWN,
    REFERENCE_COLOUR,
    Dots,
    Interval,
    SharePair,
    draw_figure,
    group_colour,
)
from monitor.rendering.wording import NOUNS
from monitor.store.windows.assessment import Assessment, Topic
from monitor.store.windows.map_points import PromptMap
from monitor.windows.report.map_drawing import into_frame


def figure_of_assessment(assessment: Assessment, prompt_map: PromptMap | None) -> Any:
    """Return a plotly figure; ``ImportError`` where plotly is not installed."""
    topics = [*assessment.input.topics, *assessment.output.topics]
    topics.sort(key=lambda topic: -topic.n_current)
    topics = topics[:GROUPS_SHOWN]
    intervals = []
    for family in (assessment.input, assessment.output):
        share = family.shift if family.is_shift and family.shift else family.drifted_share
        if share is None:
            continue
        name = "beyond the median" if family.is_shift else "drifted"
        if family.is_mix and family.moved_share is not None:
            moved = family.moved_share
            intervals.append(Interval("prompts moved", moved.estimate, moved.lower, moved.upper))
        intervals.append(
            Interval(f"{NOUNS[family.family]} {name}", share.estimate, share.lower, share.upper)
        )
    return draw_figure(
        assessment.headline.replace("`", ""),
        [] if prompt_map is None else _dots(prompt_map, topics),
        intervals,
        [SharePair(topic.name, topic.share_reference, topic.share_current) for topic in topics],
    )


def _dots(prompt_map: PromptMap, topics: list[Topic]) -> list[Dots]:
    places = into_frame(np.concatenate([prompt_map.current, prompt_map.reference]))
    current, reference = np.split(places, [len(prompt_map.current)])
    on_topics = np.isin(prompt_map.topic, [topic.index for topic in topics])
    dots = [
        Dots("reference", reference, REFERENCE_COLOUR),
        Dots("current", current[~on_topics], CURRENT_COLOUR),
        *(
            Dots(topic.name, current[prompt_map.topic == topic.index], group_colour(number))
            for number, topic in enumerate(topics)
        ),
    ]
    return [kind for kind in dots if len(kind.places)]
