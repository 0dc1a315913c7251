"""Script of a text: that of most of its characters."""

import unicodedata
from collections import Counter
from functools import lru_cache

from monitor.explanations.found_explanation import FoundExplanation
from monitor.explanations.share_changes import Candidate, Shares

#: Characters of a text that are read.
MAX_CHARACTERS = 500
LATIN = "Latin"
#: Names of scripts that Unicode's names of characters begin otherwise.
_NAMES = {"CJK": "Han", "HIRAGANA": "Japanese", "KATAKANA": "Japanese"}
#: Words before the script in names of characters.
_WIDTHS = {"FULLWIDTH", "HALFWIDTH", "MATHEMATICAL", "MODIFIER"}


def find_scripts(shares: Shares) -> list[FoundExplanation]:
    """Return the scripts that more texts have than before, or fewer."""
    values = shares.map(script_of)
    names = sorted({name for own in values for name in set(own.tolist())} - {"", LATIN})
    candidates = [
        candidate
        for name in names
        if (candidate := Candidate((values[0] == name, values[1] == name), text=name)).is_frequent
    ]
    explanations = (
        shares.explain("script", candidate, n_candidates=len(candidates))
        for candidate in candidates
    )
    return [explanation for explanation in explanations if explanation is not None]


def script_of(text: str) -> str:
    """Return the script of most characters of a text; empty for signs alone.

    Example:
        >>> script_of("Привет, Anna"), script_of("東京へ"), script_of("42")
        ('Cyrillic', 'Han', '')
    """
    head = text[:MAX_CHARACTERS]
    if head.isascii():
        return LATIN if any(map(str.isalpha, head)) else ""
    counts = Counter(name for character in head if (name := _script(character)))
    return counts.most_common(1)[0][0] if counts else ""


@lru_cache(maxsize=65_536)
def _script(character: str) -> str:
    if not character.isalpha():
        return ""
    words = unicodedata.name(character, "").split()
    first = next((word for word in words if word not in _WIDTHS), "")
    return _NAMES.get(first, first.capitalize())
