"""One attempt to send a message, which an earlier one may have posted."""

import time
from datetime import datetime
from typing import Any

import structlog

from monitor.alerts.channels.sender import Sender
from monitor.errors import (
    ChannelMisconfiguredError,
    ChannelRefusedError,
    ChannelUnavailableError,
)
from monitor.rendering.mrkdwn import context, escape, within_limits, without_charts
from monitor.store.alerts.delivery import DueMessage, Thread

#: Said of a message whose earlier attempt may have succeeded, where that can't be looked up.
MAY_BE_REPEATED = "This may be a repetition: the response to an earlier attempt was lost."

log = structlog.get_logger()


class Attempt:
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
