"""The first page: what needs the user, a row for each model, and what belongs to the daemon."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from litestar import get
from litestar.di import NamedDependency
from litestar.response import Redirect, Template
from sqlalchemy import Connection

from monitor.alerts.routes import Routes
from monitor.settings import Sections
from monitor.store.accounts.grants import ALL_MODELS
from monitor.store.accounts.users import UserRow
from monitor.store.alerts.channel_state import FailingChannel, failing_channel
from monitor.store.alerts.incidents import IncidentRow, list_incidents
from monitor.store.model_history import DAEMON
from monitor.store.traffic.dead_letters import count_by_reason
from monitor.store.traffic.offsets import sources_complete_until
from monitor.store.traffic.unlisted import UnlistedModel, last_seven_days, unlisted_models
from monitor.todo.of_models import read_states
from monitor.todo.todo_list import list_todo
from monitor.web.access.audience import EVERYBODY, REVIEWERS
from monitor.web.current_user import Visit
from monitor.web.overview.fleet_view import list_rows

#: The most unlisted models that are named.
MAX_UNLISTED = 5
#: Entries before the rest is folded.
ENTRIES_SHOWN = 10


@dataclass(frozen=True)
class DaemonView:
    """The parts of the page that belong to no model."""

    #: All traffic before this time is stored; ``None``: unknown.
    read_until: datetime | None
    #: How long ago that was.
    lag: timedelta | None
    #: Those of the daemon itself that are unresolved, the newest first.
    incidents: list[IncidentRow]
    #: Dead letters that were not replayed, by reason.
    dead_letters: dict[str, int]
    #: Unlisted models of the last days that are counted, the largest first.
    unlisted: list[UnlistedModel]
    #: Channels of alerts that take no messages.
    failing: list[FailingChannel]


@get("/", sync_to_thread=False, opt=EVERYBODY)
def root(visitor: NamedDependency[UserRow | None]) -> Redirect:
    """Redirect to the first page, reviewers to their queue, and visitors to the sign-in page."""
    if visitor is None:
        return Redirect("/login", status_code=303)
    return Redirect("/overview" if visitor.led_models else "/review", status_code=303)


@get("/overview", sync_to_thread=True, opt=REVIEWERS)
def overview(visit: NamedDependency[Visit]) -> Template:
    """Show what needs the user, and the user's models; to leads also what belongs to the daemon."""
    user, choices, now = visit.user, visit.choices, visit.now
    with visit.transaction() as connection:
        daemon = _view_daemon(connection, visit.settings, user, now)
        known = read_states(connection)
        todo = list_todo(connection, visit.settings, user, now, visit.permitted, known=known)
        rows = list_rows(
            connection,
            visit.settings,
            user,
            choices,
            known=known,
            waiting={entry.model: entry.n for entry in todo.own if entry.kind == "review"},
            now=now,
            read_until=daemon.read_until,
        )
    context = {
        "rows": rows,
        "todo": todo,
        "now": now,
        "n_shown": ENTRIES_SHOWN,
        "daemon": daemon if user.led_models else None,
        "max_unlisted": MAX_UNLISTED,
    }
    return visit.page("overview.html", context)


def _view_daemon(
    connection: Connection, settings: Sections, user: UserRow, now: datetime
) -> DaemonView:
    read_until = sources_complete_until(connection).get(settings.kafka.topic)
    counted = settings.monitoring.unlisted_models == "report" and user.is_lead_of(ALL_MODELS)
    return DaemonView(
        read_until=read_until,
        lag=None if read_until is None else max(now - read_until, timedelta(0)),
        incidents=list_incidents(connection, DAEMON, unresolved=True),
        dead_letters=count_by_reason(connection),
        unlisted=unlisted_models(connection, *last_seven_days(now), settings.names.listed)
        if counted
        else [],
        failing=[
            channel
            for name in Routes.of(settings).channels
            if (channel := failing_channel(connection, name, now)) is not None
        ],
    )


HANDLERS = (root, overview)
