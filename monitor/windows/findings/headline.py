"""Headline of an assessment: input drift, output drift and degraded metrics."""

from collections.abc import Sequence

from monitor.drift import DriftResult, MixComparison, SampleDesign
from monitor.plurals import pluralize
from monitor.rendering.numbers import format_estimate, format_means, join_names
from monitor.rendering.response_changes import (
    describe_descriptors,
    describe_shares,
    describe_shift,
)
from monitor.rendering.wording import (
    NOUNS,
    describe_input,
    describe_output,
    describe_since,
    describe_slow_share,
    describe_untested,
)
from monitor.store.windows.assessment import (
    FamilyAssessment,
    NumericAssessment,
    ShareEstimate,
    Topic,
)
from monitor.windows.comparison.window_comparison import MIN_END_USERS

TOPICS_NAMED = 3
#: An unread share from which on the headline names it.
NOTABLE_UNREAD = 0.02
COLUMNS_NAMED = 3
DESCRIPTORS_NAMED = 3

#: A change without a direction of better is reported from here on: between the limits of a small
#: (.147) and a medium (.33) effect by Cliff's delta (Romano et al., Florida Association of
#: Institutional Research, 2006).
NOTABLE_EFFECT = 0.2
NOTABLE_P_VALUE = 0.01


def headline(
    input_family: FamilyAssessment,
    output_family: FamilyAssessment,
    numeric_columns: Sequence[NumericAssessment],
    mix: MixComparison | None = None,
) -> str:
    """Return the headline: prompts, responses given the prompts, and degraded metrics.

    Where the prompts changed, it names the share that moved between task types, if that is known.

    A metric is a mean over all exchanges, and responses are compared at comparable prompts only.
    Where a metric fell and the texts of the responses did not change, the sentences name what each
    is about; otherwise they would seem to contradict each other.
    """
    texts = [
        f"{_input(input_family)}{_mix(input_family, mix)}",
        _output(output_family, input_family),
    ]
    same_texts = texts == [f"{noun} show no significant change" for noun in NOUNS.values()]
    degraded = [column for column in numeric_columns if column.degraded]
    if not degraded:
        changes = join_names([_change(c) for c in _notable(numeric_columns, output_family)])
        if same_texts:
            texts = ["prompts and responses show no significant change"]
        return _sentences("; ".join(texts), changes)
    losses = _losses(degraded)
    if same_texts:
        return _sentences(losses, "the texts of prompts and responses show no significant change")
    if output_family.alarm or output_family.untested_reason is not None:
        return _sentences("; ".join(texts), losses)
    drifted = ", drifted ones included" if input_family.alarm else ""
    return _sentences(texts[0], f"{losses} over all prompts{drifted}", texts[1])


def _losses(degraded: Sequence[NumericAssessment]) -> str:
    """Return the degraded metrics, those that changed most by name."""
    worst = sorted(degraded, key=lambda column: -abs(column.relative_change or 1.0))
    losses = [_change(column) for column in worst[:COLUMNS_NAMED]]
    n_more = len(worst) - COLUMNS_NAMED
    return join_names([*losses, *([pluralize(n_more, "more metric")] if n_more > 0 else [])])


def _sentences(*clauses: str) -> str:
    return " ".join(_sentence(clause) for clause in clauses if clause)


def _sentence(clause: str) -> str:
    return clause[0].upper() + clause[1:] + "."


def describe_small_side(n_reference: int, n_current: int, least: int) -> str:
    """Return the headline where a side has fewer than ``least`` exchanges."""
    small = []
    if n_reference < least:
        small.append(f"the baseline has {n_reference:,}")
    if n_current < least:
        small.append(f"the window has {n_current:,}")
    return f"Not enough data: {least:,} exchanges are required on each side; {' and '.join(small)}."


def describe_small_comparison(result: DriftResult, design: SampleDesign | None, least: int) -> str:
    """Return the headline where too few comparable exchanges, or end users, were left."""
    if design is not None:
        n_left = int(design.reference_comparable.sum()), int(design.current_comparable.sum())
        if min(n_left) < least:
            return (
                f"{describe_small_side(*n_left, least)} These are left after thinning task types "
                "that were sampled at different rates."
            )
    return describe_few_end_users(result.n_reference_groups, result.n_current_groups)


