"""When a heartbeat is sent, and when none is."""

import time
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from threading import Event
from unittest.mock import Mock

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, update
from structlog.testing import capture_logs

from monitor.alerts.channels import NO_CHANNELS, Channels
from monitor.alerts.channels import http as channel_http
from monitor.alerts.heartbeat import HeartbeatSender
from monitor.alerts.incidents import report
from monitor.alerts.outbox import deliver_due
from monitor.alerts.routes import Routes
from monitor.daemon import heartbeat
from monitor.daemon.cycle import Cycle
from monitor.daemon.heartbeat import HUNG_AFTER_SECONDS, TELLING, FinishedJobs, Heartbeats
from monitor.daemon.leadership import Leadership
from monitor.daemon.schedule import build_scheduler
from monitor.errors import (
    ChannelMisconfiguredError,
    ChannelUnavailableError,
    ConfigurationError,
    DatabaseUnavailableError,
    DriftwardenError,
)
from monitor.settings import Alerts, ChannelSettings, Configuration, Secrets, load_configuration
from monitor.store.engine import make_engine, transaction
from monitor.store.tables import OutboxMessage
from monitor.store.traffic.offsets import claim, record_caught_up
from tests.integration.daemon.heartbeats.receiver import Receiver, running_receiver
from tests.support.alerts.senders import MemorySender
from tests.support.command import Run, run_command  # noqa: F401
from tests.support.present import utc_now

SECRET = "4f2a-not-to-be-logged"
HOUR = timedelta(hours=1)
NO_SECRET = SecretStr("")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as running:
        yield running


@pytest.fixture
def jobs() -> FinishedJobs:
    """Return jobs that have just succeeded, by a clock that stands still."""
    jobs = FinishedJobs(lambda: 1000.0)
    for name in TELLING:
        jobs.succeeded(name)
    return jobs


@pytest.fixture
def heartbeats(
    engine: Engine,
    clock: datetime,
    receiver: Receiver,
    jobs: FinishedJobs,
    monkeypatch: pytest.MonkeyPatch,
) -> Heartbeats:
    """Return the job of a leader that has run for an hour, and whose topic is read."""
    monkeypatch.setattr(heartbeat, "EVERY_SECONDS", 0.0)
    with transaction(engine) as connection:
        claim(connection, "llm-traffic", 0, first=0, now=clock)
        record_caught_up(connection, "llm-traffic", {0: clock})
    sender = HeartbeatSender(receiver.url, NO_SECRET)
    settings = Configuration(models={"desk": {}})
    return Heartbeats(sender, engine, settings, NO_CHANNELS, clock - HOUR, jobs)


def always() -> bool:
    return True


