"""Sentences on prompts, and on responses given the prompts: how many changed, or none."""

from collections.abc import Sequence

from monitor.rendering.numbers import format_day, format_estimate, is_above_zero
from monitor.rendering.response_changes import subject_of
from monitor.rendering.wording import NOUNS, describe_untested
from monitor.settings import Drift
from monitor.store.windows.assessment import FamilyAssessment, ShareEstimate
from monitor.windows.findings.sentences.explanations import (
    RARER,
    events,
    explanations,
    is_reported,
    rarer_topics,
)
from monitor.windows.findings.sentences.topics import (
    grown_topics,
    is_new,
    new_topics,
    reported_topics,
)
from monitor.windows.topics.names import MIXED

#: Explanations of form: the same text, written otherwise.
FORMS = frozenset({"prefix", "suffix", "letter_case", "punctuation", "markup", "encoding"})
#: A share of texts that the encoder doesn't read, from which on it is told with "no change".
NOTABLE_UNREAD = 0.02
#: A topic that makes up this part of the share that moved is the news of a mix.
MOSTLY = 0.5
#: Reasons that need no sentence: the family has no texts, or wasn't asked for.
SILENT = frozenset({"no_responses", "other_family"})


def slow_drift(family: FamilyAssessment) -> list[str]:
    """Return since when prompts drift slowly, and how many of them, where that alarms."""
    slow = family.slow_alarm
    if slow is None or slow.since is None:
        return []
    share = format_estimate(slow.drifted_share)
    since = format_day(slow.since)
    return [f"Prompts have drifted slowly since {since}: {share} are unlike those before."]


def describe_change(family: FamilyAssessment, drift: Drift, *, is_named: bool = False) -> list[str]:
    """Return how many texts of a family changed, apart from its explanations, and the topics.

    With ``is_named`` other sentences name what all responses have changed in.
    """
    if family.verdict == "no_drift" and not slow_drift(family) and explanations(family, drift):
        return [f"Apart from that, the {NOUNS[family.family]} show no significant change."]
    if family.verdict != "drift" or slow_drift(family):
        return []
    if family.rest is not None:
        return _rest(family, drift, is_named=is_named)
    if not family.alarm:
        return [
            *rarer_topics(family, drift),
            f"A change of the {NOUNS[family.family]} is significant, below the alert threshold.",
        ]
    if family.is_shift:
        return [] if is_named else [f"The {subject_of(family)} changed a little as a whole."]
    return _extent(family, family.drifted_share, drift, is_named=is_named)


def _rest(family: FamilyAssessment, drift: Drift, *, is_named: bool) -> list[str]:
    """Return what the test without the explanations says; nothing where one is of all texts."""
    noun, rest = NOUNS[family.family], family.rest
    reported = [item for item in family.explanations if is_reported(item, drift)]
    if rest and not rest.n_current and any(item.current.estimate >= 1.0 for item in reported):
        return []
    if rest is None or rest.verdict == "not_enough_data":
        return [f"Apart from that, too few {noun} are left to be compared."]
    if rest.verdict != "drift":
        taken_out = [item for item in family.explanations if item.is_taken_out]
        if taken_out and all(item.kind in FORMS for item in taken_out):
            return [f"Only their form changed: without it, the {noun} show no significant change."]
        return [f"Apart from that, the {noun} show no significant change."]
    sentences = _extent(family, rest.drifted_share, drift, is_named=is_named)
    has_major = bool(explanations(family, drift) or events((family,), drift))
    if not sentences or not has_major:  # minor ones follow
        return sentences
    first, *further = sentences
    return [f"Apart from that, {first[0].lower()}{first[1:]}", *further]


