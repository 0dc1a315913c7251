"""Slack messages of incidents that are not drift: what is wrong, since when, what to do."""

from monitor.alerts.causes import CAUSES, runbook_url
from monitor.alerts.incident_states import Event
from monitor.alerts.messages.mrkdwn import (
    Block,
    context,
    escape,
    header,
    link,
    sections,
    within_limits,
)
from monitor.settings import Alerts
from monitor.store.alerts.incidents import IncidentRow

MARKS = {"critical": "🔴", "error": "🔴", "warning": "🟠", "info": "🔵"}
#: What the title says of an event; of the others nothing.
WORDS: dict[Event, str] = {"resolved": ", resolved", "reopened": ", again"}


def condition_title(incident: IncidentRow, event: Event) -> str:
    """Return the title of the message: cause, model and state."""
    mark = "🟢" if event == "resolved" else MARKS[incident.level]
    subject = f": {incident.model}" if incident.model else ""
    return f"{mark} {CAUSES[incident.cause].title}{WORDS.get(event, '')}{subject}"


def condition_blocks(
    incident: IncidentRow, event: Event, notes: tuple[str, ...], alerts: Alerts
) -> list[Block]:
    """Return the blocks of the incident's message: what is wrong, next steps and links.

    Args:
        incident: The incident, after the event.
        event: The last one that the title names.
        notes: Lines on its state, as plain text.
        alerts: Base of the links.
    """
    cause = CAUSES[incident.cause]
    blocks: list[Block] = [header(condition_title(incident, event))]
    blocks += sections([escape(incident.summary)])
    if event != "resolved":
        blocks += sections(["*Next steps*", *cause.next_steps])
    base = alerts.public_url.rstrip("/")
    links = [link(f"{base}/incidents/{incident.id}", "Incident")]
    if runbook := runbook_url(alerts, incident.cause):
        links.append(link(runbook, "Runbook"))
    blocks += sections(["  ·  ".join(links)])
    blocks += [context(escape(note)) for note in notes]
    return within_limits(blocks)
