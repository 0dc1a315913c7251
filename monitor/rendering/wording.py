"""Phrases for the findings of an assessment, shared by headline, page, Slack and terminal."""

from dataclasses import dataclass

from monitor.plurals import pluralize
from monitor.rendering.excerpts import excerpt, excerpt_of_version
from monitor.rendering.numbers import (
    format_day,
    format_estimate,
    format_instant,
    format_mean,
    format_share,
    is_above_zero,
)
from monitor.rendering.task_types import select_task_types, sum_other_task_types
from monitor.statistics.p_value_text import state_p_value
from monitor.store.windows.assessment import (
    Assessment,
    DetectableShare,
    Example,
    FamilyAssessment,
    Quote,
    SlowDrift,
    Topic,
)
from monitor.store.windows.window_figures import AssessmentFigures
from monitor.stored_words import labels

VERDICTS = labels({"drift": "Drift", "no_drift": "No drift", "not_enough_data": "Not enough data"})


def state_verdict(assessment: Assessment | AssessmentFigures) -> str:
    """Return the verdict in words, apart from one for want of coverage."""
    return "Not comparable" if assessment.is_not_comparable else VERDICTS[assessment.verdict]


#: Level of the test of the task mix, which never alarms.
MIX_LEVEL = 0.05

#: What a family compares, in the plural.
NOUNS = labels({"input": "prompts", "output": "responses"})


def describe_incident_status(status: str) -> str:
    """Describe an incident's status; a closed one's drift may go on."""
    return "Closed: no longer watched" if status == "closed" else status.capitalize()


@dataclass(frozen=True)
class MixRow:
    """A task type, or the sum of all others, with its shares in baseline and window.

    A share is ``None``, not 0, on a side that names no task type or was not compared.
    """

    #: Empty: exchanges that name no task type.
    name: str
    reference: float | None
    current: float | None
    #: The number of task types of the sum; 0 for a single task type.
    n_others: int = 0

    @property
    def change(self) -> float:
        """Return the absolute change of the share; 0 where a side is unknown."""
        if self.reference is None or self.current is None:
            return 0.0
        return abs(self.current - self.reference)


def mix_rows(assessment: Assessment, limit: int) -> list[MixRow]:
    """Return the rows of the task mix: the largest change first, the sum of all others last.

    At most ``limit`` task types have a row of their own.
    """
    reference, current = assessment.mix_reference, assessment.mix_current
    selected = select_task_types(reference, current, limit)
    rows = [
        MixRow(
            name,
            reference.get(name, 0.0) if reference else None,
            current.get(name, 0.0) if current else None,
        )
        for name in selected
    ]
    rows.sort(key=lambda row: (-row.change, -(row.current or row.reference or 0.0), row.name))
    other = sum_other_task_types(reference, current, selected, assessment.mix_other)
    if other is None:
        return rows
    n_others = other.n_task_types
    label = pluralize(n_others, "other task type")
    return [*rows, MixRow(label, other.reference, other.current, n_others)]


def describe_mix_change(assessment: Assessment) -> str:
    """Describe the change of the mix of task types; empty where it was not tested."""
    moved = assessment.mix_moved_share
    if assessment.mix_p_value is None or moved is None:
        return ""
    p_value = state_p_value(assessment.mix_p_value, MIX_LEVEL)
    if assessment.mix_p_value > MIX_LEVEL:
        return f"the mix of task types shows no significant change, {p_value}"
    size = f"{format_estimate(moved)} of the traffic" if is_above_zero(moved) else "some traffic"
    return f"{size} moved between task types, {p_value}; a change of the mix never alarms by itself"


def further_findings(assessment: Assessment) -> list[str]:
    """Return the findings that the headline does not say."""
    return [finding for finding in assessment.findings if finding not in assessment.headline]


def describe_state(family: FamilyAssessment) -> str:
    """Return what the tests of a family say, in a word or two."""
    if family.verdict == "not_enough_data":
        return "not tested"
    if family.alarm or family.slow_alarm is not None:
        return "drift"
    if family.event_alarms:
        return "alarm by an event; all responses:"
    if family.verdict == "drift":
        return "significant, below the alert threshold"
    return "no significant change"


def describe_absence(family: FamilyAssessment) -> str:
    """Return a note where a family has no texts, or the comparison isn't of it; else empty."""
    if family.untested_reason == "no_responses":
        return "Only prompts were compared: no exchange has a response."
    if family.untested_reason == "other_family":
        reason = describe_untested(family)
        return f"{reason[0].upper()}{reason[1:]}."
    return ""


def describe_comparable_sizes(assessment: Assessment) -> str:
    """Describe how many exchanges of both sides were compared; empty where all of them were."""
    current, reference = assessment.n_comparable_current, assessment.n_comparable_reference
    if current is None or reference is None:
        return ""
    return f"; of them comparable {current:,} and {reference:,}"


DETECTABLE_KINDS = labels({"new_topic": "a new topic", "scattered": "scattered novelty"})


def describe_detectable(assessment: Assessment) -> str:
    """Describe what windows of these sizes could have shown; empty where that is unknown."""
    detectable = [item for item in assessment.detectable_shares if item.share is not None]
    hidden = [
        DETECTABLE_KINDS[item.kind] for item in assessment.detectable_shares if item.share is None
    ]
    sentences = []
    if detectable:
        first, *further = (
            f"{DETECTABLE_KINDS[item.kind]} of {_detectable_share(item)}" for item in detectable
        )
        more = "".join(f", or {other}," for other in further)
        sentences.append(
            f"{_source(detectable[0])} windows of these sizes show {first} of the prompts{more} "
            "four times in five."
        )
    if hidden:
        subject = "They" if detectable else f"{_source(assessment.detectable_shares[0])} they"
        sentences.append(f"{subject} do not reliably show {' or '.join(hidden)} of any share.")
    if sentences and assessment.output.verdict != "not_enough_data":
        sentences.append("How small a change of the responses they show is not known.")
    return " ".join(sentences)


