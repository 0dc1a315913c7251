"""Incidents of looks: opened or worsened by a large change before the window ends."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from monitor.alerts.drift_alarms import WORSE_DIFFERENCE, describe_drift
from monitor.alerts.drift_incidents import incident_to_continue
from monitor.alerts.incident_states import Event
from monitor.alerts.parent_message import add_news, add_update, describe_earlier
from monitor.alerts.steps import take_step
from monitor.rendering.looks import LOOKED_BACK
from monitor.settings import Alerts
from monitor.store.alerts import incidents
from monitor.store.alerts.incident_events import last_event
from monitor.store.alerts.incidents import IncidentRow
from monitor.store.audit_log import SYSTEM
from monitor.store.windows.drift_evaluations import last_followed_up_end
from monitor.store.windows.looks import LookRow, look_by_id, set_findings

#: A look worsens an incident where the change has grown by this factor.
DOUBLED = 2.0


def handle_look(
    connection: Connection, look_id: int, now: datetime, *, alerts: Alerts
) -> int | None:
    """Open or update the model's incident after a look with an alarm.

    Messages are written to the outbox in the same transaction. Handling a look again changes
    nothing. Neither does one that ended before the last evaluated window, which saw the same
    traffic; a look that finds what is known is recorded and posted nowhere. Return the incident
    that the look belongs to, if there is one.
    """
    look = look_by_id(connection, look_id)
    if not look.alarm or look.followed_up_at is not None:
        return None
    evaluated = last_followed_up_end(connection, look.model)
    if evaluated is not None and look.looked_until <= evaluated:
        return None
    current = incident_to_continue(connection, look.model, now)
    if current is not None and _is_known_to_users(connection, look, current):
        return None
    told_at = _told_at(connection, current)
    event = event_of_look(look, current, told_at)
    if current is not None and event != "reopened":
        look = _with_first_onsets(connection, look, current)
    changes: dict[str, Any] = {"last_look_id": look.id, "quiet_windows": 0}
    if current is not None and event == "continued":
        if not _is_settled(look, told_at):
            changes["severity"] = max(current.severity, look.severity)
        if current.quiet_windows:  # the message says that it ends
            take_step(connection, current, event, by=SYSTEM, now=now, **changes)
            add_update(connection, current.id, now, alerts, key=f"look:{look.id}:{event}")
        else:
            incidents.update_incident(connection, current.id, **changes)
        return current.id
    kinds, severity, reason = look.fingerprint, look.severity, ""
    if current is None:
        changes["opening_look_id"] = look.id
    elif event == "worsened":
        kinds, severity = kinds | current.fingerprint, max(severity, current.severity)
    else:
        reason = describe_earlier(current)
    summary = describe_drift(kinds, severity)
    incident_id = take_step(
        connection,
        current,
        event,
        by=SYSTEM,
        now=now,
        model=look.model,
        reason=reason or summary,
        fingerprint=kinds,
        severity=severity,
        summary=summary,
        **changes,
    )
    key = f"look:{look.id}:{event}"
    add_update(connection, incident_id, now, alerts, key=key)
    if event != "opened":  # Slack notifies of replies, not of updates
        add_news(connection, incident_id, now, alerts, key=f"{key}:news")
    return incident_id


def _with_first_onsets(connection: Connection, look: LookRow, incident: IncidentRow) -> LookRow:
    """Return a look whose findings began when the looks of its incident before it say so.

    A later look searches later hours: by its own figures, a change that lasts began ever later.
    After an incident was reopened, the look that reopened it is the first.
    """
    began = last_event(connection, incident.id, ("opened", "reopened"))
    earlier = [incident.last_look_id]
    if began is not None and began.event == "opened":
        earlier.append(incident.opening_look_id)
    onsets: dict[tuple[str, str], tuple[datetime, datetime]] = {}
    for look_id in earlier:
        if look_id is None or look_id == look.id:
            continue
        before = look_by_id(connection, look_id)
        for finding in before.findings:
            onset = before.onset(finding)
            if onset is not None:
                onsets.setdefault((finding.kind, finding.name), onset)
    findings = []
    for finding in look.findings:
        since, until = onsets.get((finding.kind, finding.name), (None, None))
        findings.append(
            msgspec.structs.replace(finding, first_since=since, first_looked_until=until)
        )
    set_findings(connection, look.id, findings)
    return replace(look, findings=tuple(findings))


def event_of_look(
    look: LookRow, incident: IncidentRow | None, told_at: datetime | None = None
) -> Event:
    """Return the event that the alarm of a look causes.

    A new kind of change worsens an incident. So does one twice as large as when users were told
    last, a day or more ago: the estimate of a sudden change grows for a day, while it fills the 24
    hours. The incident is the one that the alarm belongs to, if there is one.
    """
    if incident is None:
        return "opened"
    if incident.is_resolved:
        return "reopened"
    if not look.fingerprint <= incident.fingerprint:
        return "worsened"
    is_doubled = look.severity >= max(
        incident.severity * DOUBLED, incident.severity + WORSE_DIFFERENCE
    )
    is_worse = is_doubled and _is_settled(look, told_at) and incident.status != "snoozed"
    return "worsened" if is_worse else "continued"


def _told_at(connection: Connection, incident: IncidentRow | None) -> datetime | None:
    """Return when users were told last of a change of an incident."""
    if incident is None:
        return None
    event = last_event(connection, incident.id, ("opened", "worsened", "reopened"))
    return None if event is None else event.at


def _is_settled(look: LookRow, told_at: datetime | None) -> bool:
    """Return whether the change that users were told of has filled the 24 hours of the look."""
    return told_at is not None and look.looked_until - told_at >= LOOKED_BACK


def _is_known_to_users(connection: Connection, look: LookRow, incident: IncidentRow) -> bool:
    """Return whether a user resolved what a look still finds in its 24 hours before that."""
    if incident.resolved_at is None or not look.fingerprint <= incident.fingerprint:
        return False
    ended = last_event(connection, incident.id, ("resolved",))
    by_user = ended is not None and ended.by != SYSTEM
    return by_user and look.looked_until - LOOKED_BACK < incident.resolved_at
