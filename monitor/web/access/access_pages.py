"""The page of the access log, for leads: of the models that they lead."""

import re
from dataclasses import fields
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from litestar import Request
from litestar.di import NamedDependency
from litestar.response import Template

from monitor.store.access_log import ACTIONS, AccessFilter, list_accesses
from monitor.stored_words import labels
from monitor.web.access.audience import LEADS
from monitor.web.clock import parse_day
from monitor.web.current_user import Visit
from monitor.web.handlers import get

#: Entries on a page.
ENTRIES_SHOWN = 100
ACTION_LABELS = labels(
    {
        "signed_in": "signed in",
        "sign_in_refused": "sign-in refused",
        "signed_out": "signed out",
        "read": "read",
        "exported": "exported",
    }
)
#: Fields of the form that are searched for as they are.
TEXT_FIELDS = ("actor", "kind", "object_id", "address")


@get("/access-log", opt=LEADS)
def access_log(request: Request[Any, Any, Any], lead_visit: NamedDependency[Visit]) -> Template:
    """List the entries by account, item and time, the newest first.

    Entries of no model, such as sign-ins, are for those who lead all models.
    """
    query = {field.name: request.query_params.get(field.name, "") for field in fields(AccessFilter)}
    values = {name: query[name].strip()[:200] for name in TEXT_FIELDS}
    action = query["action"] if query["action"] in ACTIONS else ""
    since, until = parse_day(query["since"]), parse_day(query["until"])
    before = query["before_id"]
    search = AccessFilter(
        **values,
        action=action,
        since=since,
        until=until + timedelta(days=1) if until is not None else None,
        before_id=int(before) if re.fullmatch("[0-9]{1,17}", before) else None,
        models=lead_visit.scope,
    )
    with lead_visit.transaction() as connection:
        rows = list_accesses(connection, search, ENTRIES_SHOWN + 1)
    fields_of_form = {**values, "action": action}
    fields_of_form |= {
        "since": query["since"] if since else "",
        "until": query["until"] if until else "",
    }
    older = ""
    if len(rows) > ENTRIES_SHOWN:
        rows = rows[:ENTRIES_SHOWN]
        query_of_next = {name: value for name, value in fields_of_form.items() if value}
        if lead_visit.model and len(lead_visit.choices) > 1:
            query_of_next["model"] = lead_visit.model
        older = f"/access-log?{urlencode({**query_of_next, 'before_id': rows[-1].id})}"
    context = {"rows": rows, "search": fields_of_form, "actions": ACTION_LABELS, "older": older}
    return lead_visit.page("access_log.html", context)


HANDLERS = (access_log,)
