"""Rows of the first page: what each model's state is, and which model needs someone first."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from monitor.rendering.excerpts import excerpt
from monitor.settings import Sections
from monitor.store import fleet
from monitor.store.accounts.users import UserRow
from monitor.store.review.waiting import StandingDecision
from monitor.store.traffic.exchanges import newest_traffic
from monitor.todo.of_models import ModelStates
from monitor.web.filters import minute
from monitor.web.models_of_user import ModelChoice


@dataclass(frozen=True)
class State:
    """The state of a model, by urgency: the lowest number first."""

    urgency: int
    text: str
    #: ``bad``, ``warn``, ``good`` or empty; the text says the same without colour.
    kind: str = ""


#: States in the order in which a model needs someone.
INCIDENT = State(0, "Incident open", "bad")
FAILED = State(1, "Evaluation failed", "bad")
SILENT = State(2, "No traffic", "bad")
ASKED = State(3, "Rollout asks for a decision", "bad")
HELD = State(4, "Rollout held", "warn")
CONFIRM = State(5, "Retraining to confirm", "warn")
ACKNOWLEDGED = State(6, "Incident acknowledged", "warn")
WARNING = State(6, "Incident open", "warn")
SNOOZED = State(6, "Incident snoozed", "warn")
DRIFT = State(7, "Drift", "warn")
NOT_COMPARABLE = State(8, "Not comparable", "warn")
LITTLE_DATA = State(8, "Not enough data")
NO_WINDOW = State(9, "No window yet")
NO_DRIFT = State(10, "No drift", "good")
UNWATCHED = State(11, "No longer watched")

VERDICTS = {"drift": DRIFT, "no_drift": NO_DRIFT, "not_enough_data": LITTLE_DATA}
#: Time without traffic after which a model is silent, by the rhythm of its windows.
SILENCE = {"weekly": timedelta(days=7), "daily": timedelta(days=1)}


@dataclass(frozen=True)
class ModelRow:
    """A model's row of the first page."""

    name: str
    note: str
    state: State
    #: What the state doesn't say; may be empty.
    remark: str
    window: fleet.NewestWindow | None
    #: Unresolved ones, the most urgent first.
    incidents: Sequence[fleet.OpenIncident]
    version: fleet.ProductionVersion | None
    rollout: fleet.OpenRollout | None
    #: The decision whose retraining waits for a confirmation.
    decision: StandingDecision | None
    #: When the newest exchange occurred.
    traffic_at: datetime | None
    #: Whether the user leads the model.
    is_led: bool
    #: Review items that need work; for leads only.
    n_open: int
    #: Review items that the user can claim.
    n_waiting: int

    @property
    def incident(self) -> fleet.OpenIncident | None:
        """Return the most urgent incident."""
        return next(iter(self.incidents), None)


def list_rows(
    connection: Connection,
    settings: Sections,
    user: UserRow,
    choices: Sequence[ModelChoice],
    *,
    known: ModelStates,
    waiting: Mapping[str, int],
    now: datetime,
    read_until: datetime | None,
) -> list[ModelRow]:
    """Return the rows of models, the one that needs someone first.

    Where it is unknown until when the traffic is stored, so is whether a model is silent.
    ``waiting`` are the numbers of items that wait for the user's review, by model.
    """
    windows = known.windows
    little_data = [row.id for row in windows.values() if row.verdict == "not_enough_data"]
    newest = _Newest(
        windows,
        fleet.window_sizes(connection, little_data),
        newest_traffic(connection),
        known.incidents,
        {row.model: row for row in known.decisions},
        fleet.production_versions(connection),
        known.rollouts,
        fleet.count_items(connection),
        fleet.evaluating_models(connection),
    )
    rows = [
        _row(
            settings,
            user,
            choice,
            newest=newest,
            n_waiting=waiting.get(choice.name, 0),
            now=now,
            read_until=read_until,
        )
        for choice in choices
    ]
    return sorted(rows, key=lambda row: (row.state.urgency, row.name.casefold()))


