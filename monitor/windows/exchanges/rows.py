"""Assessments as rows of a data frame."""

from typing import Any

from monitor.drift.presentation.frame import row_of_change, row_of_test
from monitor.rendering.change_tables import tests_mean
from monitor.store.windows.assessment import (
    Assessment,
    FamilyAssessment,
    NumericAssessment,
    ShareEstimate,
)


def rows_of_assessment(assessment: Assessment) -> list[dict[str, Any]]:
    """Return the rows, by the columns of :mod:`monitor.drift.presentation.frame`."""
    rows = [
        row for family in (assessment.input, assessment.output) for row in _rows_of_family(family)
    ]
    tested = {change.name for change in assessment.output.descriptors}
    # Of a descriptor that was tested given the prompts, that test's row is the only one.
    rows += [
        _row_of_column(column)
        for column in assessment.numeric_columns
        if not (column.side == "response" and column.name in tested)
    ]
    if assessment.mix_moved_share is not None:
        rows.append(
            {
                "family": "mix",
                "kind": "moved_share",
                "name": "task types",
                **_estimate(assessment.mix_moved_share),
                "p_value": assessment.mix_p_value,
            }
        )
    names = sorted({*assessment.mix_reference, *assessment.mix_current})
    rows += [
        {
            "family": "mix",
            "kind": "task_type",
            "name": name,
            "reference": _share(assessment.mix_reference, name),
            "current": _share(assessment.mix_current, name),
        }
        for name in names
    ]
    return rows


def _row_of_column(column: NumericAssessment) -> dict[str, Any]:
    """Return a row whose estimate is that of the test of its p-value."""
    estimate: tuple[float | None, ...]
    estimate = (column.effect_size, column.effect_lower, column.effect_upper)
    if tests_mean(column):
        estimate = (
            column.relative_change,
            column.relative_change_lower,
            column.relative_change_upper,
        )
    return {
        "family": column.side,
        "kind": "metric" if column.side == "metric" else "descriptor",
        "name": column.name,
        "verdict": "degraded" if column.degraded else "",
        **dict(zip(("estimate", "lower", "upper"), estimate, strict=True)),
        "reference": column.reference_mean,
        "current": column.current_mean,
        "p_value": column.p_value,
        "adjusted_p_value": column.adjusted_p_value,
    }


def _rows_of_family(family: FamilyAssessment) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [
        {
            "kind": "drifted_share",
            "name": "drifted_share",
            "verdict": family.verdict,
            **_estimate(family.drifted_share),
            "p_value": family.p_value,
        }
    ]
    if family.moved_share is not None:
        rows.append(
            {"kind": "moved_share", "name": "groups of prompts", **_estimate(family.moved_share)}
        )
    if family.shift is not None:
        rows.append({"kind": "shift", "name": "shift", **_estimate(family.shift)})
    if family.slow is not None:
        rows.append(
            {
                "kind": "slow_drift",
                "name": "slow_drift",
                "verdict": family.slow.verdict,
                **_estimate(family.slow.drifted_share),
                "p_value": family.slow.p_value,
            }
        )
    rows += [
        {
            "kind": "explanation",
            "name": explanation.kind,
            "verdict": "drift" if explanation.alarm else "",
            **_estimate(explanation.current),
            "reference": explanation.reference.estimate,
            "current": explanation.current.estimate,
            "adjusted_p_value": explanation.p_value,
        }
        for explanation in family.explanations
    ]
    if family.rest is not None:
        rows.append(
            {
                "kind": "rest",
                "name": "drifted_share",
                "verdict": family.rest.verdict,
                **_estimate(family.rest.drifted_share),
                "p_value": family.rest.p_value,
            }
        )
    rows += [row_of_test(test) for test in family.tests]
    rows += [row_of_change("change", change) for change in family.descriptors]
    rows += [
        {
            "kind": "topic",
            "name": topic.name,
            "estimate": topic.enrichment,
            "lower": topic.enrichment_lower,
            "upper": topic.enrichment_upper,
            "reference": topic.share_reference,
            "current": topic.share_current,
        }
        for topic in family.topics
    ]
    return [{"family": family.family, **row} for row in rows]


def _estimate(share: ShareEstimate | None) -> dict[str, float]:
    """Return a share with its limits; nothing, NaN in a frame, of what was not tested."""
    if share is None:
        return {}
    return {"estimate": share.estimate, "lower": share.lower, "upper": share.upper}


def _share(mix: dict[str, float], name: str) -> float | None:
    """Return a share; ``None`` on a side that names no task type."""
    return mix.get(name, 0.0) if mix else None
