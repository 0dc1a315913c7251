"""Incident of a message: its number, level, status and pages."""

import re

from monitor.rendering.mrkdwn import Block, code, context, escape, link
from monitor.rendering.numbers import format_instant
from monitor.settings import Alerts
from monitor.store.alerts.incidents import IncidentRow

#: A key of an incident that names a rollout.
ROLLOUT = re.compile(r"\Arollout ([0-9]{1,18})\b")


def incident_link(alerts: Alerts, incident_id: int | None) -> str:
    """Return a link to the page of an incident; to that of all where a message has none."""
    base = f"{alerts.public_url.rstrip('/')}/incidents"
    return (
        link(base, "Incidents")
        if incident_id is None
        else link(f"{base}/{incident_id}", f"Incident {incident_id}")
    )


def rollouts_of(incident: IncidentRow) -> list[int]:
    """Return the numbers of the rollouts that the keys of an incident name."""
    if incident.cause == "drift":
        return []
    return sorted({int(number) for key in incident.fingerprint for number in ROLLOUT.findall(key)})


def identity_block(incident: IncidentRow, since: str) -> Block:
    """Return the line below the title: which incident, how bad, since when, who has it."""
    status = incident.status
    if status == "open":
        status = "open, acknowledged by nobody"
    elif status == "acknowledged":
        status = f"acknowledged by {incident.acknowledged_by}"
    elif status == "snoozed" and incident.snoozed_until is not None:
        status = f"snoozed until {format_instant(incident.snoozed_until)}"
    parts = (f"Incident {incident.id}", incident.level, escape(status), f"since {since}")
    command = code(f"driftwarden incidents show {incident.id}")
    return context("  ·  ".join((*parts, command)))
