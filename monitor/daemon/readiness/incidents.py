"""Check of the incidents: those that wait for somebody."""

from monitor.daemon.readiness.finding import Finding, note, ok, open_connection
from monitor.plurals import pluralize
from monitor.settings import Sections

MAX_NAMED = 5


def incidents_finding(settings: Sections) -> Finding:
    """Name the open incidents; acknowledged and snoozed ones are only counted."""
    from monitor.alerts.causes import CAUSES
    from monitor.rendering.excerpts import excerpt
    from monitor.store.alerts.incidents import unresolved_incidents

    with open_connection(settings) as connection:
        rows = unresolved_incidents(connection)
    pending = [row for row in rows if row.status == "open"]
    n_known = len(rows) - len(pending)
    known = f"{pluralize(n_known, 'incident')} acknowledged or snoozed" if n_known else ""
    if not pending:
        return ok(known or "none is unresolved")
    names = [
        f"{row.id} {CAUSES[row.cause].title}" + (f" ({excerpt(row.model, 60)})" * bool(row.model))
        for row in pending[-MAX_NAMED:]
    ]
    left = len(pending) - len(names)
    listed = ", ".join(names) + (f" and {left} more" if left > 0 else "")
    message = f"{len(pending)} open: {listed}; `driftwarden incidents list` shows them"
    return note(f"{message}; {known}" if known else message)
