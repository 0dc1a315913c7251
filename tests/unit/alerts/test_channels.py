"""Channels of alerts: kinds, secrets, routes, and what a configuration lacks."""

import pkgutil
from pathlib import Path
from typing import get_args

import pytest

from monitor.alerts import channels
from monitor.alerts.causes import CAUSES
from monitor.alerts.channels import KINDS, needs, open_channels
from monitor.alerts.routes import Routes
from monitor.errors import ConfigurationError
from monitor.settings import ChannelSettings, Configuration, Secrets, load_configuration
from monitor.settings.alerts import Subject

NO_TOKEN = Secrets(slack_bot_token="")
TOKEN = Secrets(slack_bot_token="xoxb-1")

SITE = """
alerts.channel = "C1"
alerts.fallback = "mail"

[alerts.channels.mail]
kind = "apprise"

[alerts.channels.pager]
kind = "pagerduty"

[alerts.channels.ml]
kind = "slack"
channel = "C2"

[[alerts.routes]]
models = ["router"]
causes = ["drift"]
channels = ["pager", "ml"]

[[alerts.routes]]
levels = ["info"]
channels = []

[models.router]
[models.analyst]
alerts.channel = "C3"
[models.quiet]
alerts.channel = ""
"""


def load(folder: Path, text: str) -> Configuration:
    path = folder / "c.toml"
    path.write_text(text, encoding="utf-8")
    return load_configuration(path)


def test_every_kind_of_channel_is_a_module() -> None:
    modules = {module.name for module in pkgutil.iter_modules(channels.__path__)}
    assert modules - {"http", "sender"} == set(KINDS)
    assert set(get_args(ChannelSettings.model_fields["kind"].annotation)) == set(KINDS)


def test_routes_know_every_cause_of_an_incident() -> None:
    missing = set(CAUSES) - set(get_args(Subject))
    assert not missing, f"add {missing} to Subject in monitor/settings/alerts.py"


def test_text_objects_of_mrkdwn_are_made_in_one_place() -> None:
    sources = (Path(channels.__path__[0]).parents[1]).rglob("*.py")
    makers = {path.name for path in sources if '"mrkdwn"' in path.read_text(encoding="utf-8")}
    assert makers == {"mrkdwn.py", "slack.py"}  # the latter turns markup off


def test_the_first_matching_route_names_the_channels(tmp_path: Path) -> None:
    routes = Routes.of(load(tmp_path, SITE))
    assert {
        (model, subject): routes.channels_of(model, subject)
        for model, subject in (
            ("router", "drift"),
            ("router", "decision"),
            ("analyst", "drift"),
            ("quiet", "drift"),
            ("", "digest"),
        )
    } == {
        ("router", "drift"): ("pager", "ml"),
        ("router", "decision"): ("slack", "pager", "ml"),
        ("analyst", "drift"): ("slack:C3",),
        ("quiet", "drift"): (),
        ("", "digest"): (),
    }


def test_channel_key_alone_configures_slack(tmp_path: Path) -> None:
    settings = load(tmp_path, 'alerts.channel = "C1"')
    opened = open_channels(TOKEN, settings)
    assert {name: sender.target for name, sender in opened.senders.items()} == {"slack": "C1"}
    assert opened.routes.channels_of("assistant", "drift") == ("slack",)
    assert open_channels(NO_TOKEN, settings).senders == {}


def test_secrets_of_channels_come_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load(tmp_path, SITE)
    assert set(open_channels(TOKEN, settings).senders) == {"slack", "ml", "slack:C3"}
    monkeypatch.setenv("ALERTS_MAIL_SECRET", "json://127.0.0.1:9")
    monkeypatch.setenv("ALERTS_PAGER_SECRET", "key")
    opened = open_channels(NO_TOKEN, settings)
    assert {name: sender.target for name, sender in opened.senders.items()} == {
        "mail": "apprise:mail",
        "pager": "pagerduty:pager",
    }


def test_needs_names_what_is_missing(tmp_path: Path) -> None:
    nothing, one_key = load(tmp_path, ""), load(tmp_path, 'alerts.channel = "C1"')
    assert needs(NO_TOKEN, nothing) == "alerts.channel and the variable SLACK_BOT_TOKEN"
    assert needs(TOKEN, nothing) == "alerts.channel"
    assert needs(NO_TOKEN, one_key) == "the variable SLACK_BOT_TOKEN"
    assert needs(TOKEN, one_key) == ""


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('alerts.fallback = "mail"', "alerts.fallback = 'mail'"),
        (
            '[alerts]\nchannel = "C1"\n[alerts.channels.b]\nkind = "slack"\nchannel = "C1"',
            "alerts.channels = 'b': the same channel as slack",
        ),
        ('[alerts]\nfallback = "a"\n[alerts.channels.a]\nkind = "apprise"', "alerts.fallback"),
        ('[[alerts.routes]]\nchannels = ["a"]', "alerts.routes = 'a'"),
        ('[[alerts.routes]]\ncauses = ["drifts"]\nchannels = []', "alerts.routes.0.causes.0"),
        ('[alerts.channels.a]\nkind = "slack"', "alerts.channels.a"),
        ('[alerts.channels.a]\nkind = "alertmanager"', "alerts.channels.a"),
        ('[alerts.channels.a]\nkind = "apprise"\nurl = "json://x"', "ALERTS_NAME_SECRET"),
        ('[alerts.channels.A-b]\nkind = "apprise"', "alerts.channels.A-b"),
        (
            'alerts.channel = "C1"\nalerts.channels.slack = {kind = "slack", channel = "C2"}',
            "alerts.channel = 'C1'",
        ),
        ('alerts.digest = "mon 9"', "alerts.digest = 'mon 9'"),
        ('[models.a]\nalerts.fallback = "x"', "models.a.alerts.fallback"),
    ],
)
def test_a_wrong_channel_or_route_is_named(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem.replace(".", r"\.")):
        load(tmp_path, text)
