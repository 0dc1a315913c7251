"""Numbers that characterise one text each: length, repetition, refusal, cut-off, format.

Each is a pure function of the text; :func:`each` applies one to many. They are heuristics for
comparing windows, where what they get wrong is wrong on both sides: none judges a single answer.
"""

import re
import zlib
from collections.abc import Callable, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

#: Text looked at where the whole of it would only cost time.
LOOKED_AT = 20_000

REFUSAL = re.compile(
    r"\b(?:i(?:'| a)m (?:sorry|afraid|unable|not able)\b"
    r"|i (?:can(?:'|no)t|cannot|won't|am unable to|do not|don't) "
    r"(?:help|assist|provide|answer|discuss|do that|comply|have access|fulfil)"
    r"|(?:can(?:'|no)t|unable to) (?:help|assist) (?:you )?with"
    r"|as an ai\b|as a language model\b|against my (?:guidelines|programming))",
    re.IGNORECASE,
)
#: What a finished text ends with: a full stop of some script, a closing bracket or a code fence.
FINISHED = re.compile(r"[.!?…。！？।؟:;)\]}>\"'”’»*`|~_]\s*$")  # noqa: RUF001

#: Below so many characters an answer is a label or a word, and no sentence that could be cut off.
SHORTEST_SENTENCE = 200

#: An answer of fewer bytes says nothing about repetition.
SHORTEST_REPEATING = 100


def length(text: str) -> float:
    """Return the number of characters."""
    return float(len(text))


def non_letter_share(text: str) -> float:
    """Return the share of characters that are neither letters nor spaces."""
    looked = text[:LOOKED_AT]
    others = sum(not (character.isalpha() or character.isspace()) for character in looked)
    return others / len(looked) if looked else 0.0


def question(text: str) -> float:
    """Return whether the text holds a question mark."""
    return float("?" in text or "？" in text or "؟" in text)  # noqa: RUF001


def empty(text: str) -> float:
    """Return whether there is no text."""
    return float(not text.strip())


def repetition(text: str) -> float:
    """Return the share of the text that repeats what stood before, by compression, in [0, 1].

    One minus the ratio of the sizes by DEFLATE (RFC 1951), which finds what stood up to 32 KiB
    before. Prose of a few sentences has about 0.3, an answer caught in a loop 0.9 and more.
    """
    encoded = text[:LOOKED_AT].encode("utf-8", "replace")
    if len(encoded) < SHORTEST_REPEATING:
        return 0.0
    return max(0.0, 1.0 - len(zlib.compress(encoded, 6)) / len(encoded))


def refusal(text: str) -> float:
    """Return whether the answer begins by declining, by English phrases."""
    return float(REFUSAL.search(text[:300].replace("’", "'")) is not None)  # noqa: RUF001


def cut_off(text: str) -> float:
    """Return whether a long text ends in the middle of a sentence."""
    return float(len(text) >= SHORTEST_SENTENCE and FINISHED.search(text[-20:]) is None)


def valid_json(text: str) -> float:
    """Return whether the text is JSON, with or without a code fence around it."""
    unfenced = re.sub(r"^\s*```(?:json)?|```\s*$", "", text)
    try:
        msgspec.json.decode(unfenced.encode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError):
        return 0.0
    return 1.0


def looks_like_json(text: str) -> bool:
    """Tell whether a text was meant to be a JSON object or array."""
    return re.match(r"\s*(?:```(?:json)?\s*)?[{\[]", text) is not None


def each(texts: Sequence[str], characteristic: Callable[[str], float]) -> NDArray[np.float64]:
    """Apply a characteristic to each text, once to each distinct one; float64 ``[n]``.

    Example:
        >>> each(["Who?", "Me."], question).tolist()
        [1.0, 0.0]
    """
    known: dict[str, float] = {}
    values = np.empty(len(texts))
    for index, text in enumerate(texts):
        if text not in known:
            known[text] = characteristic(text)
        values[index] = known[text]
    return values
