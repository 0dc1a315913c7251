"""Descriptors: numbers computed from a text, such as length, repetition, refusal and language.

Each is a pure function of one text and takes some microseconds (a refusal, a quarter of a
millisecond); :func:`describe` applies one to many texts. They are heuristics for comparing windows,
in which both sides have the same errors; none of them rates a single response. NaN means that a
descriptor doesn't apply to a text.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from monitor.descriptors.language import identify_language, load_language_model
from monitor.descriptors.output_format import OutputFormat, learn_format
from monitor.descriptors.readability import lix
from monitor.descriptors.refusal import declined_by_api, refusal
from monitor.descriptors.relevance import relevance, unrelated_threshold
from monitor.descriptors.repetition import compressible, loop, repeated_phrases
from monitor.descriptors.surface import (
    empty,
    line_count,
    non_letter_share,
    question,
    token_count,
)
from monitor.descriptors.truncation import cut_off, stopped_by_limit
from monitor.descriptors.withheld import WithheldText, apply, are_withheld

__all__ = [
    "OutputFormat",
    "WithheldText",
    "are_withheld",
    "compressible",
    "cut_off",
    "declined_by_api",
    "describe",
    "empty",
    "identify_language",
    "learn_format",
    "line_count",
    "lix",
    "load_language_model",
    "loop",
    "map_distinct",
    "non_letter_share",
    "question",
    "refusal",
    "relevance",
    "repeated_phrases",
    "stopped_by_limit",
    "token_count",
    "unrelated_threshold",
]

T = TypeVar("T")

#: Texts among which a repeated one is described once.
DISTINCT_TEXTS = 65_536


def describe(texts: Sequence[str], descriptor: Callable[[str], float]) -> NDArray[np.float64]:
    """Return a descriptor of each text, float64 ``[n]``, computed once for each distinct one.

    Example:
        >>> describe(["Who?", "Me."], question).tolist()
        [1.0, 0.0]
    """
    return np.array(map_distinct(texts, descriptor), dtype=np.float64)


def map_distinct(texts: Sequence[str], function: Callable[[str], T]) -> list[T]:
    """Return a function's value for each text, computed once for each distinct one of a chunk."""
    values: list[T] = []
    # Texts may lie on disk: those of a chunk are in memory.
    for start in range(0, len(texts), DISTINCT_TEXTS):
        chunk = texts[start : start + DISTINCT_TEXTS]
        known = {text: apply(function, text) for text in dict.fromkeys(chunk)}
        values += [known[text] for text in chunk]
    return values
