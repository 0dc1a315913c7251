"""Tables of causes of incidents, signals and transitions, for the documentation."""

import json
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from monitor.alerts.causes import CAUSES
from monitor.alerts.incident_states import IncidentTransition
from monitor.daemon.signals.catalogue import SENSORS
from monitor.review.items.states import TRANSITIONS
from monitor.todo.kinds import KINDS
from retrain.rollout.states import RolloutTransition

#: Measured times until a signal's end was told, by signal: `{"metric": "14 hours"}`.
MEASURED = Path(__file__).resolve().parents[1] / "docs" / "explanation" / "measured_signals.json"


def causes_table() -> str:
    """Return the causes, with links to their runbooks."""
    lines = ["| cause | level | of | resolved after |", "| --- | --- | --- | --- |"]
    for cause in CAUSES.values():
        scope = "the daemon" if cause.of_daemon else "a model"
        minutes = cause.hold // timedelta(minutes=1)
        clear = f"{minutes} minutes without it" if minutes else "its end"
        if cause.name == "drift":
            clear = "two measured windows in a row without an alarm"
        name = f"[{cause.title}]({cause.page}.md) (`{cause.name}`)"
        lines.append(f"| {name} | {cause.level} | {scope} | {clear} |")
    return "\n".join(lines)


def signals_table() -> str:
    """Return the signals, with links to the runbook of what tells their end."""
    measured = json.loads(MEASURED.read_text(encoding="utf-8")) if MEASURED.is_file() else {}
    lines = ["| signal | expected from | found within | measured | told by |"]
    lines.append("| --- | --- | --- | --- | --- |")
    for sensor in SENSORS:
        page = "prometheus.md"
        if sensor.told_by in CAUSES:
            page = f"{CAUSES[sensor.told_by].page}.md"
        times = f"{sensor.found_within} | {measured.get(sensor.signal, '')}"
        link = f"[{sensor.told_by}](../runbooks/{page})"
        lines.append(f"| {sensor.signal} | {sensor.expected} | {times} | {link} |")
    return "\n".join(lines)


def transitions_table(transitions: Iterable[IncidentTransition | RolloutTransition]) -> str:
    """Return the transitions of incidents or of rollouts."""
    lines = ["| from | event | caused by | to |", "| --- | --- | --- | --- |"]
    for row in transitions:
        sources = ", ".join(row.sources) or "none"
        target = row.target or "the same status"
        lines.append(_line(sources, row.event, row.by, f"{target}: {row.effect}"))
    return "\n".join(lines)


def todo_table() -> str:
    """Return the kinds of entries of the to-do list, in the order of harm."""
    lines = ["| place | what waits | for | why there |", "| --- | --- | --- | --- |"]
    for place, kind in enumerate(KINDS, start=1):
        audience = {"reviewer": "the reviewer", "adjudicator": "adjudicators, leads"}
        for_whom = audience.get(kind.audience, "leads")
        lines.append(f"| {place} | {kind.title} (`{kind.name}`) | {for_whom} | {kind.reason} |")
    return "\n".join(lines)


def items_table() -> str:
    """Return the transitions of review items."""
    lines = ["| from | event | who | to |", "| --- | --- | --- | --- |"]
    for row in TRANSITIONS:
        targets = " or ".join(row.targets)
        lines.append(_line(", ".join(row.sources), row.event, row.by, f"{targets}: {row.effect}"))
    return "\n".join(lines)


def _line(sources: str, event: str, by: str, target: str) -> str:
    return f"| {sources} | **{event.replace('_', ' ')}** | {by} | {target} |"
