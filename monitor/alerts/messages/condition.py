"""Slack messages of incidents that are not drift: what is wrong, since when, what to do."""

from monitor.alerts.causes import CAUSES, runbook_url
from monitor.alerts.incident_states import Event
from monitor.alerts.messages.identity import incident_link
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
WORDS: dict[Event, str] = {
    "resolved": ", resolved",
    "reopened": ", again",
    "unwatched": ", no longer watched",
}
ENDS: dict[Event, str] = {"resolved": "🟢", "unwatched": "⚪"}


def condition_title(incident: IncidentRow, event: Event) -> str:
    """Return the title of the message: cause, model and state."""
    mark = ENDS.get(event, MARKS[incident.level])
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
    if event not in ENDS:
        blocks += sections(["*Next steps*", *cause.next_steps])
    links = [
        incident_link(alerts, incident.id),
        link(runbook_url(alerts, incident.cause), "Runbook"),
    ]
    blocks += sections(["  ·  ".join(links)])
    blocks += [context(escape(note)) for note in notes]
    return within_limits(blocks)
