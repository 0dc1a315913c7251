"""Pages of the incidents: list and acknowledgement."""

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect, Template

from monitor.alerts import incidents as alert_incidents
from monitor.store.alerts.incidents import list_incidents
from monitor.web.current_user import Visit

#: The most incidents listed.
MAX_INCIDENTS = 60


@get("/incidents", sync_to_thread=True)
def incidents(visit: NamedDependency[Visit]) -> Template:
    """List the incidents, newest first."""
    with visit.transaction() as connection:
        rows = list_incidents(connection, None, MAX_INCIDENTS)
    return Template("incidents.html", context={"user": visit.user, "incidents": rows})


@post("/incidents/{incident_id:int}/acknowledge", status_code=303, sync_to_thread=True)
def acknowledge(incident_id: FromPath[int], lead_visit: NamedDependency[Visit]) -> Redirect:
    """Acknowledge an incident in the name of the signed-in lead, on the page and in Slack."""
    with lead_visit.transaction() as connection:
        alert_incidents.acknowledge(
            connection,
            incident_id,
            lead_visit.user.name,
            lead_visit.now,
            alerts=lead_visit.settings.alerts,
        )
    return Redirect("/incidents", status_code=303)


HANDLERS = (incidents, acknowledge)
