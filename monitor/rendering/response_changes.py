"""Phrases for what has changed: a share, or all responses, and the descriptors of responses."""

from monitor.rendering.excerpts import excerpt
from monitor.rendering.numbers import (
    excludes_zero,
    format_estimate,
    format_known,
    format_mean,
    format_share,
    is_above_zero,
    signed,
)
from monitor.rendering.wording import NOUNS
from monitor.statistics.p_value_text import state_p_value
from monitor.store.windows.assessment import DescriptorChange, FamilyAssessment, ResponsePair

#: Level of the descriptors that are named, after adjustment for their number.
LEVEL = 0.05
#: A share of comparable responses that rounds to all of them.
NEARLY_ALL = 0.995
#: What the axis of changes of each unit is called.
UNITS = {"percent": "relative change", "points": "change in points", "value": "change of the mean"}
LENGTH = "length in tokens"
#: What responses are, or do, of which a descriptor rose, and of which it fell, and by how much.
COMPARATIVES = {
    LENGTH: ("are {} longer", "are {} shorter"),
    "readability (LIX)": (
        "are harder to read, by {} points of LIX",
        "are easier to read, by {} points of LIX",
    ),
    "repetition": ("repeat themselves more, by {}", "repeat themselves less, by {}"),
    "repeated phrases": ("repeat more phrases, by {}", "repeat fewer phrases, by {}"),
    "non-letter share": ("have more digits and signs, by {}", "have fewer digits and signs, by {}"),
    "relevance to the prompt": (
        "are closer to their prompts, by {}",
        "are farther from their prompts, by {}",
    ),
}
#: Descriptors of which less is better, and what responses with the fault are or do.
FAULTS = {
    "empty": "are empty",
    "refusal": "are refusals",
    "cut off": "are cut off",
    "broken format": "are in a broken format",
    "error": "are errors",
    "loop": "repeat themselves without end",
    "other language than the prompt": "are in another language than their prompts",
}
LANGUAGE = "language: "


def significant_descriptors(family: FamilyAssessment) -> list[DescriptorChange]:
    """Return the descriptors that surely changed, the most significant first.

    None did where the family as a whole shows no significant change.
    """
    if family.verdict != "drift":
        return []
    changed = [
        change
        for change in family.descriptors
        if change.adjusted_p_value <= LEVEL and excludes_zero(change.lower, change.upper)
    ]
    return sorted(changed, key=lambda change: (change.p_value, change.name))


def describe_descriptor(change: DescriptorChange, family: FamilyAssessment) -> str:
    """Return a sentence on a change, given the prompts, whose interval holds no 0."""
    subject = f"responses to {_prompts_of(family)}"
    is_rise = change.change > 0.0
    nearest, farthest = sorted((change.lower, change.upper), key=abs)
    size, low, high = format_known(
        abs(change.change), abs(nearest), abs(farthest), unit=change.unit
    )
    amount = f"{size}{' points' if change.unit == 'points' else ''}"
    interval = f"({low} to {high})"
    words = COMPARATIVES.get(change.name)
    if words is not None:
        return f"{subject.capitalize()} {words[not is_rise].format(amount)} {interval}."
    phrase = FAULTS.get(change.name)
    if change.name.startswith(LANGUAGE):
        phrase = f"are in language {change.name.removeprefix(LANGUAGE)}"
    if phrase is not None:
        return f"Of the {subject}, {amount} {'more' if is_rise else 'fewer'} {phrase} {interval}."
    verb = "rose" if is_rise else "fell"
    return f"Of the {subject}, the {excerpt(change.name, 40)} {verb} by {amount} {interval}."


def format_descriptor_change(change: DescriptorChange) -> str:
    """Return a change with its interval: "-17% (-25% to -9%)", "+4.0 points (+2.1 to +5.9)"."""
    size, lower, upper = (
        _signed(value, change.unit) for value in (change.change, change.lower, change.upper)
    )
    unit = " points" if change.unit == "points" else ""
    return f"{size}{unit} ({lower} to {upper})"


def format_reach(reach: float, unit: str) -> str:
    """Return the end of an axis of changes: "50%", "10 points", "4"."""
    if unit == "percent":
        return f"{100.0 * reach:g}%"
    return f"{100.0 * reach:g} points" if unit == "points" else format_mean(reach)


def describe_pair(pair: ResponsePair) -> str:
    """Describe what a pair shows: "refusal: 0 in the baseline, 1 in the window"."""
    if pair.reference_value is None or pair.current_value is None:
        return "response unlike the baseline's"
    before, now = (format_mean(value) for value in (pair.reference_value, pair.current_value))
    return f"{pair.descriptor}: {before} in the baseline, {now} in the window"


def _signed(value: float, unit: str) -> str:
    if unit == "percent":
        return signed(value, "+.0%")
    if unit == "points":
        return signed(100.0 * value, "+.1f")
    return f"{'-' if value < 0 else '+'}{format_mean(abs(value))}"


def subject_of(family: FamilyAssessment) -> str:
    """Return what a family's share is one of: "responses to comparable prompts (93% of all)"."""
    if family.family == "input":
        return "prompts"
    if family.comparable_share is None:
        return "responses"
    share = (
        "" if family.comparable_share >= NEARLY_ALL else f" ({family.comparable_share:.0%} of all)"
    )
    return f"responses to {_prompts_of(family)}{share}"


def _prompts_of(family: FamilyAssessment) -> str:
    return "comparable prompts" if family.n_pairs is None else "the same prompts"


def describe_extent(family: FamilyAssessment) -> str:
    """Describe how many texts of a significant family changed, without a verb.

    With another mix of topics, the share that moved comes first. Of a share whose interval holds 0
    the upper limit is told.
    """
    subject = subject_of(family)
    if family.is_shift:
        return f"a change of the {subject} as a whole"
    share, moved = family.drifted_share, family.moved_share
    parts = []
    if family.is_mix and moved is not None and is_above_zero(moved):
        parts.append(f"{format_estimate(moved)} of the {subject} moved between similar prompts")
    if share is not None:
        size = (
            format_estimate(share)
            if is_above_zero(share)
            else f"at most {format_share(share.upper)}"
        )
        of = "" if parts else f" of the {subject}"
        parts.append(f"{size}{of} unlike the baseline")
    return ", ".join(parts) or f"an unknown share of the {subject}"


def describe_rest(family: FamilyAssessment) -> str:
    """Describe the test without what the explanations cover; empty where there was none."""
    rest = family.rest
    if rest is None:
        return ""
    sizes = f"{rest.n_current:,} against {rest.n_reference:,} {NOUNS[family.family]}"
    if rest.verdict == "not_enough_data":
        return f"without what is explained: too few ({sizes})"
    return f"without what is explained: {state_p_value(rest.p_value)} ({sizes})"
