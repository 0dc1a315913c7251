"""Channels of alerts: a module for each, and the table of all."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import structlog

from monitor.alerts.channels import slack
from monitor.alerts.channels.sender import Sender
from monitor.settings import Alerts, Secrets, Sections

log = structlog.get_logger()


class Channel(NamedTuple):
    """How a channel is built, and what it needs."""

    #: Returns ``None`` where the channel is not configured.
    build: Callable[[Secrets, Alerts], Sender | None]
    #: Returns the settings and variables that configure it and are empty.
    missing: Callable[[Secrets, Alerts], list[str]]


#: By name. Messages go to the first that is configured.
CHANNELS: Mapping[str, Channel] = {
    "slack": Channel(slack.build, slack.missing),
}


def configured_channel(secrets: Secrets, alerts: Alerts) -> tuple[str, Sender] | None:
    """Return name and sender of the channel that messages go to; ``None`` without any."""
    for name, channel in CHANNELS.items():
        sender = channel.build(secrets, alerts)
        if sender is not None:
            return name, sender
    return None


def make_sender(secrets: Secrets, alerts: Alerts) -> Sender | None:
    """Build the sender; ``None``, with a warning in the log, where no channel is configured."""
    configured = configured_channel(secrets, alerts)
    if configured is None:
        log.warning(
            "alerts_not_sent",
            reason="no channel is configured; incidents are shown on the page only",
            needs=needs(secrets, alerts),
        )
        return None
    return configured[1]


def senders_of_models(secrets: Secrets, settings: Sections) -> dict[str, Sender]:
    """Build the senders of the models whose channel differs from that of the others."""
    senders = {
        of_model.model.name: configured_channel(secrets, of_model.alerts)
        for of_model in settings.by_model
        if of_model.alerts != settings.alerts
    }
    return {model: channel[1] for model, channel in senders.items() if channel is not None}


def needs(secrets: Secrets, alerts: Alerts) -> str:
    """Return what is to be set so that one of the channels is configured."""
    return " or ".join(
        " and ".join(channel.missing(secrets, alerts)) for channel in CHANNELS.values()
    )
