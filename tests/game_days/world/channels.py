"""Channels of the drill: local servers, how they fail, and their secrets."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

from tests.services.slack import CHANNEL, TOKEN, FakeSlack, Reply, running_slack
from tests.services.webhooks import Webhooks, running_webhooks

SLACK, PAGER, ALERTMANAGER, MAIL = "slack", "pager", "am", "mail"
HEARTBEATS = "heartbeat"
#: Channels that are told of every incident.
CHANNELS = (SLACK, PAGER, ALERTMANAGER)


class _Always(list[Any]):
    """A script of responses that never ends."""

    def pop(self, _index: Any = -1) -> Any:
        return self[0]


@dataclass(frozen=True)
class Servers:
    """The servers of the channels."""

    slack: FakeSlack
    pager: Webhooks
    alertmanager: Webhooks
    mail: Webhooks
    #: A service that takes heartbeats; another channel tells when they stop.
    heartbeats: Webhooks
    #: Address of the web page, which messages link.
    public_url: str = "https://drift.example.com"

    def fail(self, channel: str) -> None:
        """Let a channel take no messages until it is mended."""
        if channel == SLACK:
            self.slack.scripted_replies = _Always([Reply(status=503)])
        else:
            self._webhooks(channel).statuses = _Always([503])

    def remove_bot(self) -> None:
        """Remove the bot from the channel in Slack."""
        self.slack.is_member = False

    def mend(self, channel: str) -> None:
        """Let a channel take messages again."""
        if channel == SLACK:
            self.slack.scripted_replies, self.slack.is_member = [], True
        else:
            self._webhooks(channel).statuses = []

    def _webhooks(self, channel: str) -> Webhooks:
        return {PAGER: self.pager, ALERTMANAGER: self.alertmanager, MAIL: self.mail}[channel]

    @property
    def configuration(self) -> str:
        """The part of config.toml that names them."""
        return f"""
[alerts]
channel = "{CHANNEL}"
heartbeat_url = "{self.heartbeats.url}/ping"
fallback = "{MAIL}"
public_url = "{self.public_url}"
[alerts.channels.{PAGER}]
kind = "pagerduty"
url = "{self.pager.url}"
[alerts.channels.{ALERTMANAGER}]
kind = "alertmanager"
url = "{self.alertmanager.url}"
[alerts.channels.{MAIL}]
kind = "apprise"
"""


@contextmanager
def running_servers() -> Iterator[Servers]:
    """Serve on loopback ports, with the secrets in the environment, until the block ends."""
    with ExitStack() as stack:
        slack = stack.enter_context(running_slack())
        webhooks = [stack.enter_context(running_webhooks()) for _ in range(4)]
        pager, alertmanager, mail, heartbeats = webhooks
        variables = {
            "SLACK_BOT_TOKEN": TOKEN,
            "SLACK_API_URL": slack.url,
            f"ALERTS_{PAGER.upper()}_SECRET": "routing-key",
            f"ALERTS_{ALERTMANAGER.upper()}_SECRET": "",
            f"ALERTS_{MAIL.upper()}_SECRET": mail.url.replace("http://", "json://"),
        }
        stack.enter_context(mock.patch.dict(os.environ, variables))
        yield Servers(slack, pager, alertmanager, mail, heartbeats)
