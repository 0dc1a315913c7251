"""Changes of incidents: by users, by conditions that are not drift, and by time."""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from monitor.alerts.causes import CAUSES
from monitor.alerts.drift_incidents import REOPENED_WITHIN
from monitor.alerts.incident_states import NO_LONGER_SO, Event
from monitor.alerts.parent_message import add_news, add_reply, add_update, describe_earlier
from monitor.alerts.steps import take_step
from monitor.errors import InputError
from monitor.rendering.numbers import format_instant
from monitor.settings import Alerts, Sections
from monitor.store.alerts import incidents
from monitor.store.alerts.incident_events import count_events
from monitor.store.alerts.incidents import IncidentRow, incident_by_id
from monitor.store.audit_log import SYSTEM

#: A longer snooze would be a way to forget.
MAX_SNOOZE = timedelta(days=30)

#: Of a note or a reason, as in the form of the page.
MAX_CHARACTERS = 2000

#: The time for which a condition must be clear doubles with each reopening in this time, so that
#: one that comes and goes notifies ever less, but at least once a day while it lasts.
FLAPPING_WITHIN = timedelta(days=7)
MAX_HOLD = timedelta(hours=24)
FIRST_FLAPPING_HOLD = timedelta(minutes=15)


def alerts_of(settings: Sections, model: str) -> Alerts:
    """Return the settings of the messages of a model; of the daemon for an empty name."""
    return settings.settings_of(model).alerts if model else settings.alerts


def acknowledge(
    connection: Connection, incident_id: int, user: str, now: datetime, *, alerts: Alerts
) -> bool:
    """Record the user who acknowledges an incident, and update its message.

    Return ``False`` where it is resolved, closed, or acknowledged already.

    Raises:
        NotFoundError: There is no such incident.
    """
    incident = incident_by_id(connection, incident_id, lock=True)
    if incident.status not in {"open", "snoozed"}:
        return False
    take_step(connection, incident, "acknowledged", by=user, now=now, acknowledged_by=user)
    add_update(connection, incident_id, now, alerts)
    return True


def take_over(
    connection: Connection, incident_id: int, user: str, now: datetime, *, alerts: Alerts
) -> bool:
    """Acknowledge an incident in place of the user who did, such as at the end of a shift.

    Its message names the new user; a reply in the thread names both. Return ``False`` where it is
    not acknowledged, or the user has it already.

    Raises:
        NotFoundError: There is no such incident.
    """
    incident = incident_by_id(connection, incident_id, lock=True)
    before = incident.acknowledged_by
    if incident.status != "acknowledged" or before == user:
        return False
    reason = f"taken over from {before}"
    take_step(
        connection,
        incident,
        "acknowledged",
        by=user,
        now=now,
        reason=reason,
        acknowledged_by=user,
    )
    add_update(connection, incident_id, now, alerts)
    add_reply(connection, incident_id, f"{user}: {reason}", now, broadcast=False)
    return True


def snooze(
    connection: Connection,
    incident_id: int,
    user: str,
    until: datetime,
    now: datetime,
    *,
    alerts: Alerts,
) -> bool:
    """Notify nobody of an incident until a time; the schedule wakes it then.

    Return ``False`` where it is resolved or closed.

    Raises:
        InputError: The time is not within the next 30 days.
        NotFoundError: There is no such incident.
    """
    if not now < until <= now + MAX_SNOOZE:
        raise InputError(
            f"snooze until {format_instant(until)}: not within the next {MAX_SNOOZE.days} days; "
            "name an earlier time in the future",
            code="snooze_time",
        )
    incident = incident_by_id(connection, incident_id, lock=True)
    if incident.is_resolved:
        return False
    reason = f"until {format_instant(until)}"
    take_step(connection, incident, "snoozed", by=user, now=now, reason=reason, snoozed_until=until)
    add_update(connection, incident_id, now, alerts)
    return True


def resolve(
    connection: Connection,
    incident_id: int,
    user: str,
    reason: str,
    now: datetime,
    *,
    alerts: Alerts,
) -> bool:
    """Resolve an incident by a user's decision. A condition that lasts does not reopen it at once.

    Return ``False`` where it is resolved or closed already.

    Raises:
        InputError: The reason is empty.
        NotFoundError: There is no such incident.
    """
    reason = _require(reason, "reason")
    incident = incident_by_id(connection, incident_id, lock=True)
    if incident.is_resolved:
        return False
    take_step(connection, incident, "resolved", by=user, now=now, reason=reason)
    add_update(connection, incident_id, now, alerts)
    add_news(connection, incident_id, now, alerts)
    return True


def note(
    connection: Connection,
    incident_id: int,
    user: str,
    text: str,
    now: datetime,
) -> None:
    """Add a user's note to an incident in any status, and to its thread.

    Raises:
        InputError: The note is empty.
        NotFoundError: There is no such incident.
    """
    text = _require(text, "note")
    incident = incident_by_id(connection, incident_id, lock=True)
    take_step(connection, incident, "noted", by=user, now=now, reason=text)
    add_reply(connection, incident_id, f"{user}: {text}", now, broadcast=False)


