"""Pages of the incidents: list and acknowledgement."""

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect, Template
from sqlalchemy import Engine

from monitor.alerts import incidents as alert_incidents
from monitor.settings import Settings
from monitor.store.accounts.users import UserRow
from monitor.store.alerts.incidents import list_incidents
from monitor.store.engine import transaction
from monitor.web.clock import Clock

#: The most incidents listed.
MAX_INCIDENTS = 60


@get("/incidents", sync_to_thread=True)
def incidents(user: NamedDependency[UserRow], engine: NamedDependency[Engine]) -> Template:
    """List the incidents, newest first."""
    with transaction(engine) as connection:
        rows = list_incidents(connection, None, MAX_INCIDENTS)
    return Template("incidents.html", context={"user": user, "incidents": rows})


@post("/incidents/{incident_id:int}/acknowledge", status_code=303, sync_to_thread=True)
def acknowledge(
    incident_id: FromPath[int],
    lead: NamedDependency[UserRow],
    engine: NamedDependency[Engine],
    settings: NamedDependency[Settings],
    clock: NamedDependency[Clock],
) -> Redirect:
    """Acknowledge an incident in the name of the signed-in lead, on the page and in Slack."""
    with transaction(engine) as connection:
        alert_incidents.acknowledge(
            connection, incident_id, lead.name, clock(), alerts=settings.alerts
        )
    return Redirect("/incidents", status_code=303)


HANDLERS = (incidents, acknowledge)
