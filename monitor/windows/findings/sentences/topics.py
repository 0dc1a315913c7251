"""Sentences on topics: new ones, and ones that the baseline has and that grew."""

from collections.abc import Sequence
from math import sqrt

from monitor.plurals import pluralize
from monitor.rendering.excerpts import quote
from monitor.rendering.numbers import format_known, format_share, join_names
from monitor.rendering.wording import NOUNS, describe_since
from monitor.settings import Drift
from monitor.store.windows.assessment import FamilyAssessment, Topic

#: Of a headline, and of a list of topics.
MAX_WORDS = 30
NAMED = 3
#: A topic is new where the baseline has less of it, and at most a twentieth of its share.
NEARLY_NONE = 0.005
OF_ITS_SHARE = 0.05


def is_new(topic: Topic) -> bool:
    """Return whether the baseline has none of a topic, or nearly none."""
    before = topic.share_reference
    return before < NEARLY_NONE and before <= OF_ITS_SHARE * topic.share_current


def reported_topics(family: FamilyAssessment, drift: Drift) -> list[Topic]:
    """Return the topics that are surely more frequent, by enough; at least the largest of them."""
    sure = [topic for topic in family.topics if topic.enrichment_lower > 1.0]
    far = [
        topic
        for topic in sure
        if topic.share_current - topic.share_reference >= drift.min_reported_share
    ]
    return far or sure[:1]


def new_topics(topics: Sequence[Topic], family: str) -> list[str]:
    """Return a sentence that lists the new topics with their shares and first days."""
    new = [topic for topic in topics if is_new(topic)]
    sentence = ""
    for n_named in range(min(NAMED, len(new)), 0, -1):
        sentence = _list_new(new, n_named, family)
        if len(sentence.split()) <= MAX_WORDS:
            break
    return [sentence] if sentence else []


def grown_topics(topics: Sequence[Topic], family: str) -> list[str]:
    """Return a sentence on each topic that the baseline has, too, and that grew."""
    grown = [topic for topic in topics if not is_new(topic)]
    sentences = [
        f"{quote(topic.name)} grew from {format_share(topic.share_reference)} to "
        f"{_share(topic)} of the {NOUNS[family]}."
        for topic in grown[:NAMED]
        # Of responses the odds among comparable prompts may rise where the share falls.
        if topic.share_current > topic.share_reference
    ]
    n_more = len(grown) - NAMED
    return [*sentences, *([f"{pluralize(n_more, 'more topic')} grew."] if n_more > 0 else [])]


def _list_new(new: Sequence[Topic], n_named: int, family: str) -> str:
    """Return the new topics; a day of all is told once."""
    days = {_since(topic) for topic in new}
    common = days.pop() if len(days) == 1 else ""
    names = [
        f"{quote(topic.name)} ({_share(topic)})"
        + (f" {_since(topic)}" if _since(topic) and not common else "")
        for topic in new[:n_named]
    ]
    n_more = len(new) - n_named
    listed = join_names(names) if n_more <= 0 else f"{', '.join(names)} and {n_more} more"
    noun = "New topic" if len(new) == 1 else "New topics"
    return f"{noun} of the {NOUNS[family]}{f' {common}' if common else ''}: {listed}."


def _since(topic: Topic) -> str:
    """Return since when a topic exists; nothing where that is only the window's first day."""
    return "" if topic.may_be_older and topic.known_since is None else describe_since(topic)


def _share(topic: Topic) -> str:
    """Return a topic's share of the window, as exact as its number of exchanges knows it."""
    share = topic.share_current
    error = 1.96 * share * sqrt((1.0 - share) / max(topic.n_current, 1))
    return format_known(share, max(share - error, 0.0), share + error)[0]
