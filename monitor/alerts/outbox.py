"""Delivery of the outbox: routes, leases, backoff, the fallback, and each message once."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection, Engine
from structlog.contextvars import bound_contextvars

from monitor.alerts.channels import Channels
from monitor.alerts.channels.sender import Sender
from monitor.alerts.sending import OVERTAKEN, Prepared, prepare, present_standing
from monitor.errors import (
    ChannelMisconfiguredError,
    ChannelRefusedError,
    ChannelUnavailableError,
    DriftwardenError,
)
from monitor.rendering.mrkdwn import context, escape, within_limits, without_charts
from monitor.settings import Sections
from monitor.store.alerts import delivery, routing
from monitor.store.alerts.delivery import DueMessage, Thread
from monitor.store.alerts.incidents import incident_by_id
from monitor.store.engine import transaction
from monitor.telemetry import MESSAGES_FAILED

#: Another process may take a message from one that died while sending after this time.
LEASE = timedelta(minutes=2)

#: A post begins at the latest at this time after the lease did.
MAX_AGE_OF_LEASE = LEASE / 2

FIRST_DELAY = timedelta(seconds=10)
#: A mended channel is noticed after this time.
MAX_DELAY = timedelta(minutes=5)
#: A channel may ask for a longer one, and a message that can't be looked up is repeated less often.
MAX_LONG_DELAY = timedelta(hours=1)

#: Older messages expire: after an outage they would flood the channel.
EXPIRES_AFTER = timedelta(days=7)

WITHHELD = "withheld: no channel of its route takes it"

#: Attempts of a message that ends them by a defect: it must not hold up the others for ever.
MAX_DEFECTS = 5

#: Said of a message whose earlier attempt may have succeeded, where that can't be looked up.
MAY_BE_REPEATED = "This may be a repetition: the response to an earlier attempt was lost."

log = structlog.get_logger()


def deliver_due(
    engine: Engine,
    channels: Channels,
    now: datetime,
    *,
    may_continue: Callable[[], bool] = lambda: True,
) -> int:
    """Send all due messages, the oldest of each channel first; return the number sent.

    No transaction is open during a call of a channel. A message is leased first, so that no other
    process sends it, and the attempt is noted: after an attempt whose outcome is unknown the
    message is looked up before it is posted again. Those of channels without a sender stay in the
    outbox. The next attempts are scheduled from ``now``. ``may_continue`` is called before each
    message; ``False`` ends the run.
    """
    route(engine, channels, now)
    return sum(
        _Delivery(engine, name, sender, channels.sections, now, may_continue).run()
        for name, sender in channels.senders.items()
    )


def route(engine: Engine, channels: Channels, now: datetime) -> None:
    """Name the channels of new messages, and of those whose channel is not configured any more.

    An incident's messages go to the channels that have one of it already, too; that of its model's
    removal to these only.
    """
    names = channels.routes.channels
    if not names:
        return
    with transaction(engine) as connection:
        for message in routing.unrouted_messages(connection, names):
            wanted = [*channels.routes.channels_of(message.model, message.subject)]
            if message.incident_id is not None:
                targets = delivery.targets_of_incident(connection, message.incident_id)
                known = [
                    name for name, sender in channels.senders.items() if sender.target in targets
                ]
                if incident_by_id(connection, message.incident_id).status == "closed":
                    wanted = known  # the end of a model is no news to the others
                wanted += [name for name in known if name not in wanted]
            chosen = [name for name in wanted if takes(channels.senders.get(name), message)]
            if not routing.assign_channels(connection, message, chosen):
                routing.withhold_messages(connection, [message.id], WITHHELD, now)


def repeat_due(engine: Engine, channels: Channels, now: datetime) -> int:
    """Send unresolved incidents again to the channels that forget them; return their number."""
    n_sent = 0
    for name, sender in channels.senders.items():
        last = channels.repeated_at.setdefault(name, now)
        if sender.repeats_every is None or now - last < sender.repeats_every:
            continue
        channels.repeated_at[name] = now
        with transaction(engine) as connection:
            standing = [
                present_standing(connection, message, channels.sections)
                for message in delivery.standing_messages(connection, name, sender.target)
            ]
        try:
            for message in standing:
                sender.send(message, message.payload, message.thread)
                n_sent += 1
        except DriftwardenError as error:
            log.warning("incidents_not_repeated", channel=name, reason=str(error))
    return n_sent


def takes(sender: Sender | None, message: routing.UnroutedMessage | DueMessage) -> bool:
    """Return whether a channel has a use for a message; one without its secret may have."""
    return sender is None or sender.takes(
        message.kind,
        of_incident=message.incident_id is not None,
        is_broadcast=bool(message.payload.get("reply_broadcast")),
    )


def delay_after(
    attempts: int,
    retry_after_seconds: float | None = None,
    max_delay: timedelta = MAX_DELAY,
) -> timedelta:
    """Return the delay after a number of failed attempts: doubling, and at least the channel's.

    No channel may ask for more than an hour: the next attempt asks it again.

    Example:
        >>> delay_after(1).total_seconds(), delay_after(3).total_seconds()
        (10.0, 40.0)
        >>> delay_after(1, retry_after_seconds=90).total_seconds()
        90.0
    """
    doubled = min(max_delay, FIRST_DELAY * (1 << min(attempts - 1, 12)))
    retry_after = min(retry_after_seconds or 0.0, MAX_LONG_DELAY.total_seconds())
    return max(doubled, timedelta(seconds=retry_after))


@dataclass(frozen=True)
class _Delivery:
    """The due messages of one channel."""

    engine: Engine
    name: str
    sender: Sender
    settings: Sections
    now: datetime
    may_continue: Callable[[], bool]

    def run(self) -> int:
        """Send messages until none is due, or the channel is unavailable; return their number."""
        sent = 0
        began = time.monotonic()
        while self.may_continue():
            leased_at = time.monotonic()
            running = self.now + timedelta(seconds=leased_at - began)
            with transaction(self.engine) as connection:
                leased = delivery.lease_due_message(
                    connection,
                    self.now,
                    running + LEASE,
                    not_after=self.now + 2 * MAX_LONG_DELAY,
                    channel=self.name,
                    target=self.sender.target,
                )
                if leased is None:
                    return sent
                with bound_contextvars(**leased.log_ids, channel=self.name):
                    prepared = self._prepare(connection, leased)
            if prepared is None:
                continue
            with bound_contextvars(**leased.log_ids, channel=self.name):
                outcome = self._send(prepared, leased_at)
            if outcome is None:
                return sent  # further messages would fail, too
            sent += outcome
        return sent

    def _prepare(self, connection: Connection, message: DueMessage) -> Prepared | None:
        """Return a leased message as of now; ``None`` where it is not sent, and record why."""
        if self.now - message.created_at > EXPIRES_AFTER:
            reason = f"expired: not delivered within {EXPIRES_AFTER.days} days"
            self._give_up(connection, message, "expired", reason)
            return None
        if not takes(self.sender, message):  # routed while its secret was not set
            routing.withhold_messages(connection, [message.id], WITHHELD, self.now)
            return None
        prepared = prepare(connection, message, self.settings, self.now)
        if isinstance(prepared, Prepared):
            return prepared
        routing.withhold_messages(connection, [message.id], prepared.reason, self.now)
        log.info("message_withdrawn", reason=prepared.reason)
        return None

    def _send(self, prepared: Prepared, leased_at: float) -> bool | None:
        """Send a message; return whether it was sent, ``None`` where the channel is unavailable."""
        message = prepared.message
        attempt = _Attempt(self.sender, message, leased_at + MAX_AGE_OF_LEASE.total_seconds())
        try:
            posted = attempt.send_in_some_form()
        except ChannelRefusedError as error:
            with transaction(self.engine) as connection:
                self._give_up(connection, message, "refused", str(error))
            return False
        except (ChannelUnavailableError, ChannelMisconfiguredError) as error:
            self._delay(message, error, attempt)
            return None
        except Exception as error:  # of a library; the other channels go on
            log.exception("message_failed")
            if message.attempts + 1 >= MAX_DEFECTS:
                with transaction(self.engine) as connection:
                    reason = f"{type(error).__name__}; see the log"
                    self._give_up(connection, message, "refused", reason)
                return False
            problem = ChannelUnavailableError(
                f"{type(error).__name__}; see the log", code="unknown_outcome"
            )
            self._delay(message, problem, attempt)
            return None
        with transaction(self.engine) as connection:
            delivery.mark_sent(connection, message, self.sender.target, posted, self.now)
            if prepared.covered and not attempt.was_found:  # else it may tell an earlier state
                routing.withhold_messages(connection, prepared.covered, OVERTAKEN, self.now)
        log.info("message_sent", kind=message.kind)
        return True

    def _give_up(
        self, connection: Connection, message: DueMessage, cause: str, reason: str
    ) -> None:
        delivery.mark_failed(connection, message, reason, self.now)
        MESSAGES_FAILED.labels(cause).inc()
        log.error("message_refused", kind=message.kind, reason=reason)

    def _delay(
        self,
        message: DueMessage,
        error: ChannelUnavailableError | ChannelMisconfiguredError,
        attempt: "_Attempt",
    ) -> None:
        wait = delay_after(
            message.attempts + 1,
            getattr(error, "retry_after_seconds", None),
            MAX_LONG_DELAY if attempt.was_repeated else MAX_DELAY,
        )
        with transaction(self.engine) as connection:
            delivery.mark_retry(
                connection,
                message,
                str(error),
                self.now + wait,
                attempted_at=attempt.unknown_since(error, self.now),
                now=self.now,
            )
        log.warning(
            "message_delayed",
            reason=str(error),
            attempt=message.attempts + 1,
            next_attempt_in_seconds=wait.total_seconds(),
        )


class _Attempt:
    """One attempt to send a message, which an earlier one may have posted."""

    def __init__(self, sender: Sender, message: DueMessage, deadline: float) -> None:
        self._sender = sender
        #: On the monotonic clock: a process that was stopped until then lost the message.
        self._deadline = deadline
        self._message = message
        #: Whether an earlier attempt may have posted it.
        self._in_doubt = message.attempted_at is not None and not sender.is_idempotent
        #: Whether it was sent once more although it could not be looked up.
        self.was_repeated = False
        #: Whether an earlier attempt had posted it, perhaps in an earlier state of its incident.
        self.was_found = False

    def send_in_some_form(self) -> Thread:
        """Send the message; in a simpler form where its blocks are refused."""
        message = self._message
        thread = None if message.kind == "post" else message.thread
        try:
            return self._send(message.payload, thread)
        except ChannelRefusedError as error:
            if error.code == "parent_gone":  # deleted in the channel
                return self._send(message.payload, None)
            return self._send_simpler(str(error), thread)

    def _send_simpler(self, reason: str, thread: Thread | None) -> Thread:
        """Send a refused message without its charts, or else without its blocks."""
        message = self._message
        blocks = message.payload.get("blocks", [])
        simpler = without_charts(blocks)
        if simpler != blocks:
            try:
                return self._send(message.payload | {"blocks": simpler}, thread)
            except ChannelRefusedError as error:
                reason = str(error)
        log.warning("message_sent_as_text", reason=reason)
        return self._send(message.payload | {"text": _as_text(message), "blocks": []}, thread)

    def unknown_since(self, error: Exception, now: datetime) -> datetime | None:
        """Return the begin of the first attempt that may have posted it, after a failed one."""
        if self._in_doubt:
            return self._message.attempted_at
        return now if getattr(error, "code", "") == "unknown_outcome" else None

    def _send(self, payload: dict[str, Any], thread: Thread | None) -> Thread:
        """Send a message in one form, unless an earlier attempt has posted it."""
        is_update = self._message.kind == "update" and thread is not None
        if self._in_doubt and not is_update:
            try:
                posted = self._sender.find(self._message, thread)
            except ChannelMisconfiguredError:
                self.was_repeated = True
                return self._post(_marked(payload), thread)
            if posted is not None:
                log.info("message_known")
                self.was_found = True
                return posted
            self._in_doubt = False
        return self._post(payload, thread)

    def _post(self, payload: dict[str, Any], thread: Thread | None) -> Thread:
        if time.monotonic() > self._deadline:
            raise ChannelUnavailableError("the attempt took too long; another process may send it")
        return self._sender.send(self._message, payload, thread)


def _as_text(message: DueMessage) -> str:
    model = f"{escape(message.model)}: " if message.model else ""
    return f"{model}{message.payload['text']} The details were refused; see driftwarden's page."


def _marked(payload: dict[str, Any]) -> dict[str, Any]:
    """Return a payload that says that it may be a repetition."""
    marked = payload | {"text": f"{payload['text']} {MAY_BE_REPEATED}"}
    if payload.get("blocks"):
        marked["blocks"] = within_limits([context(MAY_BE_REPEATED), *payload["blocks"]])
    return marked
