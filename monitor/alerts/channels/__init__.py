"""Channels of alerts: a module for each kind, and the table of all."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import structlog

from monitor.alerts.channels.alertmanager import AlertmanagerSender
from monitor.alerts.channels.apprise import AppriseSender
from monitor.alerts.channels.pagerduty import PagerDutySender
from monitor.alerts.channels.sender import Sender
from monitor.alerts.channels.slack import SlackSender
from monitor.alerts.routes import Routes
from monitor.settings import ChannelSettings, Secrets, Sections, default_configuration
from monitor.settings.secrets import channel_secret, channel_variable

log = structlog.get_logger()


class _Site(NamedTuple):
    """The inputs of a channel."""

    name: str
    channel: ChannelSettings
    secret: str
    secrets: Secrets
    public_url: str
    receives_presses: Callable[[], bool]


class Kind(NamedTuple):
    """A kind of channels."""

    build: Callable[[_Site], Sender]
    #: Whether it works without a secret of its own.
    is_secret_optional: bool = False


#: By ``kind``.
KINDS: Mapping[str, Kind] = {
    "slack": Kind(
        lambda site: SlackSender(
            site.secrets,
            site.channel.channel,
            token=site.secret,
            receives_presses=site.receives_presses,
        )
    ),
    "apprise": Kind(lambda site: AppriseSender(site.name, site.secret, site.public_url)),
    "pagerduty": Kind(
        lambda site: PagerDutySender(site.name, site.secret, site.public_url, site.channel.url)
    ),
    "alertmanager": Kind(
        lambda site: AlertmanagerSender(site.channel.url, site.secret, site.public_url),
        is_secret_optional=True,
    ),
}


@dataclass(frozen=True)
class Channels:
    """The routes, with a sender for each channel that has its secret."""

    routes: Routes
    senders: Mapping[str, Sender] = field(default_factory=dict)
    #: When the unresolved incidents were last sent again, by name.
    repeated_at: dict[str, datetime] = field(default_factory=dict)
    #: Of what the messages say; ``None``: the defaults.
    settings: Sections | None = None

    @property
    def sections(self) -> Sections:
        """The settings of what the messages say."""
        return default_configuration() if self.settings is None else self.settings

    def reach(self, model: str) -> bool:
        """Return whether incidents of a model's drift are sent somewhere."""
        return any(name in self.senders for name in self.routes.channels_of(model, "drift"))


#: Messages stay in the outbox.
NO_CHANNELS = Channels(Routes({}, ()))


def open_channels(
    secrets: Secrets,
    settings: Sections,
    *,
    receives_presses: Callable[[], bool] = lambda: True,
) -> Channels:
    """Build the senders; a channel without its secret is warned of, and its messages wait.

    ``receives_presses`` tells whether presses of buttons in Slack can arrive.
    """
    routes = Routes.of(settings)
    if not routes.channels:
        log.warning(
            "alerts_not_sent",
            reason="no channel is configured; incidents are shown on the page only",
            needs=needs(secrets, settings),
        )
    public_url = settings.alerts.public_url
    senders = {}
    for name, channel in routes.channels.items():
        secret = _secret(secrets, name, channel)
        site = _Site(name, channel, secret, secrets, public_url, receives_presses)
        if missing_secret(secrets, name, channel):
            log.warning(
                "channel_disabled", channel=name, reason=f"{variable(name, channel)} is not set"
            )
        else:
            senders[name] = KINDS[channel.kind].build(site)
    return Channels(routes, senders, settings=settings)


def only(sender: Sender, name: str = "slack", *, settings: Sections | None = None) -> Channels:
    """Return channels of which one gets all messages."""
    channel = ChannelSettings(kind="slack", channel=name)
    return Channels(Routes({name: channel}, ()), {name: sender}, settings=settings)


def missing_secret(secrets: Secrets, name: str, channel: ChannelSettings) -> bool:
    """Return whether a channel lacks its secret."""
    return not (_secret(secrets, name, channel) or KINDS[channel.kind].is_secret_optional)


def needs(secrets: Secrets, settings: Sections) -> str:
    """Return what is to be set so that the first channel is configured; empty where one is."""
    routes = Routes.of(settings)
    lacking = [
        f"the variable {variable(name, channel)}"
        for name, channel in routes.channels.items()
        if missing_secret(secrets, name, channel)
    ]
    if routes.channels:
        return " and ".join(lacking)
    token = (
        "" if secrets.slack_bot_token.get_secret_value() else " and the variable SLACK_BOT_TOKEN"
    )
    return f"alerts.channel{token}"


def variable(name: str, channel: ChannelSettings) -> str:
    """Return the variable with the secret of a channel."""
    return "SLACK_BOT_TOKEN" if channel.kind == "slack" else channel_variable(name)


def _secret(secrets: Secrets, name: str, channel: ChannelSettings) -> str:
    secret = channel_secret(name)
    if channel.kind == "slack":
        return secret or secrets.slack_bot_token.get_secret_value()
    return secret
