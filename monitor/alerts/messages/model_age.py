"""Slack message once the version in production exceeds its maximum age."""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from monitor.alerts.messages.notice import add_notice
from monitor.settings import Alerts
from monitor.store.training.model_age import production_age

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
    suggestion = live.suggestion(max_age) if live else ""
    if live is None or not suggestion:
        return False
    return add_notice(
        connection,
        dedupe_key=f"age:{live.version.id}",
        model=model,
        title=f"🔵 Retraining suggested: {model}",
        lines=[f"{suggestion}."],
        next_steps=[NEXT_STEP],
        page=(f"{alerts.public_url.rstrip('/')}/models", "Versions and scores"),
        summary=f"{suggestion}.",
        now=now,
    )
