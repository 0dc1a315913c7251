"""Pages of a message: of its incident and of the rollouts that it is about."""

import re

from monitor.rendering.mrkdwn import link
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
