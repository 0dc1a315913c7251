"""Recognition of topics that earlier evaluations of the same model have found."""

from collections.abc import Sequence
from datetime import datetime

from monitor.store.windows.assessment import FamilyAssessment, Topic
from monitor.windows.topics.names import MIXED
from monitor.windows.topics.timeline import Beginning

#: Earlier windows searched: a topic may be insignificant in some windows and still be the same.
WINDOWS_SEARCHED = 4

#: Common words that make two topics the same, and their share of the shorter name.
COMMON_WORDS = 2
COMMON_SHARE = 0.5


def earlier_topic(name: str, earlier: Sequence[FamilyAssessment]) -> Topic | None:
    """Return a topic as the newest earlier evaluation has it; ``None`` where it is new.

    Names are compared, not vectors: vectors of earlier windows may have been deleted by age. The
    words of a name vary from week to week, so half of those of the shorter name make a match. Of
    several matches in one evaluation, the one with most common words is returned.

    ``earlier`` is the same family in the assessments of the windows before, the newest first.
    """
    for family in earlier[:WINDOWS_SEARCHED]:
        matches = [topic for topic in family.topics if _is_same(name, topic.name)]
        if matches:
            return max(matches, key=lambda topic: len(_words(name) & _words(topic.name)))
    return None


def known_since(earlier: Topic | None) -> datetime | None:
    """Return since when earlier evaluations have known a topic; ``None`` where it is new."""
    return None if earlier is None else earlier.known_since or earlier.first_seen


def exists_since(own: Beginning | None, earlier: Topic | None) -> Beginning | None:
    """Return since when a topic exists: by an earlier evaluation that found it, or by its own days.

    ``own`` is from the days of this window; ``None`` where the baseline has the topic, too.
    """
    if own is None or earlier is None or earlier.first_seen is None:
        return own
    if earlier.exists_since is None:  # of the baseline then
        return None
    return Beginning(earlier.exists_since, earlier.may_be_older)


def _is_same(name: str, other: str) -> bool:
    words, other_words = _words(name), _words(other)
    shorter = min(len(words), len(other_words))
    common = len(words & other_words)
    return common >= min(COMMON_WORDS, shorter) and common >= COMMON_SHARE * shorter > 0


def _words(name: str) -> set[str]:
    """Return the words of a name; none of a name that is the beginning of a text."""
    words = name.removeprefix(MIXED).split(", ")
    return {word for word in words if word and " " not in word and not word.startswith("(")}
