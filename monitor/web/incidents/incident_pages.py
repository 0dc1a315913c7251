"""Pages of the incidents: list, looks with their examples, and acknowledgement."""

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect, Template

from monitor.alerts import incidents as alert_incidents
from monitor.rendering.looks import count_examined, describe_change, look_headline
from monitor.store.alerts.incidents import incident_by_id, list_incidents
from monitor.store.windows.looks import load_examples, looks_of_incident
from monitor.web.current_user import Visit

#: The most incidents listed.
MAX_INCIDENTS = 60


@get("/incidents", sync_to_thread=True)
def incidents(visit: NamedDependency[Visit]) -> Template:
    """List the incidents, newest first."""
    with visit.transaction() as connection:
        rows = list_incidents(connection, visit.scope, MAX_INCIDENTS)
    return visit.page("incidents.html", {"incidents": rows})


@get("/incidents/{incident_id:int}", sync_to_thread=True)
def incident(incident_id: FromPath[int], visit: NamedDependency[Visit]) -> Template:
    """Show an incident: its looks with examples, and links to its windows."""
    with visit.transaction() as connection:
        row = incident_by_id(connection, incident_id)
        rows = looks_of_incident(connection, incident_id)
        examples = {look.id: load_examples(connection, look) for look in rows}
    looks = [
        {
            "look": look,
            "headline": look_headline(look),
            "examined": count_examined(look),
            "changes": [
                {
                    "finding": finding,
                    "text": describe_change(finding),
                    "examples": [
                        examples[look.id][id_]
                        for id_ in finding.examples
                        if id_ in examples[look.id]
                    ],
                }
                for finding in look.findings
            ],
        }
        for look in reversed(rows)
    ]
    return visit.page("incident.html", {"row": row, "looks": looks})


@post("/incidents/{incident_id:int}/acknowledge", status_code=303, sync_to_thread=True)
def acknowledge(incident_id: FromPath[int], lead_visit: NamedDependency[Visit]) -> Redirect:
    """Acknowledge an incident in the name of the signed-in lead, on the page and in Slack."""
    with lead_visit.transaction() as connection:
        model = incident_by_id(connection, incident_id).model
        alert_incidents.acknowledge(
            connection,
            incident_id,
            lead_visit.user.name,
            lead_visit.now,
            alerts=lead_visit.settings.settings_of(model).alerts,
        )
    return Redirect(lead_visit.address("/incidents"), status_code=303)


HANDLERS = (incidents, incident, acknowledge)
