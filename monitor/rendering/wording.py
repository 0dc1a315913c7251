"""Numbers, dates and findings in words, the same wherever an assessment is read."""

from datetime import date, datetime, timedelta

from monitor.plurals import pluralize
from monitor.rendering.excerpts import excerpt, excerpt_of_version
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


def format_p_value(p_value: float) -> str:
    """Return a p-value with two digits that matter."""
    return f"{p_value:.2f}" if p_value >= 0.1 else f"{p_value:.2g}"


def format_mean(mean: float) -> str:
    """Return a mean with three digits that matter, and without an exponent where it is readable."""
    return f"{mean:,.0f}" if 1000 <= abs(mean) < 1e7 else f"{mean:.3g}"


def format_share(share: float) -> str:
    """Return a share in percent, with a digit more where it is small."""
    return f"{share:.0%}" if share >= 0.0995 or share == 0 else f"{share:.1%}"


def is_informative(bound: float) -> bool:
    """Return whether a lower bound on a share says anything: one that reads 0% doesn't."""
    return bound >= 0.0005


def format_lower_bound(bound: float) -> str:
    """Return a lower bound on a share to a tenth of a percent, or that it tells nothing."""
    return f"at least {bound:.1%}" if is_informative(bound) else "how many can't be told"


def format_bound(bound: float) -> str:
    """Return a lower bound on a share in percent, with a digit more where it would read 0%."""
    return f"{bound:.0%}" if bound >= 0.005 else f"{bound:.1%}"


def format_change(one: NumericAssessment) -> str:
    """Return the relative change of the mean with its interval."""
    if one.relative_change is None:
        return "from 0" if one.reference_mean == 0 else "undefined"
    if one.relative_change_lower is None or one.relative_change_upper is None:
        return f"{one.relative_change:+.1%}"
    return (
        f"{one.relative_change:+.1%} ({100 * one.relative_change_lower:+.1f} to "
        f"{100 * one.relative_change_upper:+.1f})"
    )


def format_effect(one: NumericAssessment) -> str:
    """Return Cliff's delta with its interval, where it has one."""
    if one.effect_lower is None or one.effect_upper is None:
        return f"{one.effect_size:+.2f}"
    return f"{one.effect_size:+.2f} ({one.effect_lower:+.2f} to {one.effect_upper:+.2f})"


def format_day(day: date) -> str:
    """Return a day and its month."""
    return f"{day.day} {day:%b}"


def format_instant(at: datetime) -> str:
    """Return a time to the minute."""
    return f"{at.day} {at:%b %Y, %H:%M} UTC"


def format_window(window: tuple[datetime, datetime]) -> str:
    """Return a window's first day and its last in words."""
    first, last = window[0], window[1] - timedelta(microseconds=1)
    if first.date() == last.date():
        return f"{format_day(first)} {first:%Y}"
    year = "" if first.year == last.year else f" {first:%Y}"
    return f"{format_day(first)}{year} to {format_day(last)} {last:%Y}"


def by_effect(numeric_columns: tuple[NumericAssessment, ...]) -> list[NumericAssessment]:
    """Order characteristics: what got worse first, then by the size of the effect."""
    return sorted(numeric_columns, key=lambda one: (not one.degraded, -abs(one.effect_size)))


def mix_by_change(assessment: Assessment) -> list[tuple[str, float | None, float | None]]:
    """Return task types with their shares in the baseline and in the window, most moved first.

    A side that names no task type, or wasn't looked at, has no shares: ``None``, not 0.
    """
    before, now = assessment.mix_reference, assessment.mix_current
    names = sorted(
        before | now,
        key=lambda name: (
            -abs(now.get(name, 0.0) - before.get(name, 0.0)),
            -now.get(name, 0.0),
            name,
        ),
    )
    return [
        (name, before.get(name, 0.0) if before else None, now.get(name, 0.0) if now else None)
        for name in names
    ]


def format_mix_change(assessment: Assessment) -> str:
    """Return in one line how far the mix of task types moved; empty where that wasn't tested."""
    if assessment.mix_p_value is None or assessment.mix_effect_size is None:
        return ""
    return (
        f"{assessment.mix_effect_size:.1%} of the traffic moved between task types, "
        f"p = {format_p_value(assessment.mix_p_value)}; this alone never alarms"
    )


def describe_input(family: FamilyAssessment) -> str:
    """Say whether people ask new things."""
    if family.alarm:
        return "people ask about new things"
    if family.slow is not None and family.slow.since is not None:
        how = "drifting slowly" if family.slow.alarm else "moving a little"
        return f"what people ask has been {how} since {format_day(family.slow.since)}"
    if family.verdict == "drift":
        return "what people ask has moved a little"
    return "people ask what they asked before"


