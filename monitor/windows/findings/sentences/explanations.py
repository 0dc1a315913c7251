"""Sentences on explanations of a change, and on events of the responses."""

from collections.abc import Sequence
from math import hypot

from monitor.explanations.templates.number_masks import SHOWN
from monitor.rendering.events import EVENTS, describe_event
from monitor.rendering.excerpts import excerpt, quote
from monitor.rendering.fingerprints import EVENT
from monitor.rendering.numbers import format_day, format_rounded
from monitor.rendering.response_changes import LENGTH
from monitor.rendering.shares import NONE, describe_before, describe_part, is_all
from monitor.settings import Drift
from monitor.store.windows.assessment import Explanation, FamilyAssessment

INSTRUCTIONS = {"system_message": "system message", "tools": "definition of tools"}
#: What texts have, in the plural and in the singular; ``{}`` is the text of the explanation.
PHRASES = {
    "prefix": ("begin with {}", "begins with {}"),
    "suffix": ("end with {}", "ends with {}"),
    "letter_case": ("are {}", "is {}"),
    "punctuation": ("have {}", "has {}"),
    "markup": ("have {}", "has {}"),
    "language": ("are in {}", "is in {}"),
    "script": ("are in {} script", "is in {} script"),
    "encoding": ("have {}", "has {}"),
    "copies": ("are copies of {}", "is a copy of {}"),
    "one_user": ("come from one user", "comes from one user"),
}
#: It belongs to the topics, which come after what explains a change.
RARER = "rarer_topic"
#: Kinds of what stands around texts.
AROUND = frozenset({"prefix", "suffix"})
#: Kinds without a text, where the kind says it all.
UNNAMED = {
    "prefix": "a fixed text",
    "suffix": "a fixed text",
    "letter_case": "in another letter case",
    "punctuation": "other punctuation",
    "markup": "markup",
    "language": "another language",
    "script": "another",
    "encoding": "a wrong encoding",
    "copies": "one text",
}
#: Kinds whose text is a name from a short list; the texts of others are quoted.
NAMED = frozenset({"letter_case", "punctuation", "markup", "language", "script", "encoding"})
#: Characters of such a name.
NAME_LENGTH = 60
#: A fall of the length, of which less markup is a consequence.
MUCH_SHORTER = -0.25
#: A change of a share below this is small beside a change that it does not explain.
SMALL = 0.05


def events(
    families: Sequence[FamilyAssessment], drift: Drift, *, is_minor: bool = False
) -> dict[str, str]:
    """Return a sentence on each event that the responses have more often, with its kind.

    A minor one neither alarms nor rose by 5 points.
    """
    return {
        _describe(explanation): f"{EVENT}{explanation.kind}" if explanation.alarm else "output"
        for family in families
        for explanation in family.explanations
        if _is_harm(explanation)
        and is_reported(explanation, drift)
        and is_minor == _is_small(explanation)
    }


def explanations(family: FamilyAssessment, drift: Drift, *, is_minor: bool = False) -> list[str]:
    """Return a sentence on each explanation of the family's change that is no harm by itself.

    A minor one is small beside a change that it does not explain, or a consequence of it.
    """
    rest = family.rest
    is_more = rest is not None and rest.verdict == "drift"
    is_shorter = any(
        change.name == LENGTH and change.upper <= MUCH_SHORTER for change in family.descriptors
    )
    return [
        _describe(explanation)
        for explanation in family.explanations
        if not _is_harm(explanation)
        and explanation.kind != RARER
        and is_reported(explanation, drift)
        and is_minor
        == (is_more and (_is_small(explanation) or (is_shorter and _is_lost_markup(explanation))))
    ]


def rarer_topics(family: FamilyAssessment, drift: Drift) -> list[str]:
    """Return a sentence on each topic of the baseline that became rarer."""
    return [
        _rarer_topic(explanation)
        for explanation in family.explanations
        if explanation.kind == RARER and is_reported(explanation, drift)
    ]


