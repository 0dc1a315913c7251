"""Tables of metrics and descriptors: in each, one test, one estimate and one adjusted p-value.

Changes given the prompts and changes whatever the prompts never share a table.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from monitor.plurals import pluralize
from monitor.rendering.numbers import (
    explain_mean,
    format_dominance,
    format_estimate,
    format_mean,
    signed,
)
from monitor.rendering.response_changes import LEVEL, format_descriptor_change
from monitor.statistics.p_value_text import format_level
from monitor.store.windows.assessment import Assessment, NumericAssessment

#: Cliff's delta of a share is the difference of the shares, but for rounding and weights.
SAME = 2e-3

MEANS = (
    "Change (95%): of the mean in percent, by the test of means, where a direction of better is "
    "known; else of a share in points, by the test of ranks; else the share of pairs (a value of "
    "the window and one of the baseline, ties count half) in which that of the window is higher or "
    "lower, by the same test: 76% lower is a Cliff's delta of -0.52."
)


@dataclass(frozen=True)
class ChangeRow:
    """A metric or descriptor with its change, of the test that its p-value is of."""

    name: str
    #: Means of both sides with their unit; empty where the change is given the prompts.
    reference: str
    current: str
    #: With its 95% interval.
    change: str
    adjusted_p_value: float
    #: Values of both sides; empty where the change is given the prompts.
    sizes: str = ""
    #: Which direction is better, and why the mean moved against most values; both may be missing.
    hint: str = ""
    is_degraded: bool = False

    @property
    def is_significant(self) -> bool:
        """Return whether the adjusted p-value is at most 5%."""
        return self.adjusted_p_value <= LEVEL


@dataclass(frozen=True)
class ChangeTable:
    """A family of tests."""

    #: ``metrics``, ``given_prompts``, ``prompts`` or ``responses``.
    kind: str
    title: str
    #: Test and adjustment.
    family: str
    #: Degraded ones first, then the most significant.
    rows: tuple[ChangeRow, ...]


@dataclass(frozen=True)
class ExplanationRow:
    """An explanation with its share of each side."""

    kind: str
    text: str
    reference: str
    current: str


def explanation_rows(assessment: Assessment) -> list[ExplanationRow]:
    """Return the explanations of both families, in their order."""
    return [
        ExplanationRow(
            f"{item.side}s: {item.kind.replace('_', ' ')}",
            item.text or item.before,
            format_estimate(item.reference).removeprefix("about "),
            format_estimate(item.current).removeprefix("about "),
        )
        for family in (assessment.input, assessment.output)
        for item in family.explanations
    ]


def change_tables(assessment: Assessment) -> list[ChangeTable]:
    """Return the tables that have rows: metrics, responses given the prompts, then texts."""
    columns = assessment.numeric_columns
    tested = {change.name for change in assessment.output.descriptors}
    of_side = {
        side: [column for column in columns if column.side == side]
        for side in ("metric", "prompt", "response")
    }
    untested = [column for column in of_side["response"] if column.name not in tested]
    level = assessment.metrics_level
    alarms = "" if level is None else f"; a worse one alarms at {format_level(level)} or less"
    is_paired = assessment.output.n_pairs is not None
    pairing = "of pairs with the same prompt" if is_paired else "at comparable prompts"
    tables = [
        _numeric_table("metrics", "Metrics", of_side["metric"], len(of_side["metric"]), alarms),
        ChangeTable(
            "given_prompts",
            "Responses given the prompts",
            f"permutation test {pairing}; p adjusted over "
            f"{pluralize(len(tested), 'descriptor')} (Holm)",
            tuple(
                ChangeRow(
                    change.name, "", "", format_descriptor_change(change), change.adjusted_p_value
                )
                for change in sorted(
                    assessment.output.descriptors, key=lambda change: (change.p_value, change.name)
                )
            ),
        ),
        _numeric_table(
            "prompts", "Descriptors of the prompts", of_side["prompt"], len(of_side["prompt"])
        ),
        _numeric_table(
            "responses",
            "Descriptors of the responses, whatever the prompts",
            untested,
            len(of_side["response"]),
        ),
    ]
    return [table for table in tables if table.rows]


def tests_mean(column: NumericAssessment) -> bool:
    """Return whether the p-value is of the means, and their relative change is known."""
    return column.direction != 0 and column.relative_change is not None


def format_column_change(column: NumericAssessment) -> str:
    """Return the estimate of the test that decides, with its interval.

    "-34% (-39% to -29%)" of a mean with a direction; else "+4.8 points (+2.1 to +7.5)" of a share,
    or "higher in 68% of pairs (64% to 70%)".
    """
    change = column.relative_change
    if change is not None and tests_mean(column):
        limits = (column.relative_change_lower, column.relative_change_upper)
        return f"{signed(change, '+.0%')}{_interval(limits, '+.0%')}"
    limits = (column.effect_lower, column.effect_upper)
    if abs(column.effect_size - (column.current_mean - column.reference_mean)) <= SAME:
        in_points = [None if limit is None else 100.0 * limit for limit in limits]
        points = signed(100.0 * column.effect_size, "+.1f")
        return f"{points} points{_interval(in_points, '+.1f')}"
    return format_dominance(column.effect_size, *limits)


def _mean_against(column: NumericAssessment) -> str:
    """Return why the means move against the estimate of ranks; empty where they do not."""
    if tests_mean(column):
        return ""
    return explain_mean(column.reference_mean, column.current_mean, column.effect_size)


def _interval(limits: Sequence[float | None], form: str) -> str:
    known = [limit for limit in limits if limit is not None and math.isfinite(limit)]
    if len(known) < len(limits):
        return ""
    return f" ({' to '.join(signed(limit, form) for limit in known)})"


def _numeric_table(
    kind: str, title: str, columns: Sequence[NumericAssessment], n_tests: int, alarms: str = ""
) -> ChangeTable:
    ordered = sorted(
        columns,
        key=lambda column: (
            not column.degraded,
            column.adjusted_p_value > LEVEL,
            -abs(column.effect_size),
        ),
    )
    noun = "metric" if kind == "metrics" else "descriptor"
    hints = {1: "higher is better", -1: "lower is better"}
    return ChangeTable(
        kind,
        title,
        f"p adjusted over {pluralize(n_tests, noun)} (Benjamini-Hochberg){alarms}",
        tuple(
            ChangeRow(
                column.name,
                f"{format_mean(column.reference_mean)} {column.unit}".rstrip(),
                f"{format_mean(column.current_mean)} {column.unit}".rstrip(),
                format_column_change(column),
                column.adjusted_p_value,
                f"{column.n_reference:,} → {column.n_current:,}",
                ", ".join(filter(None, (hints.get(column.direction, ""), _mean_against(column)))),
                column.degraded,
            )
            for column in ordered
        ),
    )
