"""The map on a page that shows examples on demand: the map, a topic of it, a point of it."""

from collections.abc import Sequence

from markupsafe import Markup

from monitor.store.windows.prompt_maps import MapText
from monitor.windows.report.environment import render_macro, render_template
from monitor.windows.report.map_drawing import DrawnMap, MapTopic


def render_map(drawn: DrawnMap, chosen: int | None) -> Markup:
    """Return a map whose labels are links, with the list of topics beside it.

    Args:
        drawn: The map.
        chosen: Index of the topic whose examples are shown, if one is.
    """
    return render_macro("map.html.j2", "map_and_topics", drawn, chosen)


def render_topic(one: MapTopic, others: Sequence[str]) -> Markup:
    """Return a topic's examples.

    Args:
        one: The topic.
        others: Further prompts on it.
    """
    return render_template("topic.html.j2", one=one, topic=one.topic, others=others)


def render_point(text: MapText | None, topic: str, near: Sequence[MapText]) -> Markup:
    """Return the exchange at a point of the map.

    Args:
        text: ``None`` where it is gone.
        topic: Name of its drifted topic; empty where it is on none.
        near: Those at the points around it.
    """
    return render_template("point.html.j2", text=text, topic=topic, near=near)
