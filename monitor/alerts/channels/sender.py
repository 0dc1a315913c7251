"""The protocol of a channel that the outbox delivers to, and a base of those of incidents."""

from datetime import timedelta
from typing import Any, Protocol

from monitor.store.alerts.delivery import DueMessage, Thread
from monitor.store.alerts.outbox import Kind


class Sender(Protocol):
    """A configured channel.

    Its calls raise :class:`monitor.errors.ChannelUnavailableError` where a retry helps (with the
    code ``unknown_outcome`` where the channel may have taken the message),
    :class:`monitor.errors.ChannelMisconfiguredError` where a retry helps once somebody has mended
    the configuration, and :class:`monitor.errors.ChannelRefusedError` where this message is never
    accepted.
    """

    @property
    def target(self) -> str:
        """The destination of messages; an incident gets a new message where this changes."""

    @property
    def is_idempotent(self) -> bool:
        """Whether a message that is sent again is no second message."""

    @property
    def repeats_every(self) -> timedelta | None:
        """How often an unresolved incident is sent again; ``None``: the channel remembers it."""

    def takes(self, kind: Kind, *, of_incident: bool, is_broadcast: bool) -> bool:
        """Return whether the channel has a use for a kind of messages."""

    def send(self, message: DueMessage, payload: dict[str, Any], thread: Thread | None) -> Thread:
        """Send a message: post it, reply in the thread, or update its first message.

        The message's incident has the status of now. The payload has ``text``, a summary, and
        ``blocks``, as :mod:`monitor.alerts.messages` builds them; ``render_text`` of
        ``messages/mrkdwn.py`` renders blocks as plain text. The thread is the incident's message in
        this channel, to reply to or to update. Return the message, or empty names where the channel
        has none.
        """

    def find(self, message: DueMessage, thread: Thread | None) -> Thread | None:
        """Return the message where an earlier attempt has posted it.

        Raises:
            ChannelMisconfiguredError: The channel has no way, or no permission, to look for it.
        """

    def check(self) -> str:
        """Return where messages go, for `driftwarden check`; nobody sees a message."""

    def probe(self) -> str:
        """Send a test message, take it back, and say so."""


class IncidentSender:
    """A channel with one alert for each incident, known by its key."""

    is_idempotent = True

    def takes(self, kind: Kind, *, of_incident: bool, is_broadcast: bool) -> bool:  # noqa: ARG002
        """Return whether the message changes an incident."""
        return of_incident and kind != "reply"

    def find(self, message: DueMessage, thread: Thread | None) -> Thread | None:  # noqa: ARG002
        """Return ``None``: the same alert may be sent again."""
        return None
