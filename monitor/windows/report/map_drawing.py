"""Geometry of the map of a window: dots, and labels that neither overlap nor leave the frame.

Units are those of an SVG viewBox. A dot is a line of length 0 with round ends, so that all dots of
a kind are one path and keep their size at any scale.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.rendering.excerpts import excerpt
from monitor.store.windows.assessment import Assessment, Topic
from monitor.store.windows.map_points import PromptMap
from monitor.windows.report.figures import growth_axis
from monitor.windows.report.label_placement import Box, place_label

WIDTH, HEIGHT = 760.0, 540.0
#: Distance between the outermost dots and the frame.
MARGIN = 26.0

#: Largest ratio of the scales of the two axes.
MAX_STRETCH = 1.4
#: Smaller extents, in the unit square, are not magnified.
MIN_EXTENT = 1e-3

#: Topics with a colour of their own; the rest share a colour.
N_COLOURS = 6
#: Topics with a label; the list next to the map names all.
N_LABELS = 10
LABEL_CHARACTERS = 30


@dataclass(frozen=True)
class Dots:
    """Dots of one kind, in the order of the map."""

    #: Data of an SVG path.
    path: str
    #: Number of the first dot on the map: dots of the window first, then those of the baseline.
    first: int
    n: int


@dataclass(frozen=True)
class MapTopic:
    """A drifted topic on the map."""

    topic: Topic
    family: str
    #: Its number on the map, from 1.
    number: int
    #: ``1`` to ``6``, or ``rest``.
    colour: str
    dots: Dots
    #: The dot nearest to its median; ``None`` where it has no dot.
    anchor: tuple[float, float] | None
    label: str
    #: Place of the label; ``None`` where it has none.
    box: Box | None


@dataclass(frozen=True)
class DrawnMap:
    """A map, ready for a template."""

    reference: Dots
    #: Prompts of the window outside the drifted topics.
    ordinary: Dots
    #: In the order of the assessment.
    topics: tuple[MapTopic, ...]
    width: float = WIDTH
    height: float = HEIGHT

    @property
    def n_drifted(self) -> int:
        """Return the number of dots on drifted topics."""
        return sum(topic.dots.n for topic in self.topics)

    @property
    def growth_top(self) -> float:
        """Return the end of the common axis of the growth of the topics."""
        return growth_axis(placed.topic for placed in self.topics)


def draw(drawn: PromptMap, assessment: Assessment) -> DrawnMap:
    """Lay out a map for the template."""
    places = into_frame(np.concatenate([drawn.current, drawn.reference]))
    current, reference = places[: len(drawn.current)], places[len(drawn.current) :]
    named = [
        (topic, family.family)
        for family in (assessment.input, assessment.output)
        for topic in family.topics
    ]
    largest = sorted(range(len(named)), key=lambda at: -named[at][0].n_current)
    colours = {at: str(rank + 1) for rank, at in enumerate(sorted(largest[:N_COLOURS]))}
    rows = [np.flatnonzero(drawn.topic == topic.index) for topic, _ in named]
    anchors = [_middle(current[own]) for own in rows]
    drifted = current[drawn.topic >= 0]
    boxes: dict[int, Box] = {}
    for at in largest[:N_LABELS]:
        anchor = anchors[at]
        if anchor is not None:
            boxes[at] = place_label(
                _label(named[at][0]),
                anchor,
                taken=list(boxes.values()),
                other_anchors=[other for other in anchors if other is not None and other != anchor],
                dots=((drifted, 1.0), (current, 0.15), (reference, 0.1)),
                frame=(WIDTH, HEIGHT),
            )
    topics = tuple(
        MapTopic(
            topic=topic,
            family=family,
            number=at + 1,
            colour=colours.get(at, "rest"),
            dots=_dots(current[rows[at]], int(rows[at][0]) if len(rows[at]) else 0),
            anchor=anchors[at],
            label=_label(topic),
            box=boxes.get(at),
        )
        for at, (topic, family) in enumerate(named)
    )
    n_drifted = int((drawn.topic >= 0).sum())
    return DrawnMap(
        reference=_dots(reference, len(current)),
        ordinary=_dots(current[n_drifted:], n_drifted),
        topics=topics,
    )


def into_frame(places: NDArray[np.float32]) -> NDArray[np.float64]:
    """Scale places to the frame, the longer side horizontally.

    The axes have no meaning, so their scales may differ by a factor of up to :data:`MAX_STRETCH`.
    """
    if not len(places):
        return np.empty((0, 2))
    wide = places.astype(np.float64)
    if np.ptp(wide[:, 1]) > np.ptp(wide[:, 0]):
        wide = wide[:, ::-1]
    low, high = wide.min(axis=0), wide.max(axis=0)
    frame = np.array([WIDTH, HEIGHT])
    scale = (frame - 2 * MARGIN) / np.maximum(high - low, MIN_EXTENT)
    scale = np.minimum(scale, MAX_STRETCH * scale.min())
    return np.asarray(frame / 2 + (wide - (low + high) / 2) * scale)


def _dots(places: NDArray[np.float64], first: int) -> Dots:
    return Dots("".join(f"M{x:.1f} {y:.1f}h0" for x, y in places.tolist()), first, len(places))


def _middle(places: NDArray[np.float64]) -> tuple[float, float] | None:
    """Return the dot nearest to the median: a dot, so that it cannot lie between two clusters."""
    if not len(places):
        return None
    distances = ((places - np.median(places, axis=0)) ** 2).sum(axis=1)
    x, y = places[int(distances.argmin())]
    return round(float(x), 1), round(float(y), 1)


def _label(topic: Topic) -> str:
    words: Sequence[str] = topic.name.split(", ")
    while len(words) > 1 and len(", ".join(words)) > LABEL_CHARACTERS:
        words = words[:-1]
    return excerpt(", ".join(words), LABEL_CHARACTERS)
