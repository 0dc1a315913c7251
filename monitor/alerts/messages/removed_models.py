"""Slack message about models that were removed from the configuration."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from monitor.alerts.messages.notice import notice_message
from monitor.plurals import pluralize
from monitor.rendering.excerpts import excerpt
from monitor.rendering.numbers import join_names
from monitor.settings import Sections
from monitor.store.alerts.incident_events import closed_incidents
from monitor.store.alerts.outbox import add_message, count_withdrawn
from monitor.store.training.runs import list_runs
from monitor.store.windows.pauses import pauses_begun_with
from retrain.rollout.rows.rollouts import open_rollout

KEY = "removed"

NEXT_STEP = (
    "• Nothing, if this was meant: the history stays on the page. Else its drift goes unnoticed: "
    "list it in config.toml again, and restart; a renamed model needs its old name in `aliases`."
)
MAX_MODELS = 10
#: Models that the title names: a phone shows it alone.
NAMED = 3
MAX_CHARACTERS = 60


@dataclass(frozen=True)
class InFlight:
    """Work in progress when a model was removed."""

    model: str
    #: The incidents that were closed.
    incidents: tuple[int, ...]
    #: Messages that were not sent.
    n_messages: int
    #: Training runs that go on to their end.
    runs: tuple[int, ...]
    #: Version and share of the traffic, in percent, of rollouts that stay as they are.
    rollouts: tuple[tuple[int, int], ...]


def announce_removed_models(
    connection: Connection, settings: Sections, first_pause: int, now: datetime
) -> None:
    """Announce that models are no longer watched, and what ends with them.

    The message is the daemon's own: the channel of a removed model is not known any more.
    ``first_pause``, that of the first model, makes it the only one.
    """
    payload = removed_message(connection, settings, first_pause)
    if payload is not None:
        key = f"{KEY}:{first_pause}"
        add_message(connection, dedupe_key=key, model="", payload=payload, now=now)


def removed_message(
    connection: Connection, settings: Sections, first_pause: int
) -> dict[str, Any] | None:
    """Return the payload about models whose pause began together; ``None`` where all are back."""
    ended = [
        _in_flight(connection, model, since)
        for model, since in pauses_begun_with(connection, first_pause).items()
        if not settings.is_watched(model)
    ]
    if not ended:
        return None
    lines = [f"• {describe_removed(model)}" for model in ended[:MAX_MODELS]]
    left = len(ended) - MAX_MODELS
    if left > 0:
        lines.append(f"• and {pluralize(left, 'more model')}")
    named = [excerpt(model.model, MAX_CHARACTERS) for model in ended[:NAMED]]
    if len(ended) > NAMED:
        named.append(f"{len(ended) - NAMED} more")
    title = f"🔵 No longer watched: {join_names(named)}"
    return notice_message(title, lines, [NEXT_STEP])


def _in_flight(connection: Connection, model: str, since: datetime) -> InFlight:
    """Return what was in progress when a model was removed."""
    rollout = open_rollout(connection, model)
    running = list_runs(connection, statuses=("running",))
    return InFlight(
        model=model,
        incidents=tuple(closed_incidents(connection, model, since)),
        n_messages=count_withdrawn(connection, model, since),
        runs=tuple(run.id for run in running if run.model == model),
        rollouts=() if rollout is None else ((rollout.version, rollout.weight_percent),),
    )


def describe_removed(ended: InFlight) -> str:
    """Return one line: the model, what ended, and what stays as it is."""
    facts = []
    if ended.incidents:
        closed = ", ".join(map(str, ended.incidents))
        facts.append(
            f"incident {closed} is closed"
            if len(ended.incidents) == 1
            else f"incidents {closed} are closed"
        )
    if ended.n_messages:
        facts.append(f"{pluralize(ended.n_messages, 'message')} not sent")
    facts += [
        f"training run {run} goes on to its end, `driftwarden retrain cancel {run}` stops it"
        for run in ended.runs
    ]
    facts += [
        f"the rollout of version {version} stays at {percent}% of the traffic"
        for version, percent in ended.rollouts
    ]
    name = excerpt(ended.model, MAX_CHARACTERS)
    return f"{name}: {'; '.join(facts)}." if facts else f"{name}."
