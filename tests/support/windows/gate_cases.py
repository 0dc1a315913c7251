"""Segments and rules for tests of a comparison as a gate."""

from typing import Any

from monitor.statistics.alarm_levels import DEFAULT_LEVELS
from monitor.store.windows.assessment import (
    Basis,
    RuleResult,
    SegmentAssessment,
    Segmentation,
)
from tests.support.windows.assessments import estimated


def make_segment(name: str, **values: Any) -> SegmentAssessment:
    """Build a segment without a significant change, of a tenth of each side."""
    defaults = {
        "n_reference": 200,
        "n_current": 50,
        "share_reference": 0.1,
        "share_current": 0.1,
        "verdict": "no_drift",
        "alarm": False,
        "headline": "No drift.",
        "input_p_value": 0.4,
        "input_drifted_share": estimated(0.0),
        "output_p_value": 0.4,
        "output_drifted_share": estimated(0.0),
    }
    return SegmentAssessment(name=name, **(defaults | values))


def make_segmentation(*segments: SegmentAssessment, **values: Any) -> Segmentation:
    """Build segments by task type."""
    defaults = {"column": "task_type", "levels": DEFAULT_LEVELS.share(2 * max(len(segments), 1))}
    return Segmentation(segments=segments, **(defaults | values))


def make_rule(rule: str = "empty < 1%", outcome: Any = "kept", **values: Any) -> RuleResult:
    """Build a rule with its outcome, of 500 exchanges."""
    defaults = {"estimate": 0.002, "lower": 0.0, "upper": 0.009, "n_values": 500}
    return RuleResult(rule=rule, outcome=outcome, **(defaults | values))


#: Of metrics: the level that adjusted p-values are compared with.
BASIS = Basis(seed=1, settings={}, levels=DEFAULT_LEVELS)
