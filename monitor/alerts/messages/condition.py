"""Slack messages of incidents that are not drift: what is wrong, since when, what to do."""

import html
import shlex

from monitor.alerts.causes import CAUSES, runbook_url
from monitor.alerts.incident_states import Event
from monitor.alerts.messages.identity import incident_link, rollouts_of
from monitor.rendering.mrkdwn import (
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
from monitor.stored_words import Words

MARKS = Words(
    {"critical": "🔴", "error": "🔴", "warning": "🟠", "info": "🔵"},
    lambda _: "🔴",
)
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


def next_steps(incident: IncidentRow) -> list[str]:
    """Return what to do, as mrkdwn: commands name the incident's model."""
    option = html.escape(f" --model {shlex.quote(incident.model)}".replace("`", "'"), quote=False)
    return [step.replace("{of_model}", option) for step in CAUSES[incident.cause].next_steps]


def condition_blocks(
    incident: IncidentRow, event: Event, notes: tuple[str, ...], alerts: Alerts
) -> list[Block]:
    """Return the blocks of the incident's message: what is wrong, next steps and links.

    The incident is as after the event, the last one that the title names. The notes are lines on
    its state, as plain text.
    """
    blocks: list[Block] = [header(condition_title(incident, event))]
    blocks += sections([escape(incident.summary)])
    if event not in ENDS:
        blocks += sections(["*Next steps*", *next_steps(incident)])
    links = [
        incident_link(alerts, incident.id),
        *(
            link(f"{alerts.public_url.rstrip('/')}/rollouts/{number}", f"Rollout {number}")
            for number in rollouts_of(incident)
        ),
        link(runbook_url(alerts, incident.cause), "Runbook"),
    ]
    blocks += sections(["  ·  ".join(links)])
    blocks += [context(escape(note)) for note in notes]
    return within_limits(blocks)