def describe_output(family: FamilyAssessment, asked: FamilyAssessment) -> str:
    """Say whether the answers changed, given what is asked."""
    if family.verdict == "not_enough_data":
        return "the answers could not be compared"
    if family.alarm:
        return "the same questions are answered otherwise"
    given = "given what they ask, " if asked.alarm else ""
    if family.verdict == "drift":
        return f"{given}the answers have moved a little"
    return f"{given}the answers are what they were"


def describe_untested(family: FamilyAssessment) -> str:
    """Say why a family was not tested; both reasons where it isn't known which."""
    few_responses, few_alike = "too few exchanges with an answer", "too few like prompts"
    match family.untested_reason:
        case "no_responses":
            return "no exchange has an answer"
        case "few_responses":
            return few_responses
        case "few_comparable_prompts":
            return f"{few_alike} on both sides"
    return f"{few_responses}, or {few_alike}"


def describe_slow_drift(slow: SlowDrift) -> str:
    """Say what all windows since the baseline tell together."""
    p_value = format_p_value(slow.p_value)
    if slow.since is None or slow.found is None:
        return f"no slow drift over {pluralize(slow.n_windows, 'window')} (p = {p_value})"
    return (
        f"slow drift since {format_day(slow.since)}, found in the window of "
        f"{format_day(slow.found)} (p = {p_value} over {pluralize(slow.n_windows, 'window')}): "
        f"{describe_slow_share(slow)}"
    )


def describe_slow_share(slow: SlowDrift) -> str:
    """Say how much of the window is unlike what was asked before it began."""
    if not is_informative(slow.drifted_share_lower_bound):
        return "how many of the prompts are unlike those before it began can't be told"
    return (
        f"about {format_share(slow.share)} of the prompts, at least "
        f"{format_share(slow.drifted_share_lower_bound)}, are unlike those before it began"
    )


def describe_drifted_share(family: FamilyAssessment, assessment: Assessment) -> str:
    """Say how much of the window is surely hit, in exchanges of the traffic."""
    noun = "prompts" if family.family == "input" else "responses"
    if not is_informative(family.drifted_share_lower_bound):
        return f"how many of the {noun} are unlike the baseline can't be told"
    version = assessment.reported_version
    judged = assessment if version is None else version
    whose = (
        "the window"
        if version is None
        else f"version {excerpt_of_version(version.version) or 'unknown'}"
    )
    total = judged.estimated_current or judged.n_current
    about = float(f"{family.drifted_share_lower_bound * total:.2g}")
    return (
        f"at least {format_bound(family.drifted_share_lower_bound)} of the {noun} are unlike the baseline: "
        f"{about:,.0f} or more of {total:,.0f} exchanges of {whose}"
    )


def describe_enrichment(topic: Topic, family: str) -> str:
    """Say how many times as frequent a topic surely is.

    The estimate would look like a wrong ratio of the two shares beside it: a user's messages count
    as one, and answers are compared among like prompts.
    """
    among = " among like prompts" if family == "output" else ""
    return f"at least {format_mean(topic.enrichment_lower)} times as frequent{among} (95%)"


def describe_first_seen(topic: Topic) -> str:
    """Say since when a topic is there; empty where times aren't known.

    One that the baseline has some of was there before: its first time is that of the window.
    """
    if topic.first_seen is None:
        return ""
    first = f"first seen {format_instant(topic.first_seen)}"
    if topic.known_since is not None:
        return f"{first} in this window; known since {format_instant(topic.known_since)}"
    return first if topic.share_reference == 0 else f"{first} in this window"


def describe_growth(topic: Topic) -> str:
    """Say how a topic's share went from the first day to the last."""
    known = [(one.start, one.share) for one in topic.growth if one.share is not None]
    if len(known) < 2:
        return ""
    first, last = known[0], known[-1]
    peak = max(known, key=lambda one: one[1])
    ends = (
        f"{format_share(first[1])} on {format_day(first[0])}, "
        f"{format_share(last[1])} on {format_day(last[0])}"
    )
    inner = peak[0] not in {first[0], last[0]} and peak[1] > 1.1 * max(first[1], last[1])
    return f"{ends}; most on {format_day(peak[0])}, {format_share(peak[1])}" if inner else ends


def example_line(example: Example | Quote) -> str:
    """Return a quoted exchange on one line: the prompt, and where there is one the response."""
    if not example.response:
        return example.prompt
    return f"{excerpt(example.prompt, 120)} → {excerpt(example.response, 160)}"
