"""Slack message once the version in production exceeds its maximum age."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from monitor.alerts.messages.notice import notice_message
from monitor.settings import Alerts
from monitor.store.alerts.outbox import add_message
from monitor.store.training.model_age import ProductionAge, production_age

KEY = "age"

NEXT_STEP = (
    "• Check whether the traffic has drifted in recent months: `driftwarden digest`. Then plan a "
    "retraining on the newest gold: `driftwarden retrain plan`."
)


def announce_model_age(
    connection: Connection,
    model: str,
    max_age: timedelta | None,
    now: datetime,
    alerts: Alerts,
) -> bool:
    """Suggest a retraining once per version, when it serves and is older than ``max_age``.

    Return whether a message was written.
    """
    live = production_age(connection, model, now)
    payload = None if live is None else age_message(live, max_age, alerts)
    if live is None or payload is None:
        return False
    key = f"{KEY}:{live.version.id}"
    return add_message(connection, dedupe_key=key, model=model, payload=payload, now=now)


def age_message(
    live: ProductionAge, max_age: timedelta | None, alerts: Alerts
) -> dict[str, Any] | None:
    """Return the payload; ``None`` where the version in production is young enough."""
    suggestion = live.suggestion(max_age)
    if not suggestion:
        return None
    return notice_message(
        f"🔵 Retraining suggested: {live.version.model}",
        [f"{suggestion}."],
        [NEXT_STEP],
        page=(f"{alerts.public_url.rstrip('/')}/models", "Versions and scores"),
        summary=f"{suggestion}.",
    )
