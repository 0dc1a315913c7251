"""Changes of an incident since the message before: new parts, growth, and what is gone."""

from collections.abc import Sequence

from monitor.alerts.incident_states import QUIET_WINDOWS
from monitor.alerts.present_findings import Evidence, Finding, describe_missing
from monitor.plurals import pluralize
from monitor.rendering.fingerprints import name_kinds
from monitor.rendering.numbers import format_instant, format_window, join_names
from monitor.store.alerts.incident_events import IncidentEventRow
from monitor.store.alerts.incidents import IncidentRow


def new_findings(evidence: Evidence, findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings, beside those of the worst kind, that worsened the incident last."""
    new = _new_kinds(evidence) - {finding.kind for finding in findings[:1]}
    return [finding for finding in findings if finding.kind in new]


def describe_changes(
    incident: IncidentRow, evidence: Evidence, findings: Sequence[Finding]
) -> list[str]:
    """Return what is different from the message before, the most important first."""
    changes = [_describe_worsening(evidence, findings)]
    if incident.quiet_windows:
        left = QUIET_WINDOWS - incident.quiet_windows
        verb = "resolves" if left == 1 else "resolve"
        windows = pluralize(incident.quiet_windows, "quiet window")
        changes.append(f"{windows}: {left} more in a row {verb} the incident.")
        changes.append(f"Had drifted: {incident.summary}.")
    elif findings:  # else it is the finding
        changes.append(describe_missing(evidence, incident))
    blind = evidence.blind
    if blind is not None and blind.assessment is not None:
        period = format_window((blind.window_start, blind.window_end))
        changes.append(f"Window of {period}: {blind.assessment.headline}")
    return changes


def kinds_of(event: IncidentEventRow) -> frozenset[str]:
    """Return what alarmed at an event."""
    return frozenset(filter(None, event.fingerprint.split("\n")))


def describe_new_parts(evidence: Evidence) -> str:
    """Return what a condition consists of now that it did not before; else empty."""
    last, before = _last_alarms(evidence)
    new = _new_kinds(evidence)
    if last is None or before is None or not new:
        return ""
    return f"Added after {format_instant(before.at)}: {join_names(sorted(new))}."


def _describe_worsening(evidence: Evidence, findings: Sequence[Finding]) -> str:
    last, before = _last_alarms(evidence)
    if last is None or before is None or last.event != "worsened":
        return ""
    kinds = _new_kinds(evidence)
    if not kinds:
        return f"Larger than on {format_instant(before.at)}."
    new = " ".join(finding.text for finding in new_findings(evidence, findings))
    news = f"{new[0].lower()}{new[1:]}" if new else f"{join_names(name_kinds(kinds))}."
    return f"Added after {format_instant(before.at)}: {news}"


def _new_kinds(evidence: Evidence) -> frozenset[str]:
    last, before = _last_alarms(evidence)
    if last is None or before is None or last.event != "worsened":
        return frozenset()
    return kinds_of(last) - kinds_of(before)


def _last_alarms(evidence: Evidence) -> tuple[IncidentEventRow | None, IncidentEventRow | None]:
    """Return the last two events that changed what alarms."""
    changing = [None, None, *(event for event in evidence.events if event.fingerprint)]
    return changing[-1], changing[-2]
