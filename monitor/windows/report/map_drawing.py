"""The map of a window as it is drawn: dots, and labels that neither overlap nor leave the frame.

Geometry only, in the units of an SVG's viewBox. A dot is a line of no length with round ends, so
that all dots of a kind are one path and keep their size at any scale.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.rendering.excerpts import excerpt
from monitor.store.windows.assessment import Assessment, Topic
from monitor.store.windows.prompt_maps import PromptMap
from monitor.windows.report.label_placement import Box, place_label

WIDTH, HEIGHT = 760.0, 540.0
#: Between the outermost dots and the frame.
MARGIN = 26.0

#: How much more one axis may be stretched than the other.
MAX_STRETCH = 1.4
#: Of the unit square: what extends less isn't blown up.
LEAST_EXTENT = 1e-3

#: Topics with a colour of their own; all others share one.
N_COLOURS = 6
#: Topics with a label; the list beside the map names all.
N_LABELS = 10
LABEL_CHARACTERS = 30


@dataclass(frozen=True)
class Dots:
    """Dots of one kind, in the order of the map."""

    #: Data of an SVG path.
    path: str
    #: Number of the first one on the map: those of the window first, then those of the baseline.
    first: int
    n: int


@dataclass(frozen=True)
class MapTopic:
    """A drifted topic on the map."""

    topic: Topic
    family: str
    #: As it is labelled, from 1.
    number: int
    #: ``1`` to ``6``, or ``rest``.
    colour: str
    dots: Dots
    #: The dot in its middle; ``None`` where no dot is left.
    anchor: tuple[float, float] | None
    label: str
    #: ``None`` where it has no label on the map.
    box: Box | None


@dataclass(frozen=True)
class DrawnMap:
    """A map, ready for a template."""

    reference: Dots
    #: Of no drifted topic.
    ordinary: Dots
    #: In the order of the assessment.
    topics: tuple[MapTopic, ...]
    width: float = WIDTH
    height: float = HEIGHT

    @property
    def n_drifted(self) -> int:
        """Return how many dots lie on drifted topics."""
        return sum(one.dots.n for one in self.topics)


def draw(drawn: PromptMap, assessment: Assessment) -> DrawnMap:
    """Draw a map.

    Args:
        drawn: Where the prompts lie.
        assessment: Names the topics.
    """
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
                others=[one for one in anchors if one is not None and one != anchor],
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
    """Turn places into those of a drawing: the longer side lies across, and fills the frame.

    The axes mean nothing, so one may be stretched against the other, up to :data:`MAX_STRETCH`.
    """
    if not len(places):
        return np.empty((0, 2))
    wide = places.astype(np.float64)
    if np.ptp(wide[:, 1]) > np.ptp(wide[:, 0]):
        wide = wide[:, ::-1]
    low, high = wide.min(axis=0), wide.max(axis=0)
    frame = np.array([WIDTH, HEIGHT])
    scale = (frame - 2 * MARGIN) / np.maximum(high - low, LEAST_EXTENT)
    scale = np.minimum(scale, MAX_STRETCH * scale.min())
    return np.asarray(frame / 2 + (wide - (low + high) / 2) * scale)


def _dots(places: NDArray[np.float64], first: int) -> Dots:
    return Dots("".join(f"M{x:.1f} {y:.1f}h0" for x, y in places.tolist()), first, len(places))


def _middle(places: NDArray[np.float64]) -> tuple[float, float] | None:
    """Return the dot nearest to the median of some: a dot, so that it can't lie between two."""
    if not len(places):
        return None
    apart = ((places - np.median(places, axis=0)) ** 2).sum(axis=1)
    x, y = places[int(apart.argmin())]
    return round(float(x), 1), round(float(y), 1)


def _label(topic: Topic) -> str:
    words: Sequence[str] = topic.name.split(", ")
    while len(words) > 1 and len(", ".join(words)) > LABEL_CHARACTERS:
        words = words[:-1]
    return excerpt(", ".join(words), LABEL_CHARACTERS)
