"""Slack message about traffic of models that the configuration doesn't list, once a week."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from monitor.alerts.messages.notice import notice_message
from monitor.plurals import pluralize
from monitor.rendering.excerpts import excerpt
from monitor.rendering.mrkdwn import code, code_block
from monitor.rendering.numbers import format_day, format_share
from monitor.settings import Sections
from monitor.settings.models.names import twins_in_case
from monitor.store.alerts.outbox import add_message
from monitor.store.traffic.daily_counts import start_of_day
from monitor.store.traffic.unlisted import (
    OTHER_NAMES,
    UnlistedModel,
    estimated_traffic,
    unlisted_models,
)

KEY = "unlisted"
WEEK = timedelta(weeks=1)
MAX_NAMES = 10
WATCH = "• Watch them: add these lines to config.toml, or a name to the `aliases` of a model."
MAX_CHARACTERS = 60


def announce_unlisted_models(connection: Connection, settings: Sections, now: datetime) -> bool:
    """Announce once a week the unlisted models with traffic in the last whole week.

    Return whether a message was written.
    """
    monday = start_of_day(now) - timedelta(days=now.weekday())
    payload = unlisted_message(connection, settings, monday)
    key = f"{KEY}:{monday:%Y-%m-%d}"
    return payload is not None and add_message(
        connection, dedupe_key=key, model="", payload=payload, now=now
    )


def unlisted_message(
    connection: Connection, settings: Sections, monday: datetime
) -> dict[str, Any] | None:
    """Return the payload about the week before a Monday; ``None`` where all models are listed."""
    models = unlisted_models(connection, monday - WEEK, monday, settings.names.listed)
    if not models or settings.monitoring.unlisted_models != "report":
        return None
    stored = estimated_traffic(connection, monday - WEEK, monday)
    return notice_message(
        f"🔵 Traffic of {pluralize(len(models), 'model')} that nobody watches",
        [f"• {line}" for line in describe_unlisted(models, stored)],
        _next_steps(models, settings.names.listed),
    )


def describe_unlisted(models: Sequence[UnlistedModel], stored: float) -> list[str]:
    """Return a line for each model: its name, its share of all traffic, and since when.

    The largest model comes first. ``stored`` is the estimated number of exchanges of the period
    that are stored, of other models.
    """
    total = stored + sum(model.estimated_total for model in models)
    lines = [
        f"{excerpt(model.name, MAX_CHARACTERS) or '(no name)'}: "
        f"{format_share(model.estimated_total / max(total, model.estimated_total))} of the "
        f"traffic, about {model.estimated_total:,.0f} exchanges, since "
        f"{format_day(model.first_day)}"
        for model in models[:MAX_NAMES]
    ]
    left = len(models) - MAX_NAMES
    return [*lines, f"and {pluralize(left, 'more model')}"] if left > 0 else lines


def lines_to_watch(models: Sequence[UnlistedModel], listed: Sequence[str]) -> list[str]:
    """Return the lines of config.toml that would watch the models, one table for each.

    A name that differs from another in upper and lower case only can't be a model of its own.
    """
    known = {name.casefold() for name in listed}
    lines = []
    for model in models[:MAX_NAMES]:
        is_name = model.name and model.name != OTHER_NAMES and len(model.name) <= MAX_CHARACTERS
        if is_name and model.name.casefold() not in known:
            known.add(model.name.casefold())
            lines.append(f"[models.{json.dumps(model.name, ensure_ascii=False)}]")
    return lines


def _next_steps(models: Sequence[UnlistedModel], listed: Sequence[str]) -> list[str]:
    steps = []
    for name, model in twins_in_case([model.name for model in models], listed):
        alias, of = excerpt(name, MAX_CHARACTERS), excerpt(model, MAX_CHARACTERS)
        steps.append(
            f"• {code(alias)} differs from {code(of)} in upper and lower case only: if "
            "they are one model, add it to the `aliases` of that model."
        )
    if lines := lines_to_watch(models, listed):
        steps.append(f"{WATCH}\n{code_block(lines)}")
    return [*steps, '• Or set `monitoring.unlisted_models` to `"watch"` or `"ignore"`.']
