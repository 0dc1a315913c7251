"""Sentences on rules and segments."""

from monitor.plurals import pluralize
from monitor.rendering.excerpts import excerpt, excerpt_of_version
from monitor.rendering.numbers import format_estimate, format_mean, format_share
from monitor.statistics.p_value_text import state_p_value
from monitor.store.windows.assessment import RuleResult, SegmentAssessment, Segmentation

#: Level of the test whether the shares of segments changed, which never alarms.
MIX_LEVEL = 0.05
#: Characters of a segment's headline.
HEADLINE = 600


def describe_rule(result: RuleResult) -> str:
    """Describe what a rule found, and what to do where it is undecided."""
    name = f"`{excerpt(result.rule, 120)}`"
    if result.estimate is None:
        return f"{name} is undecided: {result.reason}."
    exchanges = pluralize(result.n_values, "exchange")
    of = f" of {exchanges}" if _is_percent(result) else f", from {exchanges}"
    estimate = f"{_number(result, result.estimate)} ({_limits(result)}){of}"
    advice = "; exchanges of more end users narrow the interval"
    return f"{name} is {result.outcome}: {estimate}{advice * (result.outcome == 'undecided')}."


def _limits(result: RuleResult) -> str:
    if result.lower is None and result.upper is None:
        return "no limit at this number"
    if result.lower is None or result.upper is None:
        limit = result.lower if result.upper is None else result.upper
        side = "at least" if result.upper is None else "at most"
        return f"{side} {_number(result, limit or 0.0)}"
    return f"{_number(result, result.lower)} to {_number(result, result.upper)}"


def _number(result: RuleResult, value: float) -> str:
    return format_share(value) if _is_percent(result) else format_mean(value)


def _is_percent(result: RuleResult) -> bool:
    return result.rule.endswith("%")


def segment_name(segment: SegmentAssessment) -> str:
    """Return the name of a segment for display."""
    return excerpt_of_version(excerpt(segment.name)) or "(no value)"


def describe_segment(segment: SegmentAssessment) -> str:
    """Describe what was found within a segment."""
    if segment.n_reference == 0:
        return f"Only in the window, {pluralize(segment.n_current, 'exchange')}."
    if segment.n_current == 0:
        return f"Only in the baseline, {pluralize(segment.n_reference, 'exchange')}."
    return excerpt(segment.headline, HEADLINE)


def describe_segment_share(segment: SegmentAssessment) -> str:
    """Describe a segment's share of the baseline and of the window."""
    return f"{format_share(segment.share_reference)} → {format_share(segment.share_current)}"


def describe_segment_mix(segmentation: Segmentation) -> str:
    """Describe the change of the segments' shares; empty where it was not tested."""
    moved, p_value = segmentation.mix_moved_share, segmentation.mix_p_value
    if p_value is None or moved is None:
        return ""
    stated = state_p_value(p_value, MIX_LEVEL)
    if p_value > MIX_LEVEL:
        return f"The shares of the segments show no significant change, {stated}."
    return (
        f"{format_estimate(moved).capitalize()} of the exchanges moved between segments, {stated}; "
        "a segment that only grew has not drifted."
    )
