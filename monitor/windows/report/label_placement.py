"""Placement of labels: near their dots, over few other dots, never over another label."""

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FONT_SIZE = 13.0
#: Mean advance width of a bold sans-serif font, in units of its size.
ADVANCE = 0.57
HEIGHT = 22.0
#: Width of the number in its disc before the text.
BADGE = 20.0
GAP = 5.0

#: Candidate distances of a label from its anchor, in this many directions.
DISTANCES = (16.0, 26.0, 40.0, 60.0, 85.0, 115.0, 150.0)
N_DIRECTIONS = 16
#: Cost of a unit of distance; covering a dot of a drifted topic costs 1.
COST_OF_DISTANCE = 0.08
#: Cost of covering the anchor of another topic.
COST_OF_ANCHOR = 12.0
NEVER = 1e9


@dataclass(frozen=True)
class Box:
    """The place of a label, and the start of the line to its anchor."""

    x: float
    y: float
    width: float
    height: float
    line_from: tuple[float, float]

    def overlaps(self, other: "Box", room: float = 3.0) -> bool:
        """Return whether two labels are closer than ``room``."""
        return (
            self.x < other.x + other.width + room
            and other.x < self.x + self.width + room
            and self.y < other.y + other.height + room
            and other.y < self.y + self.height + room
        )


def text_width(text: str) -> float:
    """Estimate the width of a text; wide East Asian characters count 1.75 times."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return FONT_SIZE * ADVANCE * (len(text) + 0.75 * wide)


def place_label(
    text: str,
    anchor: tuple[float, float],
    *,
    taken: Sequence[Box],
    other_anchors: Sequence[tuple[float, float]],
    dots: Sequence[tuple[NDArray[np.float64], float]],
    frame: tuple[float, float],
) -> Box:
    """Place a label at the candidate position of lowest cost.

    Dots are ``[n, 2]``, with the cost of covering one of them. Labels in ``taken`` are placed
    already. The frame has a width and a height.
    """
    width = round(BADGE + GAP + text_width(text) + GAP, 1)
    candidates = [
        (distance, _box_towards(anchor, distance, 2 * math.pi * number / N_DIRECTIONS, width))
        for distance in DISTANCES
        for number in range(N_DIRECTIONS)
    ]
    costs = [
        COST_OF_DISTANCE * distance + _cost(box, taken, other_anchors, dots, frame)
        for distance, box in candidates
    ]
    return candidates[int(np.argmin(costs))][1]


def _box_towards(anchor: tuple[float, float], distance: float, angle: float, width: float) -> Box:
    """Return the box of a label at a distance from its anchor, in a direction."""
    across, down = math.cos(angle), math.sin(angle)
    at_x, at_y = anchor[0] + distance * across, anchor[1] + distance * down
    # Directly above and below, the label is centred; to the sides, it starts at the point.
    x = at_x - width / 2 + across * width / 2
    y = at_y - HEIGHT / 2 + down * HEIGHT / 2
    return Box(
        round(x, 1),
        round(y, 1),
        width,
        HEIGHT,
        (
            round(min(max(anchor[0], x + BADGE / 2), x + width - BADGE / 2), 1),
            round(min(max(anchor[1], y), y + HEIGHT), 1),
        ),
    )


def _cost(
    box: Box,
    taken: Sequence[Box],
    other_anchors: Sequence[tuple[float, float]],
    dots: Sequence[tuple[NDArray[np.float64], float]],
    frame: tuple[float, float],
) -> float:
    outside = (
        max(0.0, 2.0 - box.x)
        + max(0.0, 2.0 - box.y)
        + max(0.0, box.x + box.width - frame[0] + 2.0)
        + max(0.0, box.y + box.height - frame[1] + 2.0)
    )
    cost = NEVER * outside + NEVER * sum(box.overlaps(label) for label in taken)
    for x, y in other_anchors:
        if box.x - 8 < x < box.x + box.width + 8 and box.y - 8 < y < box.y + box.height + 8:
            cost += COST_OF_ANCHOR
    if cost >= NEVER:
        return cost
    for places, cost_of_dot in dots:
        covered = (
            (places[:, 0] > box.x)
            & (places[:, 0] < box.x + box.width)
            & (places[:, 1] > box.y)
            & (places[:, 1] < box.y + box.height)
        )
        cost += cost_of_dot * float(covered.sum())
    return cost
