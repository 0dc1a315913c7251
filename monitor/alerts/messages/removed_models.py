"""Slack message about models that were removed from the configuration."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from monitor.alerts.messages.notice import add_notice
from monitor.plurals import pluralize
from monitor.rendering.excerpts import excerpt

NEXT_STEP = (
    "• Nothing, if this was meant: the history stays on the page. To watch a model again, list it "
    "in config.toml; a renamed model needs its old name in `aliases`."
)
MAX_MODELS = 10
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
    connection: Connection, first_pause: int, ended: Sequence[InFlight], now: datetime
) -> None:
    """Announce that models are no longer watched, and what ends with them.

    The message is the daemon's own: the channel of a removed model is not known any more.
    ``first_pause``, that of the first model, makes it the only one. ``ended`` are the models with
    what was in progress.
    """
    lines = [f"• {describe_removed(model)}" for model in ended[:MAX_MODELS]]
    left = len(ended) - MAX_MODELS
    if left > 0:
        lines.append(f"• and {pluralize(left, 'more model')}")
    add_notice(
        connection,
        dedupe_key=f"removed:{first_pause}",
        model="",
        title=f"🔵 No longer watched: {pluralize(len(ended), 'model')}",
        lines=lines,
        next_steps=[NEXT_STEP],
        now=now,
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
