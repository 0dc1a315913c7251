"""Alarms of an assessment as an incident of drift knows them: kinds, severity and summary."""

from monitor.rendering.fingerprints import name_kinds
from monitor.rendering.numbers import format_share
from monitor.store.windows.assessment import Assessment

#: An incident worsens when its severity grows by this factor *and* by this difference.
WORSE_FACTOR = 1.25
WORSE_DIFFERENCE = 0.05


def describe_drift(fingerprint: frozenset[str], severity: float) -> str:
    """Return what drifted and by how much, without a quote of the traffic.

    Example:
        >>> describe_drift(frozenset({"input", "metric:resolved"}), 0.12)
        'Prompts, `resolved`; largest change 12%'
    """
    listed = ", ".join(name_kinds(fingerprint))
    return f"{listed[:1].upper()}{listed[1:]}; largest change {format_share(severity)}"


def fingerprint_of(assessment: Assessment) -> frozenset[str]:
    """Return what alarms: families, events of responses and degraded metrics."""
    families = {family.family for family in (assessment.input, assessment.output) if family.alarms}
    events = {f"event:{event.kind}" for event in assessment.output.event_alarms}
    metrics = {f"metric:{column.name}" for column in assessment.numeric_columns if column.degraded}
    return frozenset(families | events | metrics)


def is_much_larger(severity: float, other: float) -> bool:
    """Return whether a severity is larger by the factor *and* by the difference that worsen."""
    return severity >= other * WORSE_FACTOR and severity >= other + WORSE_DIFFERENCE


def severity_of(assessment: Assessment) -> float:
    """Return the severity in [0, 1]: the largest changed share, or relative loss of a metric."""
    families = assessment.input, assessment.output
    shares = [family.changed_share for family in families if family.alarm]
    shares += [
        family.slow.drifted_share.estimate
        for family in families
        if family.slow is not None and family.slow.alarm
    ]
    shares += [
        event.current.estimate - event.reference.estimate
        for event in assessment.output.event_alarms
    ]
    losses = [
        1.0 if column.relative_change is None else min(1.0, abs(column.relative_change))
        for column in assessment.numeric_columns
        if column.degraded
    ]
    return max([0.0, *shares, *losses])
