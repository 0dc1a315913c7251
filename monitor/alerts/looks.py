"""Incidents of looks: opened or worsened by a large change before the window ends."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from monitor.alerts.incident_states import Event
from monitor.alerts.incidents import SYSTEM, take_step
from monitor.alerts.messages.look import look_blocks
from monitor.alerts.messages.mrkdwn import bold, build_message, sections
from monitor.rendering.looks import look_headline
from monitor.settings import Alerts
from monitor.store.alerts import incidents, outbox
from monitor.store.alerts.incidents import IncidentRow
from monitor.store.windows.drift_evaluations import last_followed_up_end
from monitor.store.windows.looks import LookRow, look_by_id


def handle_look(
    connection: Connection, look_id: int, now: datetime, *, alerts: Alerts
) -> int | None:
    """Open or update the model's incident after a look with an alarm.

    Messages are written to the outbox in the same transaction. Handling a look again changes
    nothing. Neither does one that ended before the last evaluated window, which saw the same
    traffic; a look that finds what is known is recorded and posted nowhere.

    Args:
        connection: Inside the caller's transaction.
        look_id: The look.
        now: The time of the change.
        alerts: Base of the links in the messages.

    Returns:
        The incident that the look belongs to; ``None`` where there is none.
    """
    look = look_by_id(connection, look_id)
    if not look.alarm or look.followed_up_at is not None:
        return None
    evaluated = last_followed_up_end(connection, look.model)
    if evaluated is not None and look.looked_until <= evaluated:
        return None
    current = incidents.unresolved_incident_of(connection, look.model)
    event = event_of_look(look, current)
    changes: dict[str, Any] = {"last_look_id": look.id}
    if current is None:
        changes["opening_look_id"] = look.id
    known = frozenset() if current is None else current.fingerprint
    severity = 0.0 if current is None else current.severity
    if current is not None and event == "continued":
        changes["severity"] = max(severity, look.severity)
        incidents.update_incident(connection, current.id, **changes)
        return current.id
    incident_id = take_step(
        connection,
        current,
        event,
        by=SYSTEM,
        now=now,
        model=look.model,
        fingerprint=known | look.fingerprint,
        severity=max(severity, look.severity),
        **changes,
    )
    headline = look_headline(look)
    outbox.add_message(
        connection,
        dedupe_key=f"look:{look.id}:{event}",
        model=look.model,
        incident_id=incident_id,
        kind="post" if event == "opened" else "update",
        payload=build_message(look_blocks(look, incident_id, event, alerts), headline),
        now=now,
    )
    if event == "worsened":  # Slack notifies of replies, not of updates
        outbox.add_message(
            connection,
            dedupe_key=f"look:{look.id}:{event}:details",
            model=look.model,
            incident_id=incident_id,
            kind="reply",
            payload=build_message(sections([bold(headline)]), headline) | {"reply_broadcast": True},
            now=now,
        )
    return incident_id


def event_of_look(look: LookRow, incident: IncidentRow | None) -> Event:
    """Return the event that the alarm of a look causes.

    A new kind of change worsens an incident. A larger estimate doesn't: that of a sudden change
    grows for a day, while it fills the 24 hours.

    Args:
        look: A look with an alarm.
        incident: The model's unresolved incident, if it has one.
    """
    if incident is None:
        return "opened"
    return "continued" if look.fingerprint <= incident.fingerprint else "worsened"
