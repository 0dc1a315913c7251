"""Weekly digest of all models in one message, also when all is well."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection

from monitor.alerts.causes import CAUSES
from monitor.plurals import pluralize
from monitor.rendering.mrkdwn import (
    Block,
    bold,
    build_message,
    context,
    escape,
    header,
    link,
    sections,
    within_limits,
)
from monitor.rendering.numbers import format_day, format_share
from monitor.rendering.sparkline import draw_sparkline
from monitor.settings import Alerts
from monitor.settings.alerts import parse_weekly_time
from monitor.store.alerts.incidents import IncidentRow
from monitor.store.alerts.outbox import add_message

#: Models with a line of their own; the message has no room for more.
MAX_MODELS = 40
MAX_INCIDENTS = 15
#: Entries of the to-do list; the overview has all.
MAX_ENTRIES = 8
MAX_CHARACTERS = 60
#: Drifted share at the full height of the bars, where all are smaller.
MIN_SCALE = 0.05

MARKS = {"drift": "🔴", "no_drift": "🟢"}


@dataclass(frozen=True)
class WaitingStep:
    """An entry of the to-do list."""

    #: Empty: the daemon.
    model: str
    text: str
    label: str
    #: Path of the page on which it is done.
    path: str
    #: The open incident that it is, or covers.
    incident_id: int | None = None


@dataclass(frozen=True)
class ModelWeek:
    """A model in the digest."""

    name: str
    #: ``drift``, ``no_drift``, ``not_comparable``, ``not_enough_data``, or empty: its newest window
    #: isn't evaluated.
    verdict: str
    #: The newest window, and what it showed.
    text: str
    #: Drifted shares of the last windows, in [0, 1]; ``None``: not compared.
    shares: tuple[float | None, ...]


def last_due(digest: str, now: datetime) -> datetime | None:
    """Return when a digest was last due; ``None`` where there is none."""
    weekly = parse_weekly_time(digest)
    if weekly is None:
        return None
    weekday, hour, minute = weekly
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    due = midnight + timedelta(days=weekday - now.weekday(), hours=hour, minutes=minute)
    return due if due <= now else due - timedelta(weeks=1)


def digest_key(due: datetime) -> str:
    """Return the key of the message that was due at a time."""
    return f"digest:{due:%Y-%m-%d}"


def announce_week(
    connection: Connection,
    models: Sequence[ModelWeek],
    incidents: Sequence[IncidentRow],
    steps: Sequence[WaitingStep],
    *,
    remarks: Mapping[int, str] = MappingProxyType({}),
    key: str,
    now: datetime,
    alerts: Alerts,
    access_log: str = "",
) -> bool:
    """Write the digest, once for each key; return whether it was written.

    The incidents are the unresolved ones of all models and of the daemon; the steps are what needs
    somebody, by harm and age. ``remarks`` has sentences by the ids of incidents;
    ``access_log`` is the newest hash of its chain, which a message keeps outside of the database.
    """
    return add_message(
        connection,
        dedupe_key=key,
        model="",
        payload=digest_message(models, incidents, steps, alerts, remarks, access_log=access_log),
        now=now,
        subject="digest",
    )


def digest_message(
    models: Sequence[ModelWeek],
    incidents: Sequence[IncidentRow],
    steps: Sequence[WaitingStep],
    alerts: Alerts,
    remarks: Mapping[int, str] = MappingProxyType({}),
    *,
    access_log: str = "",
) -> dict[str, Any]:
    """Return the payload: what needs somebody, a line for each model, the worst first, incidents.

    An incident among the steps is not repeated.
    """
    title = _title(models, incidents)
    blocks: list[Block] = [header(title)]
    order = {"drift": 0, "not_comparable": 1, "": 2, "not_enough_data": 3, "no_drift": 4}
    ranked = sorted(models, key=lambda model: (order[model.verdict], model.name))
    base = alerts.public_url.rstrip("/")
    listed = ranked[:MAX_MODELS]
    blocks += sections(_steps(steps, remarks, base))
    listed_ids = {step.incident_id for step in steps[:MAX_ENTRIES]}
    remaining = [incident for incident in incidents if incident.id not in listed_ids]
    scale = max(
        [MIN_SCALE, *(share for model in listed for share in model.shares if share is not None)]
    )
    blocks += sections(_model(model, base, scale) for model in listed)
    if len(models) > MAX_MODELS:
        blocks += sections([f"and {pluralize(len(models) - MAX_MODELS, 'more model')}"])
    if remaining:
        title_of_rest = (
            "*Other unresolved incidents*"
            if len(remaining) < len(incidents)
            else "*Unresolved incidents*"
        )
        blocks += sections([title_of_rest, *_incidents(remaining, remarks, base)])
    blocks += sections([link(f"{base}/overview", "Overview")])
    blocks.append(
        context(
            "Bars: the significant drifted share of the last 12 windows; full height: "
            f"{format_share(scale)}." + (f" Access log up to {access_log}." if access_log else "")
        )
    )
    return build_message(within_limits(blocks), title)


def _title(models: Sequence[ModelWeek], incidents: Sequence[IncidentRow]) -> str:
    n_drifted = sum(model.verdict == "drift" for model in models)
    n_incomparable = sum(model.verdict == "not_comparable" for model in models)
    n_blind = sum(model.verdict in {"", "not_enough_data"} for model in models)
    facts = []
    if n_drifted:
        facts.append(f"drift in {n_drifted} of {pluralize(len(models), 'model')}")
    if n_incomparable:
        facts.append(f"{n_incomparable} of {pluralize(len(models), 'model')} not comparable")
    if n_blind:
        facts.append(f"no result for {n_blind} of {pluralize(len(models), 'model')}")
    if incidents:
        facts.append(pluralize(len(incidents), "unresolved incident"))
    if not facts:
        return f"🟢 Weekly digest: no drift in {pluralize(len(models), 'model')}, no incident"
    return f"{'🔴' if n_drifted or incidents else '⚪'} Weekly digest: {', '.join(facts)}"


def _model(model: ModelWeek, base: str, scale: float) -> str:
    heights = [None if share is None else share / scale for share in model.shares]
    page = f"{base}/digest?model={quote(model.name, safe='')}"
    return (
        f"{MARKS.get(model.verdict, '⚪')} {bold(model.name, MAX_CHARACTERS)}  "
        f"{draw_sparkline(heights)}  "
        f"{escape(model.text)} {link(page, 'Digest')}"
    )


def _steps(steps: Sequence[WaitingStep], remarks: Mapping[int, str], base: str) -> list[str]:
    if not steps:
        return ["*Nothing needs a lead.*"]
    lines = [f"*What needs a lead: {pluralize(len(steps), 'step')}*"]
    for step in steps[:MAX_ENTRIES]:
        model = f"{bold(step.model, MAX_CHARACTERS)}  " if step.model else ""
        remark = remarks.get(step.incident_id) if step.incident_id is not None else None
        text = f"{step.text} {remark}" if remark else step.text
        lines.append(f"• {model}{escape(text)} {link(f'{base}{step.path}', step.label)}")
    if len(steps) > MAX_ENTRIES:
        lines.append(f"• and {len(steps) - MAX_ENTRIES} more")
    return lines


def _incidents(
    incidents: Sequence[IncidentRow], remarks: Mapping[int, str], base: str
) -> list[str]:
    lines = []
    for incident in incidents[:MAX_INCIDENTS]:
        title = CAUSES[incident.cause].title
        subject = f": {incident.model}" if incident.model else ""
        text = f"{title}{subject}, {incident.status}, since {format_day(incident.opened_at)}"
        line = f"• {link(f'{base}/incidents/{incident.id}', text)}"
        remark = remarks.get(incident.id)
        lines.append(f"{line}. {escape(remark)}" if remark else line)
    if len(incidents) > MAX_INCIDENTS:
        lines.append(f"• and {len(incidents) - MAX_INCIDENTS} more")
    return lines
