"""Catalogue of the descriptors of one text: name, range, direction and side of each."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Literal

from monitor.descriptors.readability import lix
from monitor.descriptors.repetition import compressible, loop, repeated_phrases
from monitor.descriptors.surface import (
    empty,
    line_count,
    non_letter_share,
    question,
    token_count,
)


@dataclass(frozen=True, kw_only=True)
class Descriptor:
    """A descriptor that windows are compared by."""

    #: As the page, Slack and docs/explanation/statistics.md show it.
    name: str
    #: Returns NaN for a text that it doesn't apply to.
    function: Callable[[str], float]
    of: Literal["prompt", "response", "both"]
    lowest: float = 0.0
    highest: float = 1.0
    #: The better direction. Only faults have one: other descriptors show a change, which may be for
    #: the better.
    direction: Literal[-1, 0, 1] = 0


#: In the order in which they are compared.
DESCRIPTORS = (
    Descriptor(name="length in tokens", function=token_count, of="both", highest=inf),
    Descriptor(name="lines", function=line_count, of="prompt", highest=inf),
    Descriptor(name="non-letter share", function=non_letter_share, of="both"),
    Descriptor(name="readability (LIX)", function=lix, of="both", highest=20_100),
    Descriptor(name="questions", function=question, of="prompt"),
    Descriptor(name="repetition", function=compressible, of="response"),
    Descriptor(name="repeated phrases", function=repeated_phrases, of="response"),
    Descriptor(name="loop", function=loop, of="response", direction=-1),
    Descriptor(name="empty", function=empty, of="response", direction=-1),
)


def descriptors_of(side: Literal["prompt", "response"]) -> tuple[Descriptor, ...]:
    """Return the descriptors by which prompts, or responses, are compared."""
    return tuple(entry for entry in DESCRIPTORS if entry.of in {side, "both"})