def is_reported(explanation: Explanation, drift: Drift) -> bool:
    """Return whether it alarms, or its share changed far enough, in an interval without 0.

    The interval is that of the difference of two shares by the square-and-add rule (Newcombe,
    Statistics in Medicine, 1998).
    """
    before, now = explanation.reference, explanation.current
    low, high = (before, now) if now.estimate > before.estimate else (now, before)
    change = high.estimate - low.estimate
    margin = hypot(high.estimate - high.lower, low.upper - low.estimate)
    return explanation.alarm or (change >= drift.min_reported_share and change > margin)


def _is_small(explanation: Explanation) -> bool:
    change = abs(explanation.current.estimate - explanation.reference.estimate)
    return not explanation.alarm and change < SMALL


def _is_lost_markup(explanation: Explanation) -> bool:
    fell = explanation.current.estimate < explanation.reference.estimate
    return fell and explanation.kind in {"markup", "punctuation"}


def _is_harm(explanation: Explanation) -> bool:
    rose = explanation.current.estimate > explanation.reference.estimate
    return explanation.kind in EVENTS and (rose or explanation.alarm)


def _describe(explanation: Explanation) -> str:
    if explanation.kind in INSTRUCTIONS:
        return _instructions(explanation)
    if explanation.kind in EVENTS and explanation.current.estimate > 0.0:
        return f"{describe_event(explanation)}."
    side, share = explanation.side, explanation.current
    plural, singular = _phrases(explanation)
    if share.estimate == 0.0:
        sentence = f"No {side} {singular} any more"
    elif is_all(share):
        verb, _, rest = singular.partition(" ")
        now = f"{verb} now {rest}" if verb == "is" else f"now {singular}"
        sentence = f"Every {side} {now if explanation.since is None else singular}"
    else:
        sentence = f"{describe_part(share, f'{side}s')} {plural}"
    if explanation.since is not None:
        since = format_day(explanation.since)
        sentence = f"Since {since}, {sentence[0].lower()}{sentence[1:]}"
    if explanation.kind in AROUND and explanation.before:
        return f"{sentence}, no longer with {quote(explanation.before)}."
    if " now " in sentence and explanation.reference.estimate < NONE:
        return f"{sentence}."
    return f"{sentence} ({describe_before(explanation.reference)})."


def _phrases(explanation: Explanation) -> tuple[str, str]:
    """Return what texts have, in the plural and in the singular."""
    kind, text = explanation.kind, explanation.text
    if kind in EVENTS:
        return f"are {EVENTS[kind]}", f"is {EVENTS[kind]}"
    described = UNNAMED.get(kind, "")
    if text:
        described = excerpt(text, NAME_LENGTH) if kind in NAMED else quote(text)
        if kind in AROUND and SHOWN in text and not any(map(str.isalpha, text)):
            described = f"a number, date or id: {described}"
    # A later release may know another kind.
    plural, singular = PHRASES.get(kind, ("have a change", "has a change"))
    return plural.format(described), singular.format(described)


def _instructions(explanation: Explanation) -> str:
    """Return what the system message, or the tools, of how many exchanges is now, and was."""
    name = INSTRUCTIONS[explanation.kind]
    since = f" since {format_day(explanation.since)}" if explanation.since else ""
    part = describe_part(explanation.current, "exchanges")
    part = f"{part[0].lower()}{part[1:]}"
    now, before = explanation.text, explanation.before
    sentence = f"The {name} changed on {part}{since}"
    if now and before:
        sentence += f": {quote(now)} was {quote(before)}"
    elif now:
        sentence += f": it is {quote(now)}"
    elif before:
        sentence += f": {quote(before)} is gone"
    return sentence if sentence[-2:] in {".”", "!”", "?”"} else f"{sentence}."


def _rarer_topic(explanation: Explanation) -> str:
    name = quote(explanation.before) if explanation.before else "A topic"
    before, now = format_rounded(explanation.reference), format_rounded(explanation.current)
    if explanation.current.estimate == 0.0:
        return f"{name} fell from {before} of the prompts to none."
    return f"{name} fell from {before} to {now} of the prompts."
