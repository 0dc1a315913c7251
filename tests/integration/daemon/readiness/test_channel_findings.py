"""Findings about a channel that responds: by what became of its messages."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from monitor.alerts.channels import Channels, only, open_channels
from monitor.alerts.outbox import deliver_due
from monitor.daemon.readiness.channels import channel_checks, route_findings
from monitor.daemon.readiness.running import run_checks
from monitor.errors import ChannelRefusedError, ChannelUnavailableError
from monitor.settings import Configuration, Secrets
from monitor.store.engine import make_engine
from tests.integration.alerts.outbox_messages import add_messages
from tests.support.alerts.senders import MemorySender
from tests.support.migrated_copy import migrate
from tests.support.present import utc_now

HOUR = timedelta(hours=1)
DOWN = ChannelUnavailableError("down")
REFUSED = ChannelRefusedError("too long", code="refused")


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """Return a database whose schema is current by its own record."""
    engine = make_engine(f"sqlite:///{tmp_path / 'driftwarden.db'}")
    migrate(engine)
    return engine


def statuses(engine: Engine, channels: Channels, *, send: bool = False) -> list[str]:
    url = engine.url.render_as_string(hide_password=False)
    settings = Configuration(database={"url": url})
    (findings,) = run_checks(channel_checks(channels, settings, send=send), limit_seconds=30)
    return [finding.status for finding in findings]


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ([None], ["ok"]),
        ([DOWN], ["fail"]),
        ([DOWN, None], ["ok"]),  # the failed one follows the first that is taken
        ([REFUSED, None], ["note"]),
    ],
)
def test_a_channel_fails_after_its_last_delivery_only(
    engine: Engine, errors: list[Any], expected: list[str]
) -> None:
    sender = MemorySender()
    now = utc_now() - HOUR
    for number, error in enumerate(errors):
        sender.errors = [] if error is None else [error] * 2  # a refused one is sent simpler
        add_messages(engine, 1, now, subject=f"digest {number}")
        deliver_due(engine, only(sender), now)
        sender.errors = []
        now += timedelta(seconds=5)
    assert statuses(engine, only(sender)) == expected


def test_a_test_message_proves_a_channel_that_failed(engine: Engine) -> None:
    sender = MemorySender()
    sender.errors = [DOWN]
    add_messages(engine, 1, utc_now() - HOUR)
    deliver_due(engine, only(sender), utc_now() - HOUR)
    assert statuses(engine, only(sender), send=True) == ["note", "ok"]


@pytest.mark.parametrize(("kind", "n"), [("slack", 1), ("pagerduty", 0), ("apprise", 0)])
def test_a_fallback_of_the_same_service_is_noted(kind: str, n: int) -> None:
    fallback = {"kind": kind} | ({"channel": "C2"} if kind == "slack" else {})
    channels = {"team": {"kind": "slack", "channel": "C1"}, "second": fallback}
    settings = Configuration(alerts={"channels": channels, "fallback": "second"})
    findings = route_findings(settings, Secrets(), open_channels(Secrets(), settings))
    texts = [finding.message for finding in findings]
    assert sum("alerts.fallback fails with team" in text for text in texts) == n
