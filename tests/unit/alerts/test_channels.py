"""Channels of alerts: listed, unconfigured by default, and what each needs exists."""

import pkgutil
import re

import pytest

from monitor.alerts import channels
from monitor.alerts.channels import CHANNELS, configured_channel, needs
from monitor.settings import Alerts, Secrets


def test_every_channel_is_a_module_in_the_table() -> None:
    modules = {module.name for module in pkgutil.iter_modules(channels.__path__)} - {"sender"}
    assert modules == set(CHANNELS)


@pytest.mark.parametrize("name", CHANNELS)
def test_every_channel_is_off_by_default_and_needs_real_settings(name: str) -> None:
    assert CHANNELS[name].build(Secrets(), Alerts()) is None
    needs = " and ".join(CHANNELS[name].missing(Secrets(), Alerts()))
    settings = re.findall(r"\balerts\.(\w+)", needs)
    assert settings
    assert set(settings) <= set(Alerts.model_fields)
    variables = re.findall(r"\b[A-Z]+_[A-Z_]+\b", needs)
    assert {variable.lower() for variable in variables} <= set(Secrets.model_fields)


def test_the_first_configured_channel_takes_the_messages() -> None:
    alerts, secrets = Alerts(channel="C01"), Secrets(slack_bot_token="xoxb-1")
    configured = configured_channel(secrets, alerts)
    assert configured is not None
    assert "slack" == configured[0]
    assert configured_channel(Secrets(slack_bot_token=""), alerts) is None


def test_what_is_missing_is_named_and_nothing_else() -> None:
    without_token = Secrets(slack_bot_token="")
    assert "alerts.channel and the variable SLACK_BOT_TOKEN" == needs(without_token, Alerts())
    assert "the variable SLACK_BOT_TOKEN" == needs(without_token, Alerts(channel="C01"))
    assert "alerts.channel" == needs(Secrets(slack_bot_token="xoxb-1"), Alerts())
