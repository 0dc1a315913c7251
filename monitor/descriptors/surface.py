"""Descriptors of length, layout and punctuation."""

import numpy as np

from monitor.descriptors.characters import (
    DIGIT,
    MAX_CHARACTERS,
    SIGN,
    SPACE,
    find_runs,
    kinds,
)

#: Characters of one kind that make a token: letters of a word, syllables, digits, signs.
_PER_TOKEN = np.array([1, 7, 1, 3, 1])


def token_count(text: str) -> float:
    """Return the approximate length in tokens, by a rule that is independent of any model.

    A token is a word of up to seven characters (longer ones are several), a syllable or ideograph,
    up to three digits, or a sign: about what the tokenizers of language models produce. The
    tokenizer of the production model isn't known here, and two windows need only one measure.
    Beyond :data:`MAX_CHARACTERS` characters the count is extrapolated.

    Example:
        >>> token_count("Überweisungen: 12500 €")
        6.0
    """
    head = text[:MAX_CHARACTERS]
    if not head:
        return 0.0
    runs = find_runs(kinds(head))
    tokens = -(-runs.length // _PER_TOKEN[runs.kind])
    return float(tokens[runs.kind != SPACE].sum()) * (len(text) / len(head))


def non_letter_share(text: str) -> float:
    """Return the share of digits and signs among the characters, in [0, 1]."""
    kind = kinds(text[:MAX_CHARACTERS])
    return float(np.mean((kind == DIGIT) | (kind == SIGN))) if len(kind) else 0.0


def line_count(text: str) -> float:
    r"""Return the number of lines that aren't blank; pasted text and lists have many.

    Example:
        >>> line_count("Translate:\n\nGuten Tag\n")
        2.0
    """
    head = text[:MAX_CHARACTERS]
    if not head:
        return 0.0
    return sum(bool(line.strip()) for line in head.splitlines()) * (len(text) / len(head))


def question(text: str) -> float:
    """Return whether the text contains a question mark, of any script."""
    return float("?" in text or "？" in text or "؟" in text or "՞" in text)  # noqa: RUF001


def empty(text: str) -> float:
    """Return whether the text is empty or blank."""
    return float(not text.strip())