@dataclass(frozen=True)
class _Newest:
    windows: Mapping[str, fleet.NewestWindow]
    #: By the ids of the evaluations.
    sizes: Mapping[int, fleet.WindowSize]
    #: When the newest exchange occurred.
    traffic: Mapping[str, datetime]
    incidents: Mapping[str, Sequence[fleet.OpenIncident]]
    decisions: Mapping[str, StandingDecision]
    versions: Mapping[str, fleet.ProductionVersion]
    rollouts: Mapping[str, fleet.OpenRollout]
    items: Mapping[str, Mapping[str, int]]
    evaluating: Collection[str]


def _row(
    settings: Sections,
    user: UserRow,
    choice: ModelChoice,
    *,
    newest: _Newest,
    n_waiting: int,
    now: datetime,
    read_until: datetime | None,
) -> ModelRow:
    name = choice.name
    items = newest.items.get(name, {})
    own = settings.settings_of(name)
    decision = newest.decisions.get(name)
    waits = decision is not None and decision.is_unconfirmed and own.retrain.require_confirmation
    traffic_at = newest.traffic.get(name)
    silence = SILENCE[own.monitoring.drift_detection]
    row = ModelRow(
        name=name,
        note=choice.note,
        state=NO_WINDOW,
        remark="",
        window=newest.windows.get(name),
        incidents=newest.incidents.get(name, ()),
        version=newest.versions.get(name),
        rollout=newest.rollouts.get(name),
        decision=decision if waits else None,
        traffic_at=traffic_at,
        is_led=user.is_lead_of(name),
        n_open=sum(items.values()) if user.is_lead_of(name) else 0,
        n_waiting=n_waiting,
    )
    size = None if row.window is None else newest.sizes.get(row.window.id)
    if read_until is None:
        silent = False
    elif traffic_at is None:
        silent = size is not None and not size.n_current
    else:
        silent = min(now, read_until) - traffic_at > silence
    state = _state(row, silent=silent)
    if state == LITTLE_DATA and size is not None and size.lacks is not None:
        state = NOT_COMPARABLE
    remark = _remark(state, traffic_at, size, read=read_until is not None)
    if name in newest.evaluating:
        remark = f"{remark}, evaluating" if remark else "evaluating"
    return replace(row, state=state, remark=remark)


def _state(row: ModelRow, *, silent: bool) -> State:
    window = row.window
    conditions = (
        (row.note == "no longer watched", UNWATCHED),
        (row.incident is not None and row.incident.is_pressing, INCIDENT),
        (window is not None and window.status == "failed", FAILED),
        (silent and not row.note, SILENT),
        (row.rollout is not None and row.rollout.asks, ASKED),
        (row.rollout is not None and row.rollout.status == "holding", HELD),
        (row.decision is not None and row.is_led, CONFIRM),
        (row.incident is not None and row.incident.status == "open", WARNING),
        (row.incident is not None and row.incident.status == "snoozed", SNOOZED),
        (row.incident is not None, ACKNOWLEDGED),
        (window is None, NO_WINDOW),
    )
    urgent = next((state for holds, state in conditions if holds), None)
    verdict = window.verdict if window is not None else None
    return urgent or VERDICTS.get(verdict or "", NO_WINDOW)


def _remark(
    state: State, traffic_at: datetime | None, size: fleet.WindowSize | None, *, read: bool
) -> str:
    """Return since when there is no traffic, or why a window couldn't be compared."""
    if state == SILENT:
        return "never" if traffic_at is None else f"since {minute(traffic_at)}"
    if state == NO_WINDOW:
        return "no traffic yet" if traffic_at is None and read else ""
    if size is None or state not in {LITTLE_DATA, NOT_COMPARABLE}:
        return ""
    return f"lacks {excerpt(size.lacks, 40)}" if size.lacks is not None else _reason(size)


def _reason(size: fleet.WindowSize) -> str:
    """Return why a window of a size couldn't be compared."""
    least = size.min_samples or 0
    if not size.n_current:
        return "no traffic in the window"
    if size.baseline_id is None and not size.n_reference:
        return "no baseline"
    if size.n_current < least:
        return f"{size.n_current:,} of {least:,} exchanges"
    if 0 < size.n_reference < least:
        return f"baseline: {size.n_reference:,} of {least:,} exchanges"
    return "not comparable"