def _extent(
    family: FamilyAssessment, share: ShareEstimate | None, drift: Drift, *, is_named: bool
) -> list[str]:
    """Return the share that changed, and the topics; those that only grew come first.

    A share that isn't sure says nothing beside what is named. With another mix of many
    topics, the share that moved comes before all.
    """
    topics, rarer = reported_topics(family, drift), rarer_topics(family, drift)
    if rarer:
        # All others are more frequent where a topic is rarer: no common word is no news.
        topics = [topic for topic in topics if is_new(topic) or not topic.name.startswith(MIXED)]
    new, grown = new_topics(topics, family.family), grown_topics(topics, family.family)
    is_sure = share is not None and is_above_zero(share)
    sentences = _share(family, share, n_new=len(new), n_grown=len(grown), n_rarer=len(rarer))
    if is_named and not is_sure:
        sentences = []
    moved = family.moved_share
    if family.is_mix and family.rest is None and moved is not None and is_above_zero(moved):
        size = format_estimate(moved).capitalize()
        of_mix = [f"{size} of the prompts moved between groups of similar prompts."]
        sentences = sentences if is_sure else []
        growth = max((item.share_current - item.share_reference for item in topics), default=0.0)
        if not rarer and growth >= MOSTLY * moved.estimate:
            return [*new, *grown, *sentences, *of_mix]
        # What moved is the whole: of many grown groups, none is the news.
        return [*rarer, *of_mix, *sentences, *new, *grown]
    ordered = [*sentences, *new, *grown] if new or not grown else [*grown, *sentences]
    return [*ordered, *rarer]


def _share(
    family: FamilyAssessment, share: ShareEstimate | None, *, n_new: int, n_grown: int, n_rarer: int
) -> list[str]:
    subject = subject_of(family)
    if share is None or not is_above_zero(share):
        return [f"The {subject} changed significantly; how many of them is not sure."]
    change = "are unlike the baseline's"
    if family.family == "input" and (n_new or n_grown or n_rarer):
        # Where a topic is rarer, all others are more frequent.
        change = "are new or more frequent" if n_grown or n_rarer else "are new"
    if family.rest is None and any(item.kind != RARER for item in family.explanations):
        return [f"In all, {format_estimate(share)} of the {subject} are unlike the baseline's."]
    return [f"{format_estimate(share).capitalize()} of the {subject} {change}."]


def untested(families: Sequence[FamilyAssessment]) -> list[str]:
    """Return why a family could not be compared, where it has texts to compare.

    Responses to prompts in a new template may have been tested without the template.
    """
    sentences = []
    for family in families:
        if family.verdict != "not_enough_data" or family.untested_reason in SILENT:
            continue
        noun = NOUNS[family.family]
        rest = None if family.rest is None else family.rest.verdict
        if family.untested_reason == "few_comparable_prompts" and rest in {"drift", "no_drift"}:
            result = "show no significant change" if rest == "no_drift" else "changed significantly"
            sentences.append(f"Without the new form of the prompts, the {noun} {result}.")
            continue
        sentences.append(f"The {noun} could not be compared: {describe_untested(family)}.")
    return sentences


def unchanged(families: Sequence[FamilyAssessment], *, has_changes: bool) -> list[str]:
    """Return that prompts or responses show no significant change, where they were tested.

    A family with events changed, whatever its test says.
    """
    nouns = [
        f"{NOUNS[family.family]}{_unread(family)}"
        for family in families
        if family.verdict == "no_drift" and not family.slow_alarm and not family.explanations
    ]
    if len(nouns) == 1:
        return [f"No significant change of the {nouns[0]}."]
    # A metric may have fallen: then the sentence is about texts.
    of = "in the texts of" if has_changes else "of"
    return [f"No significant change {of} {' and '.join(nouns)}."] if nouns else []


def _unread(family: FamilyAssessment) -> str:
    """Return which share the test says nothing about."""
    unread = max(family.unread_reference or 0.0, family.unread_current or 0.0)
    return "" if unread < NOTABLE_UNREAD else f" (the encoder cannot read {unread:.0%} of them)"
