"""Phrases for what has changed: a share, or a shift of all responses, and their descriptors."""

from monitor.rendering.numbers import (
    format_change,
    format_estimate,
    format_mean,
    format_share,
    join_names,
)
from monitor.store.windows.assessment import (
    DescriptorChange,
    FamilyAssessment,
    NumericAssessment,
    ResponsePair,
)

#: Level of the descriptors that are named, after adjustment for their number.
LEVEL = 0.05
#: A share of comparable responses that rounds to all of them.
NEARLY_ALL = 0.995
#: What the axis of changes of each unit is called.
UNITS = {"percent": "relative change", "points": "change in points", "value": "change of the mean"}
#: What a relative change of a descriptor is called, upwards and downwards.
COMPARATIVES = {"length in tokens": ("longer", "shorter")}


def significant_descriptors(family: FamilyAssessment) -> list[DescriptorChange]:
    """Return the descriptors that surely changed, the most significant first.

    None did where the family as a whole shows no significant change.
    """
    if family.verdict != "drift":
        return []
    changed = [change for change in family.descriptors if change.adjusted_p_value <= LEVEL]
    return sorted(changed, key=lambda change: (change.p_value, change.name))


def describe_descriptors(family: FamilyAssessment, limit: int) -> str:
    """Describe the descriptors that surely changed; empty where none did."""
    changed = significant_descriptors(family)
    phrases = [describe_descriptor(change) for change in changed[:limit]]
    n_more = len(changed) - limit
    if n_more > 0:
        phrases.append(f"{n_more} more")
    return join_names(phrases)


def describe_descriptor(change: DescriptorChange) -> str:
    """Describe a change: "17% shorter (9% to 25%)", "refusal +4.0 points (+2.1 to +5.9)"."""
    same_sign = change.lower > 0.0 or change.upper < 0.0
    words = COMPARATIVES.get(change.name)
    if words is not None and change.unit == "percent" and same_sign:
        nearest, farthest = sorted((abs(change.lower), abs(change.upper)))
        return (
            f"{abs(change.change):.0%} {words[change.change < 0]} ({nearest:.0%} to {farthest:.0%})"
        )
    return f"{change.name} {format_descriptor_change(change)}"


def format_descriptor_change(change: DescriptorChange) -> str:
    """Return a change with its interval: "-17% (-25% to -9%)", "+4.0 points (+2.1 to +5.9)"."""
    size, lower, upper = (
        _signed(value, change.unit) for value in (change.change, change.lower, change.upper)
    )
    unit = " points" if change.unit == "points" else ""
    return f"{size}{unit} ({lower} to {upper})"


def format_column_change(column: NumericAssessment, output: FamilyAssessment) -> str:
    """Return the change of a column of the table of descriptors and metrics, with its interval.

    A descriptor that was compared given the prompts has one change wherever it is shown: that one.
    """
    given_prompts = change_given_prompts(column, output)
    return (
        format_change(column) if given_prompts is None else format_descriptor_change(given_prompts)
    )


def change_given_prompts(
    column: NumericAssessment, output: FamilyAssessment
) -> DescriptorChange | None:
    """Return the change of a column given the prompts; ``None`` where it was not compared so."""
    if column.side != "response":
        return None
    return next((change for change in output.descriptors if change.name == column.name), None)


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
        return f"{value:+.0%}"
    if unit == "points":
        return f"{100.0 * value:+.1f}"
    return f"{'-' if value < 0 else '+'}{format_mean(abs(value))}"


def describe_shift(family: FamilyAssessment) -> str:
    """Describe how far all responses have shifted; empty without a shift."""
    if family.shift is None:
        return ""
    return (
        f"{format_share(family.shift.estimate)} ({format_share(family.shift.lower)} to "
        f"{format_share(family.shift.upper)}) of the responses lie beyond the baseline's median in "
        "one direction, 50% without a shift"
    )


def describe_extent(family: FamilyAssessment, noun: str) -> str:
    """Describe the drifted share, with another mix or, where all responses changed, their shift."""
    if family.is_shift:
        return f"a shift of all {noun}: {describe_shift(family)}"
    return describe_shares(family, _whole(family, noun))


def describe_share(family: FamilyAssessment, noun: str) -> str:
    """Describe the drifted share, and of what it is one: "about 4% (2% to 6%) of the prompts"."""
    if family.drifted_share is None:
        return "an unknown share"
    return f"{format_estimate(family.drifted_share)}{_whole(family, noun)}"


def _whole(family: FamilyAssessment, noun: str) -> str:
    """Return of what the drifted share is one: " of the responses to comparable prompts"."""
    compared = "" if family.comparable_share is None else " to comparable prompts"
    return f" of the {noun}{compared}{describe_comparable(family)}"


def describe_comparable(family: FamilyAssessment) -> str:
    """Describe how many responses are to comparable prompts: " (93% of all)"; empty for nearly all.

    Prompts, and documents that don't say it, have none.
    """
    if family.comparable_share is None or family.comparable_share >= NEARLY_ALL:
        return ""
    return f" ({family.comparable_share:.0%} of all)"


def describe_shares(family: FamilyAssessment, of: str = "") -> str:
    """Describe the drifted share; with another mix of topics, the share that moved before it.

    ``of`` follows the first share: what it is a share of.
    """
    if family.drifted_share is None:
        return f"an unknown share{of} differs from the baseline"
    drifted = format_estimate(family.drifted_share)
    if family.is_mix and family.moved_share is not None:
        moved = format_estimate(family.moved_share)
        return (
            f"{moved}{of} moved between groups of similar prompts, {drifted} are unlike the "
            "baseline"
        )
    return f"{drifted}{of} differ from the baseline"
