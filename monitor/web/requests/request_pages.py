"""The page of end users' open requests, for leads: when they are due, and what to run."""

from litestar.di import NamedDependency
from litestar.response import Template

from monitor.store.privacy.requests import waiting_requests
from monitor.web.access.audience import LEADS
from monitor.web.current_user import Visit
from monitor.web.handlers import get


@get("/requests", opt=LEADS)
def requests(lead_visit: NamedDependency[Visit]) -> Template:
    """List the requests that are not closed; they are of no model."""
    with lead_visit.transaction() as connection:
        rows = waiting_requests(connection)
    return lead_visit.page("requests.html", {"rows": rows, "now": lead_visit.now})


HANDLERS = (requests,)
