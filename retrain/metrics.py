"""Scores of one answer against the expected one; each lies in [0, 1]."""

import string
import unicodedata
from collections import Counter

_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalise(text: str) -> str:
    """Return a text without differences that don't matter: Unicode form, case, spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def exact_match(expected: str, answer: str) -> float:
    """Return 1.0 where the answer is the expected one, up to Unicode form, case and spaces.

    >>> exact_match("cards: block card", " Cards:  block card")
    1.0
    """
    return float(normalise(expected) == normalise(answer))


def token_f1(expected: str, answer: str) -> float:
    """Return the harmonic mean of precision and recall over tokens, each counted once.

    Tokens are words without punctuation; where a script writes no spaces between words, as Japanese
    and Chinese, each character is one.

    >>> round(token_f1("block the card", "block card"), 3)
    0.8
    """
    wanted, given = Counter(tokens(expected)), Counter(tokens(answer))
    if not wanted or not given:
        return float(wanted == given)
    shared = (wanted & given).total()
    if not shared:
        return 0.0
    precision, recall = shared / given.total(), shared / wanted.total()
    return 2 * precision * recall / (precision + recall)


def tokens(text: str) -> list[str]:
    """Split a text into words, and into characters where words aren't spaced."""
    found = []
    for word in normalise(text).split():
        plain = "".join(c for c in word.translate(_PUNCTUATION) if not _is_punctuation(c))
        run = ""
        for character in plain:
            if _is_unspaced(character):
                if run:
                    found.append(run)
                    run = ""
                found.append(character)
            else:
                run += character
        if run:
            found.append(run)
    return found


def _is_punctuation(character: str) -> bool:
    return unicodedata.category(character).startswith("P")


def _is_unspaced(character: str) -> bool:
    """Tell whether a character belongs to a script that writes words without spaces."""
    name = unicodedata.name(character, "")
    return name.startswith(("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR"))


METRICS = {"exact_match": exact_match, "token_f1": token_f1}
