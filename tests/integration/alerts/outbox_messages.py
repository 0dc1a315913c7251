"""Messages in the outbox, for tests of their delivery."""

from datetime import datetime

from sqlalchemy import Engine, insert, select

from monitor.rendering.mrkdwn import build_message, sections
from monitor.store.alerts.outbox import add_message
from monitor.store.engine import transaction
from monitor.store.tables import Incident, OutboxMessage


def add_messages(engine: Engine, n: int, now: datetime, *, subject: str = "notice") -> None:
    """Write messages without an incident."""
    with transaction(engine) as connection:
        for number in range(n):
            add_message(
                connection,
                dedupe_key=f"{subject}:{number}",
                model="assistant",
                incident_id=None,
                kind="post",
                payload=build_message(sections([f"message {number}"]), f"message {number}"),
                now=now,
                subject=subject,
            )


def add_incident(engine: Engine, now: datetime) -> int:
    """Write an open incident with a post, a reply and an update."""
    with transaction(engine) as connection:
        incident = connection.execute(
            insert(Incident)
            .values(
                model="assistant",
                cause="drift",
                status="open",
                fingerprint="input",
                severity=0.2,
                summary="Prompts; largest change 20%",
                opened_at=now,
            )
            .returning(Incident.id)
        ).scalar_one()
    for kind in ("post", "reply", "update"):
        change_incident(engine, incident, kind, now)
    return incident


def change_incident(
    engine: Engine, incident: int, kind: str, now: datetime, *, is_broadcast: bool = False
) -> None:
    """Write a message of an incident."""
    with transaction(engine) as connection:
        payload = build_message(sections([f"incident, {kind}"]), f"incident, {kind}")
        if is_broadcast:
            payload["reply_broadcast"] = True
        add_message(
            connection,
            dedupe_key=f"incident:{incident}:{kind}:{now.isoformat()}",
            model="assistant",
            incident_id=incident,
            kind=kind,  # type: ignore[arg-type]  # one of the three
            payload=payload,
            now=now,
        )


def outbox_rows(engine: Engine) -> list[OutboxMessage]:
    """Return the rows of the outbox, the oldest first."""
    with transaction(engine) as connection:
        return list(
            connection.execute(select(OutboxMessage.__table__).order_by(OutboxMessage.id)).all()
        )
