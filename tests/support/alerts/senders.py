"""Channels of a local Slack, and in memory."""

from typing import Any

from pydantic import SecretStr

from monitor.alerts.channels import Channels, open_channels
from monitor.alerts.channels.slack import SlackSender
from monitor.settings import Secrets, load_configuration
from monitor.store.alerts.delivery import DueMessage, Thread
from monitor.store.alerts.outbox import Kind
from tests.services.slack import CHANNEL, TOKEN, FakeSlack


def secrets_of(server: FakeSlack, token: str = TOKEN) -> Secrets:
    """Return the secrets for a local Slack."""
    return Secrets(slack_bot_token=SecretStr(token), slack_api_url=server.url)


def slack_sender(server: FakeSlack, token: str = TOKEN, channel: str = CHANNEL) -> SlackSender:
    """Return the sender of a channel of a local Slack."""
    return SlackSender(secrets_of(server, token), channel, timeout_seconds=5)


def slack_channels(server: FakeSlack, **sections: object) -> Channels:
    """Return the channels of a configuration, with those of Slack on a local server."""
    return open_channels(secrets_of(server), load_configuration(**sections))


class MemorySender:
    """A channel that remembers what it is sent."""

    is_idempotent = False
    repeats_every = None

    def __init__(self, target: str = "memory") -> None:
        self.target = target
        #: Kind and summary of each message.
        self.sent: list[tuple[str, str]] = []
        self.payloads: list[dict[str, Any]] = []
        #: Raised in place of the next results.
        self.errors: list[Exception] = []

    def takes(self, kind: Kind, *, of_incident: bool, is_broadcast: bool) -> bool:
        """Return that all messages are taken."""
        return True

    def send(self, message: DueMessage, payload: dict[str, Any], thread: Thread | None) -> Thread:
        """Remember the message."""
        if self.errors:
            raise self.errors.pop(0)
        self.sent.append((message.kind, payload["text"]))
        self.payloads.append(payload)
        return thread or Thread(self.target, str(len(self.sent)))

    def find(self, message: DueMessage, thread: Thread | None) -> Thread | None:
        """Return that the message was not posted."""
        return None

    def check(self) -> str:
        """Return a name."""
        return "memory"

    def probe(self) -> str:
        """Return a name."""
        return "memory"
