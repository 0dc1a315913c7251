"""Topics that earlier evaluations of the same model have found already."""

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from monitor.store.windows.assessment import Assessment, FamilyAssessment, Topic

#: A topic may be missing from some windows, below what is significant, and still be the same.
WINDOWS_LOOKED_AT = 4

#: Common words that make one topic of two, and their share of the shorter name.
COMMON_WORDS = 2
COMMON_SHARE = 0.5


def with_history(assessment: Assessment, earlier: Sequence[Assessment]) -> Assessment:
    """Say of each topic since when the evaluations before have known it.

    Names are compared, not vectors: those of earlier windows may be gone by age. The words of a
    name vary from week to week, so half of the shorter one's make a match.

    Args:
        assessment: Of a window.
        earlier: Of the windows before it, the newest first.
    """
    looked_at = earlier[:WINDOWS_LOOKED_AT]
    return replace(
        assessment,
        input=_family(assessment.input, [one.input for one in looked_at]),
        output=_family(assessment.output, [one.output for one in looked_at]),
    )


def _family(family: FamilyAssessment, earlier: Sequence[FamilyAssessment]) -> FamilyAssessment:
    topics = tuple(
        replace(topic, known_since=_known_since(topic, earlier)) for topic in family.topics
    )
    return replace(family, topics=topics)


def _known_since(topic: Topic, earlier: Sequence[FamilyAssessment]) -> datetime | None:
    for family in earlier:
        for known in family.topics:
            if _is_same(topic.name, known.name):
                return known.known_since or known.first_seen
    return None


def _is_same(name: str, other: str) -> bool:
    words, others = _words(name), _words(other)
    shorter = min(len(words), len(others))
    common = len(words & others)
    return common >= min(COMMON_WORDS, shorter) and common >= COMMON_SHARE * shorter > 0


def _words(name: str) -> set[str]:
    """Return the words of a name made of words; none of one that is the beginning of a text."""
    kept = name.removeprefix("various: ").split(", ")
    return {word for word in kept if word and " " not in word and not word.startswith("(")}