def _source(item: DetectableShare) -> str:
    """Return whose data a stated sensitivity is of."""
    if item.is_simulated:
        return "Simulated on these prompts:"
    return "By a table of CLINC150, not of these prompts:"


def _detectable_share(item: DetectableShare) -> str:
    share = item.share or 0.0
    if not item.is_simulated:
        return f"about {format_share(share)}"
    return f"about {format_share(share)} ({format_share(item.lower)} to {format_share(item.upper)})"


def describe_untested(family: FamilyAssessment) -> str:
    """Describe why a family was not tested; both possible reasons where it is unknown which."""
    few_responses, few_prompts = "too few exchanges with a response", "too few comparable prompts"
    other = NOUNS["output" if family.family == "input" else "input"]
    reasons = {
        "no_responses": "no exchange has a response",
        "few_responses": few_responses,
        "few_comparable_prompts": f"{few_prompts} on both sides",
        "unread_texts": f"the encoder cannot read {describe_unread(family)}",
        "same_prompt": "most prompts of a side are one text",
        "other_family": f"this comparison tests {other} only",
    }
    return reasons.get(family.untested_reason or "", f"{few_responses}, or {few_prompts}")


def describe_unread(family: FamilyAssessment) -> str:
    """Describe the shares of texts that the encoder doesn't read."""
    return (
        f"{family.unread_current or 0.0:.0%} of the window's {NOUNS[family.family]} and "
        f"{family.unread_reference or 0.0:.0%} of the baseline's"
    )


def describe_slow_drift(slow: SlowDrift) -> str:
    """Describe the result over all windows since the baseline."""
    p_value = state_p_value(slow.p_value, slow.level)
    if slow.since is None or slow.detected_at is None:
        return f"no slow drift over {pluralize(slow.n_windows, 'window')} ({p_value})"
    over = f"({p_value}, over {pluralize(slow.n_windows, 'window')})"
    if not slow.alarm and slow.drifted_share.lower <= 0:
        return (
            f"slow drift, detected in the window of {format_day(slow.detected_at)} {over}, is not "
            "significant in this window"
        )
    return (
        f"slow drift since {format_day(slow.since)}, detected in the window of "
        f"{format_day(slow.detected_at)} {over}: {describe_slow_share(slow)}"
    )


def describe_slow_share(slow: SlowDrift) -> str:
    """Describe the share of the window that differs from the windows before the drift began."""
    share = format_estimate(slow.drifted_share)
    return f"{share} of the prompts are unlike those before the drift began"


def count_affected(family: FamilyAssessment, assessment: Assessment) -> str:
    """Return about how many exchanges changed; empty where that is not sure, or all shifted."""
    version = assessment.reported_version
    part = assessment if version is None else version
    whole = (
        "the window"
        if version is None
        else f"version {excerpt_of_version(version.version) or 'unknown'}"
    )
    total = part.estimated_current or part.n_current
    share = family.moved_share if family.is_mix else family.drifted_share
    if family.is_shift or share is None or not share.lower > 0.0:
        return ""
    compared = 1.0 if family.comparable_share is None else family.comparable_share
    affected = float(f"{share.estimate * compared * total:.2g}")
    return f"about {affected:,.0f} of {total:,.0f} exchanges of {whole}"


def count_exchanges(topic: Topic) -> str:
    """Return the number of a topic's exchanges and, where any is named, of their end users."""
    exchanges = pluralize(topic.n_current, "exchange")
    if not topic.n_end_users:
        return exchanges
    return f"{exchanges} of {pluralize(topic.n_end_users, 'end user')}"


def describe_enrichment(topic: Topic, family: str) -> str:
    """Describe the lower bound on how many times as frequent a topic is.

    The estimate would look like a wrong ratio of the two shares next to it: all messages of an end
    user count as one, and responses are compared among comparable prompts. The bound is of each
    topic by itself, not of all together.
    """
    among = " among comparable prompts" if family == "output" else ""
    return f"at least {format_mean(topic.enrichment_lower)} times as frequent{among} (95% each)"


def describe_choice(topic: Topic) -> str:
    """Describe which exchanges of a topic its examples are."""
    if topic.first_seen is None:
        return "Examples: those least like the baseline"
    return "Examples: the newest of those least like the baseline"


def describe_since(topic: Topic) -> str:
    """Describe since when a topic exists, by its own days; empty where that is unknown."""
    if topic.exists_since is None:
        return ""
    return f"since {format_day(topic.exists_since)}{' or earlier' * topic.may_be_older}"


def describe_first_seen(topic: Topic) -> str:
    """Describe when a topic first occurred; empty where times are unknown.

    A topic that the baseline has some of existed before: its first time is that of the window.
    """
    if topic.first_seen is None:
        return ""
    if topic.exists_since is not None:
        older = " or earlier" * topic.may_be_older
        exists = f"exists since {format_instant(topic.exists_since)}{older}"
        if topic.first_seen == topic.exists_since:
            return exists
        return f"{exists}; first seen {format_instant(topic.first_seen)} in this window"
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
