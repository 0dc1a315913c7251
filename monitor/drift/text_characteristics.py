"""Scalar characteristics of texts: pure functions from ``[n]`` texts to float64 ``[n]``."""

import json
import re
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_REFUSAL = re.compile(
    r"\b(?:i|we)(?:['\u2019]?m| am| are|['\u2019]re)? "
    r"(?:(?:really |very |so )?sorry|afraid|unable|not able|not allowed|not permitted)\b"
    r"|\bi (?:can ?not|can['\u2019]t|won['\u2019]t|will not|must decline|have to decline|decline)\b"
    r"|\b(?:as|being) an? (?:ai|artificial intelligence|(?:large )?language model)\b"
    r"|\b(?:against|violates?) (?:my|our|the) (?:guidelines|policy|policies|programming)\b"
    r"|\bi do(?: not|n['\u2019]t) (?:feel comfortable|have the ability)\b",
    re.IGNORECASE,
)
#: A refusal opens the answer; the same words deep in a text are about something else.
_REFUSAL_REACH = 200
_ENDING = re.compile(
    r"[.!?\u2026\u3002\uff01\uff1f\u061f\u0964:;)\]}\"'\u201d\u2019\u00bb`*|>]\s*$"
)
_WORD = re.compile(r"\w+")


def length_characters(texts: Sequence[str]) -> Floats:
    """Return the number of characters."""
    return np.array([len(text) for text in texts], dtype=np.float64)


def length_words(texts: Sequence[str]) -> Floats:
    """Return the number of runs of letters, digits and underscores."""
    return np.array([len(_WORD.findall(text)) for text in texts], dtype=np.float64)


def repetition(texts: Sequence[str]) -> Floats:
    """Return the share of word trigrams that occurred earlier in the text, in [0, 1]."""
    return np.array([_repeated_share(text) for text in texts], dtype=np.float64)


def refusal(texts: Sequence[str]) -> Floats:
    """Return 1 where the first 200 characters decline (English), else 0."""
    return np.array(
        [float(_REFUSAL.search(text[:_REFUSAL_REACH]) is not None) for text in texts],
        dtype=np.float64,
    )


def truncation(texts: Sequence[str]) -> Floats:
    """Return 1 where the text looks cut off, else 0.

    Marks: an unclosed code fence, or ten words and more that end without closing punctuation. Valid
    JSON and texts whose last line is short (a list, a label, a signature) are not cut off.
    """
    return np.array([float(_looks_cut(text)) for text in texts], dtype=np.float64)


def valid_json(texts: Sequence[str]) -> Floats:
    """Return 1 where the text is a JSON object or array, also inside one code fence, else 0."""
    return np.array([float(_is_json(text)) for text in texts], dtype=np.float64)


def non_letter_share(texts: Sequence[str]) -> Floats:
    """Return the share of the non-blank characters that are not letters; 0 for a blank text."""
    return np.array([_non_letters(text) for text in texts], dtype=np.float64)


#: Every characteristic by name.
TEXT_CHARACTERISTICS: dict[str, Callable[[Sequence[str]], Floats]] = {
    "length_characters": length_characters,
    "length_words": length_words,
    "repetition": repetition,
    "refusal": refusal,
    "truncation": truncation,
    "valid_json": valid_json,
    "non_letter_share": non_letter_share,
}


def _repeated_share(text: str) -> float:
    words = _WORD.findall(text.lower())
    trigrams = list(zip(words, words[1:], words[2:], strict=False))
    return 1.0 - len(set(trigrams)) / len(trigrams) if trigrams else 0.0


def _looks_cut(text: str) -> bool:
    stripped = text.rstrip()
    if stripped.count("```") % 2:
        return True
    last_line = stripped.rsplit("\n", 1)[-1]
    if len(_WORD.findall(last_line)) < 10 or _is_json(stripped):
        return False
    return _ENDING.search(stripped) is None


def _is_json(text: str) -> bool:
    body = text.strip()
    if body.startswith("```") and body.endswith("```") and "\n" in body:
        body = body[body.index("\n") : -3].strip()
    if not body.startswith(("{", "[")):
        return False
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True


def _non_letters(text: str) -> float:
    visible = [character for character in text if not character.isspace()]
    if not visible:
        return 0.0
    return sum(not character.isalpha() for character in visible) / len(visible)
