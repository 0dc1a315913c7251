"""What Slack hears once when the version that serves has grown old."""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from monitor.alerts.messages.incident import message
from monitor.alerts.messages.mrkdwn import Block, escape, header, link, sections, within_limits
from monitor.settings import Alerts
from monitor.store.alerts.outbox import add_message
from monitor.store.training.model_age import production_age

NEXT_STEP = (
    "• See whether the traffic of the last months has drifted (`driftwarden digest`), then plan a "
    "retraining on the newest gold: `driftwarden retrain plan`."
)


def announce_model_age(
    connection: Connection,
    model: str,
    max_age: timedelta | None,
    now: datetime,
    alerts: Alerts,
) -> bool:
    """Suggest a refresh once a version, when it serves and is older than ``max_age``.

    Returns:
        Whether the message was written now.
    """
    live = production_age(connection, model, now)
    suggestion = live.suggestion(max_age) if live else ""
    if live is None or not suggestion:
        return False
    title = f"🔵 Refresh suggested: {model}"
    said = f"{suggestion}."
    blocks: list[Block] = [header(title)]
    blocks += sections([escape(said)])
    blocks += sections(["*What to do next*", NEXT_STEP])
    base = alerts.public_url.rstrip("/")
    blocks += sections([link(f"{base}/models", "The versions with their scores")])
    return add_message(
        connection,
        dedupe_key=f"age:{live.version.id}",
        incident_id=None,
        kind="post",
        payload=message(within_limits(blocks), f"{title}. {said}"),
        now=now,
    )
