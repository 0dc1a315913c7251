"""Wording of a look and its large changes."""

from datetime import timedelta

from monitor.plurals import pluralize
from monitor.rendering.excerpts import quote_metric
from monitor.rendering.numbers import format_instant, format_mean, format_share
from monitor.rendering.response_changes import FAULTS
from monitor.store.windows.looks import LookFinding, LookRow

#: Changes named in a headline.
NAMED = 3

#: The traffic that a look searches.
LOOKED_BACK = timedelta(hours=24)
#: A change that began this soon after the begin of the 24 hours may have begun before.
FIRST_HOUR = timedelta(hours=1)


def look_headline(look: LookRow) -> str:
    """Return the large changes of a look in one sentence."""
    changes = [describe_change(finding) for finding in look.findings[:NAMED]]
    n_more = len(look.findings) - NAMED
    more = [f"{n_more} more"] if n_more > 0 else []
    onset = format_onset(look, look.findings[0]) if look.findings else ""
    since = f" since {onset}" if onset else ""
    described = "; ".join([*changes, *more])
    return (
        f"Large change{since}: {described}. 24 hours until {format_instant(look.looked_until)}, "
        f"{count_examined(look)}."
    )


def format_onset(look: LookRow, finding: LookFinding) -> str:
    """Return when a change began, by the first look of its incident; empty where it is unknown.

    Nothing before the 24 hours of that look was searched.
    """
    onset = look.onset(finding)
    if onset is None:
        return ""
    since, until = onset
    earlier = " or earlier" if since < until - LOOKED_BACK + FIRST_HOUR else ""
    return f"{format_instant(since)}{earlier}"


def describe_look(look: LookRow) -> str:
    """Return what a look at the last 24 hours says, with or without an alarm."""
    if look.alarm:
        return look_headline(look)
    return (
        f"No large change in the 24 hours until {format_instant(look.looked_until)}, "
        f"{count_examined(look)}."
    )


def count_examined(look: LookRow) -> str:
    """Return how many exchanges of how many end users a look examined."""
    return f"{pluralize(look.n_exchanges, 'exchange')} of {pluralize(look.n_end_users, 'end user')}"


def describe_change(finding: LookFinding) -> str:
    """Return a large change with its estimate and 95% interval."""
    noun = "prompts" if finding.kind == "input" else "responses"
    if finding.measure == "unlike":
        if finding.lower <= 0.0:
            return f"the {noun} changed significantly; how many of them is not sure"
        topic = f" (“{finding.topic}”)" if finding.topic else ""
        return f"about {_share_interval(finding)} of the {noun} are unlike the baseline{topic}"
    before = f"({format_share(finding.reference)} before)"
    if finding.measure != "rate":
        subject = f"the {finding.name}" if finding.kind == "output" else quote_metric(finding.name)
        limit = "" if finding.threshold is None else f" {format_mean(finding.threshold)}"
        share = f"{_share_interval(finding)} of the {noun}"
        return f"{subject} is {finding.measure}{limit} in {share} {before}"
    if finding.name in FAULTS:
        return f"about {_share_interval(finding)} of the {noun} {FAULTS[finding.name]} {before}"
    verb = "fell" if finding.estimate < finding.reference else "rose"
    return (
        f"{quote_metric(finding.name)} {verb} from {finding.reference:.2f} to "
        f"{finding.estimate:.2f} ({finding.lower:.2f} to {finding.upper:.2f})"
    )


def _share_interval(finding: LookFinding) -> str:
    return (
        f"{format_share(finding.estimate)} ({format_share(finding.lower)} to "
        f"{format_share(finding.upper)})"
    )
