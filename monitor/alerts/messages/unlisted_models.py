"""Slack message about traffic of models that the configuration doesn't list, once a week."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from monitor.alerts.messages.mrkdwn import (
    Block,
    build_message,
    escape,
    header,
    sections,
    within_limits,
)
from monitor.plurals import pluralize
from monitor.rendering.excerpts import excerpt
from monitor.rendering.numbers import format_day, format_share
from monitor.settings import Sections
from monitor.store.alerts.outbox import add_message
from monitor.store.traffic.unlisted import (
    OTHER_NAMES,
    UnlistedModel,
    estimated_traffic,
    unlisted_models,
)

WEEK = timedelta(weeks=1)
MAX_NAMES = 10
WATCH = "• Watch them: add these lines to config.toml, or a name to the `aliases` of a model."
MAX_CHARACTERS = 60


def announce_unlisted_models(connection: Connection, settings: Sections, now: datetime) -> bool:
    """Tell once a week which unlisted models the last whole week had traffic of.

    Returns:
        Whether a message was written.
    """
    if settings.monitoring.unlisted_models != "report":
        return False
    monday = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=now.weekday())
    models = unlisted_models(connection, monday - WEEK, monday, settings.names.listed)
    if not models:
        return False
    total = sum(model.estimated_total for model in models)
    total += estimated_traffic(connection, monday - WEEK, monday)
    title = f"🔵 Traffic of {pluralize(len(models), 'model')} that nobody watches"
    blocks: list[Block] = [header(title)]
    blocks += sections([escape(line) for line in describe_unlisted(models, total)])
    blocks += sections(
        [
            "*Next steps*",
            f"{WATCH}\n```{escape(lines_to_watch(models, settings.names.listed))}```",
            '• Or set `monitoring.unlisted_models` to `"watch"` or `"ignore"`.',
        ]
    )
    return add_message(
        connection,
        dedupe_key=f"unlisted:{monday:%Y-%m-%d}",
        model="",
        incident_id=None,
        kind="post",
        payload=build_message(within_limits(blocks), title),
        now=now,
    )


def describe_unlisted(models: Sequence[UnlistedModel], total: float) -> list[str]:
    """Return a line for each model: its name, its share of all traffic, and since when.

    Args:
        models: The largest first.
        total: Estimated exchanges of all traffic of the period.
    """
    lines = [
        f"• {excerpt(model.name, MAX_CHARACTERS) or '(no name)'}: "
        f"{format_share(model.estimated_total / max(total, model.estimated_total))} of the "
        f"traffic, about {model.estimated_total:,.0f} exchanges, since "
        f"{format_day(model.first_day)}"
        for model in models[:MAX_NAMES]
    ]
    left = len(models) - MAX_NAMES
    return [*lines, f"• and {pluralize(left, 'more model')}"] if left > 0 else lines


def lines_to_watch(models: Sequence[UnlistedModel], listed: Sequence[str]) -> str:
    """Return the lines of config.toml that would watch the models.

    A name that differs from a listed one in upper and lower case only can't be a model of its own:
    it is an alias.
    """
    by_case = {name.casefold(): name for name in listed}
    names = [
        model.name
        for model in models[:MAX_NAMES]
        if model.name and model.name != OTHER_NAMES and len(model.name) <= MAX_CHARACTERS
    ]
    return "\n".join(
        _line_to_watch(name, by_case.setdefault(name.casefold(), name)) for name in names
    )


def _line_to_watch(name: str, model: str) -> str:
    table = f"[models.{json.dumps(model, ensure_ascii=False)}]"
    return table if name == model else f"{table}  # aliases: add {json.dumps(name)}"
