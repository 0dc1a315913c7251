"""Geometry of the map of changes: each dot coloured by how unlike the baseline its response is."""

from dataclasses import dataclass

import numpy as np

from monitor.store.windows.assessment import Assessment
from monitor.store.windows.map_points import PromptMap
from monitor.windows.report.map_drawing import (
    HEIGHT,
    WIDTH,
    Dots,
    DrawnMap,
    MapTopic,
    draw,
    into_frame,
)

#: Ends of the classes; the last one includes its end.
EDGES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True)
class ChangeClass:
    """The dots of one class."""

    #: 1 for the least change to 5; 0: not compared.
    number: int
    lower: float
    upper: float
    path: str
    #: Numbers of the dots on the map, in the order of the path.
    points: tuple[int, ...]


@dataclass(frozen=True)
class ChangeMap:
    """A map of the prompts whose dots show how much the responses changed."""

    reference: Dots
    #: The strongest change last, so that it is on top.
    classes: tuple[ChangeClass, ...]
    #: The drifted topics of the responses, with their labels.
    topics: tuple[MapTopic, ...]
    width: float = WIDTH
    height: float = HEIGHT

    @property
    def growth_top(self) -> float:
        """Return the end of the common axis of the growth of the topics."""
        return DrawnMap(self.reference, self.reference, self.topics).growth_top


def draw_changes(placed: PromptMap, assessment: Assessment) -> ChangeMap | None:
    """Lay out the map of changes; ``None`` where the responses didn't change, or in older maps."""
    if placed.change is None or assessment.output.verdict != "drift":
        return None
    drawn = draw(placed, assessment)
    places = into_frame(np.concatenate([placed.current, placed.reference]))[: len(placed.current)]
    numbers = np.digitize(placed.change, EDGES[1:-1]) + 1
    numbers[np.isnan(placed.change)] = 0
    classes = []
    for number in range(len(EDGES)):
        points = np.flatnonzero(numbers == number).tolist()
        path = "".join(f"M{x:.1f} {y:.1f}h0" for x, y in places[points].tolist())
        lower, upper = (0.0, 0.0) if number == 0 else EDGES[number - 1 : number + 1]
        classes.append(ChangeClass(number, lower, upper, path, tuple(points)))
    topics = tuple(topic for topic in drawn.topics if topic.family == "output")
    return ChangeMap(drawn.reference, tuple(classes), topics)
