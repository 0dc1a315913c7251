"""Pages of the incidents: list, detail, and the changes of leads."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect, Template
from sqlalchemy import Connection

from monitor.alerts import incidents as alert_incidents
from monitor.alerts.causes import CAUSES
from monitor.alerts.evaluated_version import describe_version
from monitor.alerts.incidents import alerts_of
from monitor.alerts.until import parse_until
from monitor.errors import InputError
from monitor.rendering.numbers import format_instant
from monitor.store.alerts.incident_events import last_event
from monitor.store.alerts.incidents import IncidentRow, incident_by_id, list_incidents
from monitor.web.access.audience import LEADS, REVIEWERS, texts
from monitor.web.current_user import Visit
from monitor.web.forms.fields import text_of
from monitor.web.handlers import form, get
from monitor.web.incidents.incident_view import SNOOZES, load_view, withhold_texts_of
from monitor.web.withheld_texts import withhold_quoted

_TEXTS = texts("incident")

#: The most incidents listed.
MAX_INCIDENTS = 60

#: Events of an incident that change its state.
STEPS = ("opened", "reopened", "woken", "acknowledged", "snoozed", "resolved", "closed")

#: A repeated field is a list.
Fields = URLEncodedBody[dict[str, Any]]


@get("/incidents", opt=REVIEWERS | _TEXTS)
def incidents(
    visit: NamedDependency[Visit],
    cause: FromQuery[str] = "",
    status: FromQuery[str] = "",
) -> Template:
    """List the incidents, the newest first, of a cause or only the unresolved ones."""
    chosen = cause if cause in CAUSES else ""
    with visit.transaction() as connection:
        rows = list_incidents(
            connection,
            visit.scope,
            MAX_INCIDENTS,
            cause=chosen or None,
            unresolved=status == "unresolved",
        )
        remarks = _name_departed(connection, rows)
    rows = [
        row
        if visit.reads_all_texts_of(row.model)
        else replace(row, summary=withhold_quoted(row.summary or ""))
        for row in rows
    ]
    context = {
        "incidents": rows,
        "remarks": remarks,
        "causes": CAUSES,
        "cause": chosen,
        "unresolved": status == "unresolved",
        "n_max": MAX_INCIDENTS,
    }
    return visit.page("incidents.html", context)


@get("/incidents/{incident_id:int}", opt=REVIEWERS | _TEXTS)
def incident(incident_id: FromPath[int], visit: NamedDependency[Visit]) -> Template:
    """Show an incident: windows, topics, looks, messages, what followed, and who did what."""
    return _render(visit, incident_id)


@form("/incidents/{incident_id:int}/acknowledge", opt=LEADS | _TEXTS)
def acknowledge(
    incident_id: FromPath[int], lead_visit: NamedDependency[Visit]
) -> Template | Redirect:
    """Acknowledge an incident in the name of the signed-in lead, on the page and in Slack."""
    return _change(lead_visit, incident_id, alert_incidents.acknowledge)


@form("/incidents/{incident_id:int}/take-over", opt=LEADS | _TEXTS)
def take_over(
    incident_id: FromPath[int], lead_visit: NamedDependency[Visit]
) -> Template | Redirect:
    """Acknowledge an incident in place of the user who did, on the page and in Slack."""
    return _change(lead_visit, incident_id, alert_incidents.take_over)


@form("/incidents/{incident_id:int}/snooze", opt=LEADS | _TEXTS)
def snooze(
    incident_id: FromPath[int], lead_visit: NamedDependency[Visit], data: Fields
) -> Template | Redirect:
    """Notify nobody of an incident for the chosen time."""

    def until() -> datetime:
        return parse_until(text_of(data, "until"), lead_visit.now)

    return _change(lead_visit, incident_id, alert_incidents.snooze, until)


@form("/incidents/{incident_id:int}/resolve", opt=LEADS | _TEXTS)
def resolve(
    incident_id: FromPath[int], lead_visit: NamedDependency[Visit], data: Fields
) -> Template | Redirect:
    """Resolve an incident with a reason."""
    return _change(
        lead_visit, incident_id, alert_incidents.resolve, lambda: text_of(data, "reason")
    )


@form("/incidents/{incident_id:int}/note", opt=LEADS | _TEXTS)
def note(
    incident_id: FromPath[int], lead_visit: NamedDependency[Visit], data: Fields
) -> Template | Redirect:
    """Add a note to an incident, and to its thread."""

    def change(connection: Connection, *values: Any, **_options: Any) -> bool:
        number, user, now = values
        alert_incidents.note(connection, number, user, text_of(data, "text"), now)
        return True

    return _change(lead_visit, incident_id, change)


def _name_departed(connection: Connection, rows: Sequence[IncidentRow]) -> dict[int, str]:
    """Return a sentence for each unresolved incident about a version that has left production."""
    described = {
        row.id: describe_version(connection, row) for row in rows if row.resolved_at is None
    }
    return {number: text for number, (text, serves) in described.items() if not serves}


def _change(
    visit: Visit, incident_id: int, change: Callable[..., bool], *values: Callable[[], Any]
) -> Template | Redirect:
    """Change an incident and show its page again; where that is refused, with the reason.

    The values of the form may be refused, too.
    """
    try:
        with visit.transaction() as connection:
            row = incident_by_id(connection, incident_id)
            alerts = alerts_of(visit.settings, row.model)
            subject = (incident_id, visit.user.name, *(value() for value in values))
            done = change(connection, *subject, visit.now, alerts=alerts)
            last = last_event(connection, incident_id, STEPS)
    except InputError as error:
        return _render(visit, incident_id, status=400, problem=str(error))
    if not done:
        problem = "The incident has changed."
        if last is not None:
            by = "you" if last.by == visit.user.name else last.by
            problem = f"It was {last.event} by {by}, {format_instant(last.at)}."
        return _render(visit, incident_id, status=409, problem=problem)
    return Redirect(f"/incidents/{incident_id}", status_code=303)


def _render(visit: Visit, incident_id: int, *, status: int = 200, problem: str = "") -> Template:
    with visit.transaction() as connection:
        row = incident_by_id(connection, incident_id)
        view = load_view(connection, visit.settings, row)
    if not visit.reads_all_texts_of(row.model):
        view = withhold_texts_of(view, partial(visit.user.grants.reads_texts_of, row.model))
    context = {"row": row, "view": view, "snoozes": SNOOZES, "problem": problem}
    return visit.page("incident.html", context, status=status)


HANDLERS = (incidents, incident, acknowledge, take_over, snooze, resolve, note)