def describe_few_end_users(n_reference: int, n_current: int) -> str:
    """Return the headline where a side has too few end users."""
    return (
        f"Not enough data: the exchanges come from {n_current:,} end users in the "
        f"window and {n_reference:,} in the baseline; {MIN_END_USERS} are required "
        "on each side to tell drift from the habits of a few."
    )


def _input(family: FamilyAssessment) -> str:
    if family.slow_alarm:
        return f"{describe_input(family)}: {describe_slow_share(family.slow_alarm)}"
    if family.untested_reason is not None:
        return f"{describe_input(family)}: {describe_untested(family)}"
    if not family.alarm:
        return f"{describe_input(family)}{_unread(family)}"
    return f"{describe_input(family)}: {describe_shares(family)}{_topics(family)}"


def _output(family: FamilyAssessment, input_family: FamilyAssessment) -> str:
    description = describe_output(family, input_family)
    if family.untested_reason in {"unread_texts", "few_responses"}:
        return f"{description}: {describe_untested(family)}"
    if not family.alarm:
        return f"{description}{_unread(family)}"
    changes = describe_descriptors(family, DESCRIPTORS_NAMED)
    if family.is_shift:
        return f"{description}: {changes or describe_shift(family)}"
    shares = describe_shares(family, " of them")
    return f"{description}: {shares}{_topics(family)}{f', {changes}' if changes else ''}"


def _mix(family: FamilyAssessment, mix: MixComparison | None) -> str:
    """Return the share that moved between task types, where it surely did with the prompts."""
    if family.verdict != "drift" or mix is None or not mix.moved_share_interval[0] > 0.0:
        return ""
    moved = ShareEstimate.of(mix.moved_share, mix.moved_share_interval)
    return f"; {format_estimate(moved)} of the traffic moved between task types"


def _unread(family: FamilyAssessment) -> str:
    """Return which share the test without an alarm says nothing about."""
    unread = max(family.unread_reference or 0.0, family.unread_current or 0.0)
    if family.verdict == "not_enough_data" or unread < NOTABLE_UNREAD:
        return ""
    return f" (the encoder cannot read {unread:.0%} of them)"


def _topics(family: FamilyAssessment) -> str:
    """Return the largest topics with their first days; a day of all topics is told once."""
    days = {describe_since(topic) for topic in family.topics}
    common = days.pop() if len(family.topics) > 1 and len(days) == 1 else ""
    names = [
        f"“{topic.name}”" if common else _dated(topic) for topic in family.topics[:TOPICS_NAMED]
    ]
    n_more = len(family.topics) - TOPICS_NAMED
    if not names:
        return ""
    listed = join_names(names) if n_more <= 0 else f"{', '.join(names)} and {n_more} more"
    return f", among them {listed}{f', all {common}' if common else ''}"


def _dated(topic: Topic) -> str:
    """Return a topic's name with its own first day, not that of slow drift."""
    since = describe_since(topic)
    return f"“{topic.name}” {since}" if since else f"“{topic.name}”"


def _notable(
    numeric_columns: Sequence[NumericAssessment], output_family: FamilyAssessment
) -> list[NumericAssessment]:
    """Return large changes without an alarm.

    Descriptors of responses are part of the test of the responses, given the prompts: without
    regard to the prompts they are named only where that test was not possible.
    """
    tested = bool(output_family.descriptors)
    changed = [
        column
        for column in numeric_columns
        if column.adjusted_p_value <= NOTABLE_P_VALUE
        and abs(column.effect_size) >= NOTABLE_EFFECT
        and not (tested and column.side == "response")
    ]
    return sorted(changed, key=lambda column: -abs(column.effect_size))[:COLUMNS_NAMED]


def _change(column: NumericAssessment) -> str:
    name = f"`{column.name}`" if column.side == "metric" else f"`{column.side} {column.name}`"
    verb = "fell" if column.current_mean < column.reference_mean else "rose"
    means = format_means(column)
    # Of a rare event the percentage misleads: 1868% may be from one response in 200 to 20.
    if column.relative_change is None or abs(column.relative_change) > 1:
        return f"{name} {verb} {means}"
    return f"{name} {verb} by {abs(column.relative_change):.0%} ({means})"
