"""Slack message once the version in production exceeds its maximum age."""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from monitor.alerts.messages.mrkdwn import (
    Block,
    build_message,
    escape,
    header,
    link,
    sections,
    within_limits,
)
from monitor.settings import Alerts
from monitor.store.alerts.outbox import add_message
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

    Returns:
        Whether a message was written.
    """
    live = production_age(connection, model, now)
    suggestion = live.suggestion(max_age) if live else ""
    if live is None or not suggestion:
        return False
    title = f"🔵 Retraining suggested: {model}"
    text = f"{suggestion}."
    blocks: list[Block] = [header(title)]
    blocks += sections([escape(text)])
    blocks += sections(["*Next steps*", NEXT_STEP])
    base = alerts.public_url.rstrip("/")
    blocks += sections([link(f"{base}/models", "Versions and scores")])
    return add_message(
        connection,
        dedupe_key=f"age:{live.version.id}",
        model=model,
        incident_id=None,
        kind="post",
        payload=build_message(within_limits(blocks), f"{title}. {text}"),
        now=now,
    )