def test_a_healthy_leader_sends_one_each_period(
    heartbeats: Heartbeats, clock: datetime, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = count(time.monotonic(), step=5.0)
    monkeypatch.setattr(heartbeat, "EVERY_SECONDS", 60.0)
    monkeypatch.setattr("monitor.daemon.heartbeat.time.monotonic", lambda: next(ticks))
    for _ in range(30):
        heartbeats.send(clock, always)
    assert 3 <= receiver.count() <= 5


def test_a_leader_without_a_finished_job_sends_none(
    heartbeats: Heartbeats, clock: datetime, receiver: Receiver, jobs: FinishedJobs
) -> None:
    jobs.forget("watch")
    with capture_logs() as lines:
        heartbeats.send(clock, always)
    assert receiver.count() == 0
    assert not lines  # it begins


def test_only_the_leader_sends_them(
    heartbeats: Heartbeats, clock: datetime, receiver: Receiver
) -> None:
    with transaction(heartbeats.engine) as connection:
        record_caught_up(connection, "llm-traffic", {0: utc_now()})
    leadership = Mock(spec=Leadership)
    cycle = Cycle.build(heartbeats.engine, heartbeats.settings, Secrets(), clock)
    scheduler = build_scheduler(cycle, leadership, Event(), sender=heartbeats.sender)
    jobs = {job.id: job.func for job in scheduler.get_jobs()}

    def run(*names: str, leads: bool) -> int:
        leadership.held.return_value = leads
        leadership.acting.side_effect = lambda: nullcontext(leads)
        before = receiver.count()
        for name in names:
            jobs[name]()
        return receiver.count() - before

    assert run("heartbeat", leads=True) == 0  # nothing is done yet
    assert run(*TELLING, "heartbeat", leads=True) == 1
    assert run(*TELLING, "heartbeat", leads=False) == 0
    assert run("heartbeat", leads=True) == 0  # what it did in an earlier term does not count
    assert run(*TELLING, "heartbeat", leads=True) == 1


@pytest.mark.parametrize("name", TELLING)
def test_a_hung_job_ends_the_heartbeats(
    heartbeats: Heartbeats, clock: datetime, receiver: Receiver, name: str
) -> None:
    now = 0.0
    heartbeats.jobs = FinishedJobs(lambda: now)
    for job in TELLING:
        heartbeats.jobs.succeeded(job)
    now = HUNG_AFTER_SECONDS - 1
    assert heartbeats.jobs.idle(TELLING) == timedelta(seconds=now)
    heartbeats.send(clock, always)
    assert receiver.count() == 1

    for job in set(TELLING) - {name}:
        heartbeats.jobs.succeeded(job)
    now = HUNG_AFTER_SECONDS + 1
    heartbeats.send(clock, always)
    assert receiver.count() == 1
    assert name in heartbeats.silence_reason(clock)
    assert heartbeats.jobs.idle(TELLING) == timedelta(seconds=now)
    heartbeats.jobs.forget(name)
    assert heartbeats.jobs.idle(TELLING) is None


def test_an_unconfirmed_topic_ends_the_heartbeats(
    heartbeats: Heartbeats, clock: datetime, receiver: Receiver
) -> None:
    heartbeats.send(clock + timedelta(minutes=14), always)
    assert receiver.count() == 1
    heartbeats.send(clock + timedelta(minutes=16), always)
    assert receiver.count() == 1


def test_a_database_that_is_away_ends_the_heartbeats(
    heartbeats: Heartbeats, clock: datetime, receiver: Receiver
) -> None:
    heartbeats.engine = make_engine("postgresql://127.0.0.1:9/none")
    with pytest.raises(DatabaseUnavailableError):
        heartbeats.send(clock, always)
    assert receiver.count() == 0


def test_a_process_that_stops_sends_none(
    heartbeats: Heartbeats, clock: datetime, receiver: Receiver
) -> None:
    heartbeats.send(clock, lambda: False)
    assert receiver.count() == 0


@pytest.mark.parametrize("fallback", ["", "lacks its secret", "works"])
def test_silence_tells_where_no_channel_takes_messages(
    heartbeats: Heartbeats,
    clock: datetime,
    receiver: Receiver,
    engine: Engine,
    fallback: str,
) -> None:
    slack, mail = MemorySender("slack"), MemorySender("mail")
    slack.errors = [ChannelUnavailableError("away")] * 9
    settings = ChannelSettings(kind="slack", channel="C1")
    names = {"slack": settings} | ({"mail": settings} if fallback else {})
    routes = Routes(names, (), fallback="mail" if fallback else "")
    senders = {"slack": slack} | ({"mail": mail} if fallback == "works" else {})
    heartbeats.channels = Channels(routes, senders)
    with transaction(engine) as connection:
        report(connection, "records_lost", "", clock, text="gone", alerts=Alerts())
    deliver_due(engine, heartbeats.channels, clock)
    heartbeats.send(clock, always)
    assert receiver.count() == 1

    with transaction(engine) as connection:
        connection.execute(
            update(OutboxMessage)
            .where(OutboxMessage.failing_since.is_not(None))
            .values(failing_since=clock - HOUR)
        )
    heartbeats.send(clock, always)
    assert receiver.count() == (2 if fallback == "works" else 1)
    heartbeats.send(clock + timedelta(minutes=16), always)  # nothing is read, which mail tells
    assert receiver.count() == (3 if fallback == "works" else 1)


def test_a_daemon_that_soon_ends_sends_none(
    heartbeats: Heartbeats, clock: datetime, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "EVERY_SECONDS", 60.0)
    seconds = 0.0
    monkeypatch.setattr("monitor.daemon.heartbeat.time.monotonic", lambda: seconds)
    started = Heartbeats(
        heartbeats.sender, heartbeats.engine, heartbeats.settings, NO_CHANNELS, clock - HOUR,
        heartbeats.jobs,
    )  # fmt: skip
    for seconds in (5.0, 45.0):  # noqa: B007 - of the clock
        started.send(clock, always)
    assert receiver.count() == 0
    seconds = 60.0
    started.send(clock, always)
    assert receiver.count() == 1


def test_a_refused_heartbeat_is_logged_once(
    heartbeats: Heartbeats, clock: datetime, receiver: Receiver
) -> None:
    receiver.status = 503
    with capture_logs() as lines:
        for _ in range(3):
            heartbeats.send(clock, always)
        receiver.status = 200
        for _ in range(2):
            heartbeats.send(clock, always)
    assert [line["event"] for line in lines] == ["heartbeat_not_sent", "heartbeat_sent"]
    assert receiver.count() == 5


@pytest.mark.parametrize(
    ("status", "content", "error"),
    [
        (200, b"OK", None),
        (204, b"", None),
        (200, b'{"ok": true}', None),
        (200, b"OK (not found)", ChannelMisconfiguredError),
        (200, b"OK (rate limited)", ChannelMisconfiguredError),
        (200, b"<!DOCTYPE html>\n<html><title>Sign in</title>", ChannelMisconfiguredError),
        (404, b"no", ChannelMisconfiguredError),
        (503, b"no", ChannelUnavailableError),
        (429, b"no", ChannelUnavailableError),
    ],
)
def test_response_decides_whether_a_heartbeat_was_taken(
    receiver: Receiver, status: int, content: bytes, error: type[DriftwardenError] | None
) -> None:
    receiver.status, receiver.content = status, content
    sender = HeartbeatSender(f"{receiver.url}/{{secret}}", SecretStr(SECRET))
    if error is None:
        sender.send()
    else:
        with pytest.raises(error) as refused:
            sender.send()
        assert SECRET not in str(refused.value)
    assert [path for _, path in receiver.heartbeats] == [f"/{SECRET}"]


def test_redirects_are_not_followed(receiver: Receiver) -> None:
    with running_receiver() as another:
        receiver.status, receiver.location = 302, f"{another.url}/{SECRET}"
        with pytest.raises(ChannelMisconfiguredError) as refused:
            HeartbeatSender(receiver.url, NO_SECRET).send()
        assert another.count() == 0
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("place", ["http://127.0.0.1:9/{secret}", "http://127.0.0.1:{secret}/"])
def test_no_error_quotes_the_secret(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel_http, "TIMEOUT_SECONDS", 1.0)
    with pytest.raises(ChannelUnavailableError) as failed:
        HeartbeatSender(place, SecretStr(SECRET)).send()
    assert SECRET not in str(failed.value)
    assert failed.value.__cause__ is None


def test_a_missing_secret_disables_the_heartbeats() -> None:
    alerts = Alerts(heartbeat_url="https://hc-ping.com/{secret}")
    assert HeartbeatSender.build(Alerts(), Secrets()) is None
    with capture_logs() as lines:
        assert HeartbeatSender.build(alerts, Secrets()) is None
    assert [line["event"] for line in lines] == ["heartbeat_disabled"]
    assert HeartbeatSender.build(alerts, Secrets(heartbeat_secret="x")) is not None


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("hc-ping.com/{secret}", "an address"),
        ("https://hc-ping.com/5f0e1d2c-1111-2222-3333-444455556666", "HEARTBEAT_SECRET"),
    ],
)
def test_an_address_is_checked(tmp_path: Path, address: str, problem: str) -> None:
    file = tmp_path / "c.toml"
    file.write_text(f'alerts.heartbeat_url = "{address}"')
    with pytest.raises(ConfigurationError, match=problem):
        load_configuration(file)


@pytest.mark.parametrize("send", [False, True])
def test_check_sends_a_heartbeat_on_request_only(
    tmp_path: Path,
    receiver: Receiver,
    run_command: Run,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    send: bool,
) -> None:
    monkeypatch.setattr("monitor.daemon.readiness.checks.encoder_finding", lambda *_: ())
    monkeypatch.setenv("HEARTBEAT_SECRET", SECRET)
    (tmp_path / "config.toml").write_text(
        f'database.url = "sqlite:///{tmp_path / "d.db"}"\n'
        'kafka.bootstrap_servers = "127.0.0.1:9"\n'
        f'alerts.heartbeat_url = "{receiver.url}/{{secret}}"\n'
    )
    lines = run_command("check", *(["--send"] if send else [])).stdout.splitlines()
    (line,) = [line for line in lines if line[5:].startswith("heartbeat ")]
    assert line.startswith("ok  ")
    assert SECRET not in line
    assert receiver.count(f"/{SECRET}") == receiver.count() == send
