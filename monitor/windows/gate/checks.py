"""Checks of a comparison, and the outcome of those that a pipeline fails on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from monitor.rendering.change_tables import format_column_change
from monitor.rendering.events import describe_event
from monitor.rendering.excerpts import excerpt
from monitor.rendering.numbers import format_mean
from monitor.rendering.response_changes import describe_extent
from monitor.rendering.wording import NOUNS, describe_state, describe_untested
from monitor.statistics.p_value_text import state_p_value
from monitor.store.windows.assessment import (
    Assessment,
    FamilyAssessment,
    NumericAssessment,
    RuleOutcome,
    Segmentation,
    Verdict,
)
from monitor.windows.gate.fail_on import FailOn
from monitor.windows.gate.wording import describe_rule, describe_segment, segment_name

Outcome = Literal["passed", "failed", "undecided"]
Kind = Literal["drift", "metric", "rule", "segment"]

OF_RULE: dict[RuleOutcome, Outcome] = {
    "kept": "passed",
    "broken": "failed",
    "undecided": "undecided",
}
OF_VERDICT: dict[Verdict, Outcome] = {
    "no_drift": "passed",
    "drift": "failed",
    "not_enough_data": "undecided",
}
#: Segments without enough data count where together they hold this share of the window.
UNTESTED_SHARE = 0.1
#: Characters of a name.
NAME = 60


@dataclass(frozen=True)
class Check:
    """A finding that a pipeline may fail on."""

    kind: Kind
    #: On one line.
    name: str
    outcome: Outcome
    #: Whether the pipeline fails on it.
    is_gated: bool
    #: What was found, and what to do where that is undecided.
    sentence: str


def list_checks(assessment: Assessment, fail_on: FailOn) -> list[Check]:
    """Return the checks: prompts, responses, metrics, rules, segments.

    The metrics are those with a direction of better, and the guarded ones.
    """
    families = [_check_family(family, assessment, fail_on) for family in _families(assessment)]
    metrics = [
        column
        for column in assessment.numeric_columns
        if column.side == "metric" and column.direction
    ]
    outcomes = [
        check.outcome
        for check, family in zip(families, _families(assessment), strict=True)
        if family.untested_reason != "no_responses"
    ]
    outcomes += ["failed" for column in metrics if column.degraded]
    whole = OF_VERDICT[assessment.verdict]
    if _worst(outcomes) != whole:  # of versions that could not be compared, or another alarm
        families.insert(0, Check("drift", "comparison", whole, fail_on.drift, assessment.headline))
    rules = [
        Check(
            "rule",
            excerpt(result.rule, 2 * NAME),
            OF_RULE[result.outcome],
            fail_on.rule,
            describe_rule(result),
        )
        for result in assessment.rules
    ]
    return [
        *families,
        *(
            _check_metric(column, assessment, fail_on)
            for column in metrics
            if column.name not in fail_on.metrics
        ),
        *(_check_guarded(name, assessment) for name in fail_on.metrics),
        *rules,
        *_check_segments(assessment.segmentation, fail_on),
    ]


def outcome_of(checks: Sequence[Check]) -> Outcome:
    """Return the outcome of the checks that a pipeline fails on."""
    return _worst([check.outcome for check in checks if check.is_gated])


def _worst(outcomes: Sequence[Outcome]) -> Outcome:
    if "failed" in outcomes:
        return "failed"
    return "undecided" if "undecided" in outcomes else "passed"


def _families(assessment: Assessment) -> tuple[FamilyAssessment, FamilyAssessment]:
    return assessment.input, assessment.output


def _check_family(family: FamilyAssessment, assessment: Assessment, fail_on: FailOn) -> Check:
    noun = NOUNS[family.family]
    facts = list(map(describe_event, family.event_alarms))
    outcome: Outcome = "failed" if family.alarms else "passed"
    if family.verdict == "not_enough_data":
        outcome = "failed" if family.event_alarms else "undecided"
        reason = f": {describe_untested(family)}" if family.untested_reason else ""
        facts.append(
            f"{describe_state(family)}{reason}"
            if assessment.is_compared
            else assessment.headline.removesuffix(".")
        )
    else:
        facts.append(
            describe_extent(family) if family.verdict == "drift" else describe_state(family)
        )
        facts.append(state_p_value(family.p_value, family.level))
    is_gated = fail_on.drift and family.untested_reason != "no_responses"
    sentence = ", ".join(facts)
    return Check("drift", noun, outcome, is_gated, f"{sentence[0].upper()}{sentence[1:]}.")


def _check_metric(column: NumericAssessment, assessment: Assessment, fail_on: FailOn) -> Check:
    outcome: Outcome = "failed" if column.degraded else _unless_fallen(column.name, assessment)
    sentence = f"{_describe_metric(column)}."
    return Check("metric", excerpt(column.name, NAME), outcome, fail_on.drift, sentence)


def _check_guarded(name: str, assessment: Assessment) -> Check:
    """Check a guarded metric: significantly worse, by whatever effect, at the level of metrics."""
    label = excerpt(name, NAME)
    column = next(
        (
            column
            for column in assessment.numeric_columns
            if column.side == "metric" and column.name == name
        ),
        None,
    )
    level = assessment.metrics_level
    if column is None or level is None:
        sentence = (
            f"`{label}` was not compared: a side has too few values of it, or too few exchanges. "
            "Log it on both sides."
        )
        return Check("metric", label, "undecided", True, sentence)
    sentence = f"{_describe_metric(column, level)}."
    changed = column.adjusted_p_value <= level
    if not column.direction:
        sentence += (
            " Which way is better is unknown: name it in drift.higher_is_better or "
            "drift.lower_is_better."
        )
        outcome: Outcome = "undecided" if changed else "passed"
        return Check("metric", label, outcome, True, sentence)
    is_worse = column.direction * (column.current_mean - column.reference_mean) < 0.0
    outcome = "failed" if changed and is_worse else _unless_fallen(name, assessment)
    return Check("metric", label, outcome, True, sentence)


def _unless_fallen(name: str, assessment: Assessment) -> Outcome:
    """Return the outcome of a metric that isn't worse: undecided where its coverage fell."""
    fallen = (item.name for item in assessment.fallen_coverage if item.kind == "metric")
    return "undecided" if name in fallen else "passed"


def _describe_metric(column: NumericAssessment, level: float | None = None) -> str:
    verb = "fell" if column.current_mean < column.reference_mean else "rose"
    p_value = state_p_value(column.adjusted_p_value, level)
    means = f"{format_mean(column.reference_mean)} to {format_mean(column.current_mean)}"
    if column.current_mean == column.reference_mean:
        return f"`{excerpt(column.name, NAME)}` is {format_mean(column.current_mean)} on both sides"
    change = "" if column.relative_change is None else f", {format_column_change(column)}"
    return f"`{excerpt(column.name, NAME)}` {verb} from {means}{change}; adjusted {p_value}"


def _check_segments(segmentation: Segmentation | None, fail_on: FailOn) -> list[Check]:
    if segmentation is None:
        return []
    is_gated = fail_on.drift or fail_on.segment
    untested = [part for part in segmentation.segments if part.verdict == "not_enough_data"]
    counts = sum(part.share_current for part in untested) >= UNTESTED_SHARE
    return [
        Check(
            "segment",
            f"{excerpt(segmentation.column, NAME)} = {segment_name(part)}",
            OF_VERDICT[part.verdict],
            is_gated and (counts or part.verdict != "not_enough_data"),
            describe_segment(part),
        )
        for part in segmentation.segments
    ]
