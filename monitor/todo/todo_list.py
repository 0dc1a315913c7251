"""To-do list of a user, by harm and age: of the models that they may act on."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy import Connection

from monitor.settings import Sections
from monitor.store.accounts.grants import ALL_MODELS, Grant, Grants
from monitor.store.accounts.users import UserRow
from monitor.store.leadership import Lease, current_lease
from monitor.store.model_history import DAEMON
from monitor.store.model_sets import EVERY_MODEL, ModelSet
from monitor.todo import of_models, of_reviews
from monitor.todo.entries import TodoEntry, group, in_order
from monitor.todo.kinds import BY_NAME
from monitor.windows.schedule import window_of

#: Nobody in particular: what any lead or adjudicator would be shown, and no reviews of one's own.
EVERYBODY = UserRow(
    id=0,
    name="",
    active=True,
    created_at=datetime.min.replace(tzinfo=UTC),
    grants=Grants.of([Grant(ALL_MODELS, "admin")]),
)


@dataclass(frozen=True)
class TodoList:
    """The entries for a user."""

    #: By harm and age.
    entries: tuple[TodoEntry, ...]
    #: The user's own work as a reviewer.
    own: tuple[TodoEntry, ...]
    #: When the next window of one of the models ends; ``None``: none is watched.
    next_evaluation: datetime | None
    #: Of the daemon that leads, as the list read it; ``None``: none has led yet.
    lease: Lease | None


def list_todo(
    connection: Connection,
    settings: Sections,
    user: UserRow,
    now: datetime,
    models: ModelSet = EVERY_MODEL,
    *,
    known: of_models.ModelStates | None = None,
) -> TodoList:
    """Return the to-do list of a user, of some models, by a fixed number of statements.

    Of a model that is no longer watched there is only an unfinished rollout. ``known`` are the
    states of all models, where the caller has read them.
    """
    entries: list[TodoEntry] = []
    lease = current_lease(connection)
    if user.led_models:
        entries += of_models.no_leader(lease, now)
        entries += of_models.requests(connection, now)
        states = of_models.read_states(connection) if known is None else known
        for source in of_models.SOURCES:
            entries += source(connection, settings, now, states)
        entries += of_reviews.batches(connection, now)
    entries += of_reviews.decided_items(connection, user)
    entries += of_reviews.human_evaluations(connection, user, now)
    entries += of_reviews.own_items(connection, user, now)
    reviewed = of_reviews.reviewed_models(connection, user, now) if user.led_models else set()

    def is_shown(entry: TodoEntry) -> bool:
        if entry.kind in {"no_leader", "request"}:  # it concerns every model
            return True
        if entry.model not in models:
            return False
        is_watched = entry.model == DAEMON or settings.is_watched(entry.model)
        if not is_watched and entry.kind != "rollout_unwatched":
            return False
        if entry.is_own:
            return not user.is_lead_of(entry.model) or entry.model in reviewed
        audience = BY_NAME[entry.kind].audience
        return audience == "adjudicator" or user.is_lead_of(entry.model)

    visible = group(_without_repetitions(filter(is_shown, entries)))
    return TodoList(
        entries=tuple(in_order(entry for entry in visible if not entry.is_own)),
        own=tuple(in_order(entry for entry in visible if entry.is_own)),
        next_evaluation=_next_evaluation(settings, models, now),
        lease=lease,
    )


def _without_repetitions(entries: Iterable[TodoEntry]) -> list[TodoEntry]:
    """Return entries without the incidents that another entry of their model covers, and names."""
    listed = list(entries)
    incidents = {(entry.model, entry.cause): entry for entry in listed if entry.cause}
    rest = []
    for entry in listed:
        covered = [(entry.model, cause) for cause in BY_NAME[entry.kind].covers]
        same = [incidents.pop(key) for key in covered if key in incidents]
        if not entry.cause:
            incident_id = same[0].incident_id if same else entry.incident_id
            rest.append(replace(entry, incident_id=incident_id))
    return [*rest, *incidents.values()]


def _next_evaluation(settings: Sections, models: ModelSet, now: datetime) -> datetime | None:
    ends = [
        window_of(now, settings.settings_of(name).monitoring.drift_detection)[1]
        for name in settings.names.listed
        if name in models
    ]
    return min(ends, default=None)
