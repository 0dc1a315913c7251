"""Messages at the time of sending: an incident in its present state, and only what is still so."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from monitor.alerts.incidents import alerts_of
from monitor.alerts.parent_message import news_message, present_message
from monitor.alerts.sending.notices import present_notice
from monitor.rendering.mrkdwn import context, escape, within_limits
from monitor.rendering.numbers import format_instant
from monitor.settings import Sections
from monitor.store.alerts import delivery
from monitor.store.alerts.delivery import DueMessage
from monitor.store.alerts.incident_events import last_event
from monitor.store.alerts.incidents import incident_by_id
from monitor.store.alerts.outbox import replace_payload

#: A post, and what is sent as it was written, says when that was, if it was longer ago.
LATE = timedelta(minutes=15)

NOT_SO_NOW = "withdrawn: it is not so any more"
OVERTAKEN = "superseded: a later message of the incident tells it"
TAKEN = "withdrawn: the channel took it after all"
SNOOZED = "withdrawn: the incident is snoozed; the end of that posts it"

#: The cause of the incident about channels that take no messages.
UNDELIVERED = "messages_undelivered"

#: Keys of a payload that are no part of the message: of a copy, the channel and why it was made.
INSTEAD_OF, NOTE = "instead_of", "note"

log = structlog.get_logger()


@dataclass(frozen=True)
class Prepared:
    """A message that is sent now."""

    message: DueMessage
    #: Pending messages of its incident that it makes superfluous.
    covered: tuple[int, ...] = ()


@dataclass(frozen=True)
class Withdrawn:
    """Why a message is not sent."""

    reason: str


def prepare(
    connection: Connection, message: DueMessage, settings: Sections, now: datetime
) -> Prepared | Withdrawn:
    """Return a leased message as of now, and store it so; or why it is not sent.

    Call it in the transaction of the lease: erasures find what may have been sent. A message that
    can't be made is sent as it was written.
    """
    marks = {key: message.payload[key] for key in (INSTEAD_OF, NOTE) if key in message.payload}
    if message.incident and message.incident.status == "snoozed" and message.thread is None:
        return Withdrawn(SNOOZED)
    if marks and delivery.was_sent(connection, message.dedupe_key, marks[INSTEAD_OF]):
        return Withdrawn(TAKEN)
    payload: dict[str, Any] | None = message.payload
    covered: tuple[int, ...] = ()
    if message.incident is None:
        payload = _make(message, lambda: present_notice(connection, message, settings, now))
    elif message.kind != "reply":
        covered = _covered(connection, message)  # before its state is read
        payload = _make(message, lambda: _present(connection, message, settings))
    elif _is_overtaken(connection, message):
        return Withdrawn(OVERTAKEN)
    elif _no_longer_holds(connection, message):
        payload = _make(message, lambda: _present_news(connection, message, settings))
    if payload is None:
        return Withdrawn(NOT_SO_NOW)
    notes = list(filter(None, [marks.get(NOTE)]))
    as_written = payload is message.payload
    if now - message.created_at >= LATE and (as_written or message.kind == "post"):
        notes.append(f"Written {format_instant(message.created_at)}, delivered late.")
    if _tells_of_its_channel(connection, message):
        notes.append(f"{message.channel} has taken this message: it takes messages again.")
    if as_written:
        covered = ()
    else:
        replace_payload(connection, message.id, payload | marks)
    sent = {key: value for key, value in payload.items() if key not in marks}
    return Prepared(replace(message, payload=_with_notes(sent, notes)), covered)


def _tells_of_its_channel(connection: Connection, message: DueMessage) -> bool:
    """Return whether a message says that its own channel takes none, which it disproves."""
    if message.incident is None or message.subject != UNDELIVERED:
        return False
    incident = incident_by_id(connection, message.incident.id)
    return not incident.is_resolved and message.channel in incident.fingerprint


def present_standing(connection: Connection, message: DueMessage, settings: Sections) -> DueMessage:
    """Return the message of an unresolved incident, which is sent again, as of now."""
    payload = _make(message, lambda: _present(connection, message, settings))
    return message if payload is None else replace(message, payload=payload)


def _make(message: DueMessage, make: Callable[[], dict[str, Any] | None]) -> dict[str, Any] | None:
    """Return what ``make`` returns, or by a defect the payload as it was written.

    A defect in a text must not hold back that something is wrong.
    """
    try:
        return make()
    except SQLAlchemyError:
        raise
    except Exception:
        log.exception("message_not_rendered", message=message.id)
        return message.payload


def _present(connection: Connection, message: DueMessage, settings: Sections) -> dict[str, Any]:
    assert message.incident is not None  # noqa: S101 - the callers'
    return present_message(connection, message.incident.id, alerts_of(settings, message.model))


def _present_news(
    connection: Connection, message: DueMessage, settings: Sections
) -> dict[str, Any]:
    assert message.incident is not None  # noqa: S101 - the caller's
    alerts = alerts_of(settings, message.model)
    return news_message(connection, message.incident.id, alerts) | {"reply_broadcast": True}


def _no_longer_holds(connection: Connection, message: DueMessage) -> bool:
    """Return whether a reply to the channel was written while its condition held still."""
    assert message.incident is not None  # noqa: S101 - the caller's
    clear_since = incident_by_id(connection, message.incident.id).clear_since
    if clear_since is None or not message.payload.get("reply_broadcast"):
        return False
    return message.created_at < clear_since


def _covered(connection: Connection, message: DueMessage) -> tuple[int, ...]:
    """Return the later messages that the incident's message tells.

    All updates; where it is posted, the replies to the channel, too, which it replaces; and where
    the incident has ended by then, all.
    """
    assert message.incident is not None  # noqa: S101 - the caller's
    is_post = message.kind == "post" or message.thread is None
    has_ended = incident_by_id(connection, message.incident.id).is_resolved
    return tuple(
        later.id
        for later in delivery.later_messages(connection, message)
        if later.kind == "update" or (is_post and (has_ended or later.is_broadcast))
    )


def _is_overtaken(connection: Connection, message: DueMessage) -> bool:
    """Return whether a reply to the channel tells what is not so any more.

    One in the thread only is history.
    """
    assert message.incident is not None  # noqa: S101 - the caller's
    if not message.payload.get("reply_broadcast"):
        return False
    if any(later.is_broadcast for later in delivery.later_messages(connection, message)):
        return True
    incident = incident_by_id(connection, message.incident.id)
    if incident.resolved_at is not None:
        return message.created_at < incident.resolved_at
    snoozed = last_event(connection, incident.id, ("snoozed",))
    return incident.status == "snoozed" and snoozed is not None and message.created_at <= snoozed.at


def _with_notes(payload: dict[str, Any], notes: list[str]) -> dict[str, Any]:
    """Return a payload with notes below its header."""
    if not notes:
        return payload
    if not payload.get("blocks"):
        return payload | {"text": " ".join([payload["text"], *map(escape, notes)])}
    blocks = payload["blocks"]
    n_first = 1 if blocks[0]["type"] == "header" else 0
    noted = [*blocks[:n_first], *(context(escape(note)) for note in notes), *blocks[n_first:]]
    return payload | {"blocks": within_limits(noted)}
