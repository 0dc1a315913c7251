"""Recognition of topics that earlier evaluations of the same model have found."""

from collections.abc import Sequence
from datetime import datetime

from monitor.store.windows.assessment import FamilyAssessment

#: Earlier windows searched: a topic may be insignificant in some windows and still be the same.
WINDOWS_SEARCHED = 4

#: Common words that make two topics the same, and their share of the shorter name.
COMMON_WORDS = 2
COMMON_SHARE = 0.5


def known_since(name: str, earlier: Sequence[FamilyAssessment]) -> datetime | None:
    """Return since when earlier evaluations have known a topic; ``None`` where it is new.

    Names are compared, not vectors: vectors of earlier windows may have been deleted by age. The
    words of a name vary from week to week, so half of those of the shorter name make a match.

    Args:
        name: Of the topic.
        earlier: The same family in the assessments of the windows before, the newest first.
    """
    for family in earlier[:WINDOWS_SEARCHED]:
        for topic in family.topics:
            if _is_same(name, topic.name):
                return topic.known_since or topic.first_seen
    return None


def _is_same(name: str, other: str) -> bool:
    words, other_words = _words(name), _words(other)
    shorter = min(len(words), len(other_words))
    common = len(words & other_words)
    return common >= min(COMMON_WORDS, shorter) and common >= COMMON_SHARE * shorter > 0


def _words(name: str) -> set[str]:
    """Return the words of a name; none of a name that is the beginning of a text."""
    words = name.removeprefix("various: ").split(", ")
    return {word for word in words if word and " " not in word and not word.startswith("(")}