def report(
    connection: Connection,
    cause: str,
    model: str,
    now: datetime,
    *,
    text: str,
    keys: Collection[str] = (),
    since: datetime | None = None,
    command: str = "",
    alerts: Alerts,
    evaluation_id: int | None = None,
) -> int:
    """Open, reopen, worsen or continue the incident of a condition that holds; return its id.

    Call it as often as the condition is checked: it writes and notifies only what is new. The cause
    is a name of :data:`monitor.alerts.causes.CAUSES`; an empty model is the daemon itself. The text
    says what is wrong, in one or two sentences, without a quote of the traffic. The keys are what
    it consists of (windows, runs, days, ...); a new one worsens the incident. The condition
    began at the earliest time that is reported. The command is that of the next step, where it
    depends on what is wrong.
    """
    current = incidents.unresolved_incident_of(connection, model, cause)
    fingerprint = frozenset(keys)
    if current is not None:
        fingerprint |= current.fingerprint
        began_at = min(filter(None, (since, current.began_at)), default=None)
        changes: dict[str, Any] = {
            "fingerprint": fingerprint,
            "summary": text,
            "command": command,
            "began_at": began_at,
            "clear_since": None,
        }
        if fingerprint == current.fingerprint or current.status == "snoozed":
            if any(getattr(current, name) != value for name, value in changes.items()):
                incidents.update_incident(connection, current.id, **changes)
            return current.id
        event: Event = "worsened"
        reason = text
    else:
        last = incidents.last_resolved_incident_of(connection, model, cause, now - REOPENED_WITHIN)
        if last is not None and last.clear_since is None and fingerprint <= last.fingerprint:
            return last.id  # a user resolved it, and it has not been clear since
        current = last
        changes = {
            "fingerprint": fingerprint,
            "summary": text,
            "command": command,
            "began_at": since,
            "clear_since": None,
        }
        event = "opened" if last is None else "reopened"
        reason = text if last is None else describe_earlier(last)
    incident_id = take_step(
        connection,
        current,
        event,
        by=SYSTEM,
        now=now,
        reason=reason,
        model=model,
        cause=cause,
        severity=0.0,
        **changes,
    )
    add_update(connection, incident_id, now, alerts, evaluation_id=evaluation_id)
    if event != "opened":
        add_news(connection, incident_id, now, alerts, evaluation_id=evaluation_id)
    return incident_id


def clear(
    connection: Connection,
    cause: str,
    model: str,
    now: datetime,
    *,
    alerts: Alerts,
    reason: str = "",
) -> int | None:
    """Resolve the incident of a condition that has not held for long enough.

    Call it as often as the condition is checked. The cause is a name of
    :data:`monitor.alerts.causes.CAUSES`; an empty model is the daemon itself. The reason says why
    the condition ended, for the history and the thread; empty: nothing is known. Return the
    incident that was resolved, if one was.
    """
    current = incidents.unresolved_incident_of(connection, model, cause)
    if current is None:
        last = incidents.last_resolved_incident_of(connection, model, cause, now - REOPENED_WITHIN)
        if last is not None and last.clear_since is None:
            incidents.update_incident(connection, last.id, clear_since=now)
        return None
    clear_since = current.clear_since or now
    if current.clear_since is None:
        incidents.update_incident(connection, current.id, clear_since=now)
    if now - clear_since < _hold(connection, current, now):
        return None
    take_step(connection, current, "resolved", by=SYSTEM, now=now, reason=reason or NO_LONGER_SO)
    add_update(connection, current.id, now, alerts)
    if current.status != "snoozed":
        add_news(connection, current.id, now, alerts)
    return current.id


def wake_due(
    connection: Connection, now: datetime, alerts_of: Callable[[str], Alerts]
) -> list[int]:
    """Open the incidents whose snooze has ended, tell that they are unresolved, and return them.

    ``alerts_of`` returns the settings of a model; of the daemon for an empty name.
    """
    due = incidents.due_snoozes(connection, now, not_after=now + MAX_SNOOZE)
    for incident in due:
        take_step(connection, incident, "woken", by=SYSTEM, now=now, reason=incident.summary)
        add_update(connection, incident.id, now, alerts_of(incident.model))
        add_reply(
            connection,
            incident.id,
            f"The snooze has ended, and the incident is unresolved: {incident.summary}",
            now,
        )
    return [incident.id for incident in due]


def _hold(connection: Connection, incident: IncidentRow, now: datetime) -> timedelta:
    """Return the time for which a condition must be clear."""
    hold = CAUSES[incident.cause].hold
    n_reopened = count_events(connection, incident.id, "reopened", now - FLAPPING_WITHIN)
    if not n_reopened:
        return hold
    doubled: timedelta = max(hold, FIRST_FLAPPING_HOLD) * (1 << min(n_reopened, 10))
    return min(MAX_HOLD, doubled)


def _require(text: str, name: str) -> str:
    """Return what a user wrote, without signs that no database stores."""
    text = text.encode("utf-8", "replace").decode().replace("\0", "").strip()
    if not text:
        raise InputError(f"no {name}: write one", code=f"no_{name}")
    if len(text) > MAX_CHARACTERS:
        raise InputError(
            f"a {name} of {len(text):,} characters: write at most {MAX_CHARACTERS:,}",
            code=f"long_{name}",
        )
    return text
