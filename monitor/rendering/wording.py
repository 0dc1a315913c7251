"""Phrases for the findings of an assessment, shared by headline, page, Slack and terminal."""

from monitor.plurals import pluralize
from monitor.rendering.excerpts import excerpt, excerpt_of_version
from monitor.rendering.numbers import (
    format_bound,
    format_day,
    format_instant,
    format_mean,
    format_p_value,
    format_share,
    is_informative,
)
from monitor.store.windows.assessment import (
    Assessment,
    Example,
    FamilyAssessment,
    NumericAssessment,
    Quote,
    SlowDrift,
    Topic,
)

VERDICTS = {"drift": "Drift", "no_drift": "No drift", "not_enough_data": "Not enough data"}

#: What a family compares, in the plural.
NOUNS = {"input": "prompts", "output": "responses"}


def sort_by_effect(numeric_columns: tuple[NumericAssessment, ...]) -> list[NumericAssessment]:
    """Return descriptors and metrics, the degraded ones first, then by effect size."""
    return sorted(
        numeric_columns, key=lambda column: (not column.degraded, -abs(column.effect_size))
    )


def sort_mix_by_change(assessment: Assessment) -> list[tuple[str, float | None, float | None]]:
    """Return task types with their shares in baseline and window, the largest change first.

    The share is ``None``, not 0, on a side that names no task type or was not compared.
    """
    reference, current = assessment.mix_reference, assessment.mix_current
    names = sorted(
        reference | current,
        key=lambda name: (
            -abs(current.get(name, 0.0) - reference.get(name, 0.0)),
            -current.get(name, 0.0),
            name,
        ),
    )
    return [
        (
            name,
            reference.get(name, 0.0) if reference else None,
            current.get(name, 0.0) if current else None,
        )
        for name in names
    ]


def describe_mix_change(assessment: Assessment) -> str:
    """Describe the change of the mix of task types; empty where it was not tested."""
    if assessment.mix_p_value is None or assessment.mix_effect_size is None:
        return ""
    return (
        f"{assessment.mix_effect_size:.1%} of the traffic moved between task types, "
        f"p = {format_p_value(assessment.mix_p_value)}; a change of the mix never alarms by itself"
    )


def describe_input(family: FamilyAssessment) -> str:
    """Describe the result for the prompts."""
    if family.alarm:
        return "prompts have drifted"
    if family.slow is not None and family.slow.since is not None:
        how = "drifted slowly" if family.slow.alarm else "changed slightly"
        return f"prompts have {how} since {format_day(family.slow.since)}"
    if family.verdict == "drift":
        return "prompts changed significantly, below the alert threshold"
    return "prompts show no significant change"


def describe_output(family: FamilyAssessment, input_family: FamilyAssessment) -> str:
    """Describe the result for the responses given the prompts."""
    if family.verdict == "not_enough_data":
        return "responses could not be compared"
    if family.alarm:
        return "responses to comparable prompts have drifted"
    responses = "responses to comparable prompts" if input_family.alarm else "responses"
    if family.verdict == "drift":
        return f"{responses} changed significantly, below the alert threshold"
    return f"{responses} show no significant change"


def describe_untested(family: FamilyAssessment) -> str:
    """Describe why a family was not tested; both possible reasons where it is unknown which."""
    few_responses, few_prompts = "too few exchanges with a response", "too few comparable prompts"
    match family.untested_reason:
        case "no_responses":
            return "no exchange has a response"
        case "few_responses":
            return few_responses
        case "few_comparable_prompts":
            return f"{few_prompts} on both sides"
    return f"{few_responses}, or {few_prompts}"


def describe_slow_drift(slow: SlowDrift) -> str:
    """Describe the result over all windows since the baseline."""
    p_value = format_p_value(slow.p_value)
    if slow.since is None or slow.detected_at is None:
        return f"no slow drift over {pluralize(slow.n_windows, 'window')} (p = {p_value})"
    return (
        f"slow drift since {format_day(slow.since)}, detected in the window of "
        f"{format_day(slow.detected_at)} (p = {p_value} over "
        f"{pluralize(slow.n_windows, 'window')}): {describe_slow_share(slow)}"
    )


def describe_slow_share(slow: SlowDrift) -> str:
    """Describe the share of the window that differs from the windows before the drift began."""
    if not is_informative(slow.drifted_share_lower_bound):
        return "no lower bound on the share of prompts unlike those before the drift began"
    return (
        f"about {format_share(slow.share)} of the prompts, at least "
        f"{format_share(slow.drifted_share_lower_bound)}, are unlike those before the drift began"
    )


def describe_drifted_share(family: FamilyAssessment, assessment: Assessment) -> str:
    """Describe the lower bound on the drifted share, also in exchanges of the traffic."""
    noun = NOUNS[family.family]
    if not is_informative(family.drifted_share_lower_bound):
        return f"no lower bound on the share of the {noun} that differ from the baseline"
    version = assessment.reported_version
    part = assessment if version is None else version
    whole = (
        "the window"
        if version is None
        else f"version {excerpt_of_version(version.version) or 'unknown'}"
    )
    total = part.estimated_current or part.n_current
    affected = float(f"{family.drifted_share_lower_bound * total:.2g}")
    return (
        f"at least {format_bound(family.drifted_share_lower_bound)} of the {noun} differ from the "
        f"baseline: {affected:,.0f} or more of {total:,.0f} exchanges of {whole}"
    )


def describe_enrichment(topic: Topic, family: str) -> str:
    """Describe the lower bound on how many times as frequent a topic is.

    The estimate would look like a wrong ratio of the two shares next to it: all messages of an end
    user count as one, and responses are compared among comparable prompts.
    """
    among = " among comparable prompts" if family == "output" else ""
    return f"at least {format_mean(topic.enrichment_lower)} times as frequent{among} (95%)"


def describe_first_seen(topic: Topic) -> str:
    """Describe when a topic first occurred; empty where times are unknown.

    A topic that the baseline has some of existed before: its first time is that of the window.
    """
    if topic.first_seen is None:
        return ""
    first = f"first seen {format_instant(topic.first_seen)}"
    if topic.known_since is not None:
        return f"{first} in this window; known since {format_instant(topic.known_since)}"
    return first if topic.share_reference == 0 else f"{first} in this window"


def describe_growth(topic: Topic) -> str:
    """Describe a topic's share on the first day, on the last, and at a peak between them."""
    shares = [(period.start, period.share) for period in topic.growth if period.share is not None]
    if len(shares) < 2:
        return ""
    first, last = shares[0], shares[-1]
    peak = max(shares, key=lambda pair: pair[1])
    ends = (
        f"{format_share(first[1])} on {format_day(first[0])}, "
        f"{format_share(last[1])} on {format_day(last[0])}"
    )
    inner = peak[0] not in {first[0], last[0]} and peak[1] > 1.1 * max(first[1], last[1])
    return f"{ends}; peak {format_share(peak[1])} on {format_day(peak[0])}" if inner else ends


def example_line(example: Example | Quote) -> str:
    """Return a quoted exchange on one line: the prompt and, where there is one, the response."""
    if not example.response:
        return example.prompt
    return f"{excerpt(example.prompt, 120)} → {excerpt(example.response, 160)}"
