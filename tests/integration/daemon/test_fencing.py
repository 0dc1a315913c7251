"""Jobs of the schedule under an ended epoch: none changes a row or posts a message."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import Mock

import msgspec
import pytest
from sqlalchemy import Engine, func, select

from monitor.alerts.actions.replies import SlackReplies
from monitor.alerts.channels import Channels
from monitor.alerts.routes import Routes
from monitor.daemon.cycle import Cycle
from monitor.daemon.leadership import Leadership
from monitor.daemon.retraining import Retraining
from monitor.daemon.schedule import build_scheduler
from monitor.settings import ChannelSettings, Configuration, Rollout, Secrets
from monitor.store.alerts.outbox import add_message
from monitor.store.alerts.slack_actions import Press, finish_press, insert_press
from monitor.store.engine import transaction
from monitor.store.leadership import acting_under, current_lease, renew_lease, take_lease
from monitor.store.tables import DriftEvaluation, Look, OutboxMessage, metadata
from monitor.store.training.registry import save_identity, version_by_id
from monitor.store.training.weights_identity import RecordedFile, RecordedFolder
from monitor.store.windows.claims import claim_drift_evaluation, fail_drift_evaluation
from retrain.registry.mlflow_mirror import MlflowMirror
from retrain.registry.stages import register_version
from retrain.rollout.transitions.promotion import promote_version
from tests.support.alerts.senders import MemorySender
from tests.support.present import utc_now
from tests.support.retrain.candidates import evaluated
from tests.support.retrain.fake_launcher import FakeLauncher
from tests.support.retrain.weights import record_without_files
from tests.support.traffic.stored_traffic import store_traffic
from tests.support.windows.assessments import make_assessment, store_evaluation

WEEK = timedelta(days=7)
MEMORY = Routes({"memory": ChannelSettings(kind="slack", channel="C1")}, ())


class Mirror(MlflowMirror):
    """A mirror to nowhere."""

    def __init__(self) -> None:
        """Need no server."""

    def follow(self, *_: Any) -> None:
        """Accept everything."""


def rows(engine: Engine) -> dict[str, list[Any]]:
    """Return all rows of all tables."""
    with transaction(engine) as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table))]
            for table in metadata.sorted_tables
            if table.name != "leadership"
        }


@pytest.fixture
def leadership(any_engine: Engine) -> Iterator[Leadership]:
    """Return the leadership of this process, which renews nothing for ten minutes."""
    leads = threading.Event()
    made = Leadership(any_engine, lease=timedelta(minutes=30))
    made.start(leads.set)
    assert leads.wait(10)
    yield made
    made.release()


def give_work(engine: Engine, now: datetime) -> None:
    """Store something to do for each job."""
    monday = now - timedelta(days=now.weekday() + 7)
    store_traffic(engine, monday.replace(hour=0, minute=0), 5, seed=1, model="desk")
    with transaction(engine) as connection:
        earlier = monday - 8 * WEEK
        store_evaluation(connection, make_assessment(0.3, model="desk"), earlier)
        store_evaluation(connection, make_assessment(0.3, model="gone"), earlier)
        claim = claim_drift_evaluation(connection, "desk", earlier - WEEK, earlier, seed=1, now=now)
        assert claim is not None
        fail_drift_evaluation(connection, claim, "broken", now)
        message: dict[str, Any] = {"payload": {"text": "a message"}, "now": now}
        add_message(
            connection, dedupe_key="m", model="desk", incident_id=None, kind="post", **message
        )
        serving, lost, candidate = (
            register_version(
                connection,
                model="desk",
                adapter_path="a",
                adapter_digest="d",
                lineage={},
                now=now,
                identity=record_without_files(now),
            )
            for _ in range(3)
        )
        row = version_by_id(connection, serving)
        promote_version(connection, row, now, by="lea", reason="first")
        for version in (lost, candidate):
            evaluated(connection, version, now)
        file = RecordedFile(name="config.json", digest="", size=1, inode=1, changed_ns=1)
        folder = RecordedFolder(path="nowhere", tensors="", acting="", files=(file,))
        record = msgspec.structs.replace(record_without_files(now), folders=(folder,))
        save_identity(connection, lost, record)
        for number in (1, 2):
            insert_press(
                connection,
                Press(
                    press=f"press {number}",
                    action="acknowledge",
                    choice="",
                    subject="incident:1",
                    version=1,
                    slack_user="U0ANN",
                    slack_channel="C1",
                    received_at=now,
                ),
            )
        finish_press(connection, 1, "refused", "No.", now)


def test_no_job_of_an_ended_epoch_changes_anything(
    any_engine: Engine, leadership: Leadership
) -> None:
    now = utc_now()
    give_work(any_engine, now)
    channel = MemorySender()
    settings = Configuration(models={"desk": {}}, rollout=Rollout(start="automatic"))
    replies = Mock(spec=SlackReplies)
    fenced, launcher = leadership.engine, FakeLauncher()
    cycle = replace(
        Cycle.build(fenced, settings, Secrets(), now),
        channels=Channels(MEMORY, {"memory": channel}),
        registry_mirror=Mirror(),
        replies=replies,
        retraining=Retraining(fenced, settings, lambda _: launcher),
    )
    jobs = build_scheduler(cycle, leadership, threading.Event()).get_jobs()
    before = rows(any_engine)

    with transaction(any_engine) as connection:
        assert renew_lease(connection, 1, timedelta())
        assert take_lease(connection, "another", timedelta()) == 2
    for job in jobs:
        assert leadership.held()  # by its own clock
        job.func()
    assert (rows(any_engine), channel.sent) == (before, [])
    replies.send.assert_not_called()

    # Each has something to do: under its own epoch, each changes rows.
    again = Leadership(any_engine, lease=timedelta(minutes=30))
    cycle = replace(cycle, engine=again.engine)
    leads = threading.Event()
    again.start(leads.set)
    assert leads.wait(10)
    changed = []
    for job in build_scheduler(cycle, again, threading.Event()).get_jobs():
        before = rows(any_engine)
        job.func()
        changed += [job.id] if rows(any_engine) != before else []
    again.release()
    # No access is to be linked, no rollout is open, no endpoint is probed, and nobody was erased.
    idle = {
        "check_erasures",
        "publish_gauges",
        "compare_rollout_responses",
        "judge_rollout_responses",
        "probe",
        "probe_canaries",
    }
    assert changed == [job.id for job in jobs if job.id not in idle]
    assert len(channel.sent) > 0
    assert replies.send.call_count == 2


def test_stopping_daemon_begins_no_job(any_engine: Engine, leadership: Leadership) -> None:
    now = utc_now()
    give_work(any_engine, now)
    settings, stop = Configuration(models={"desk": {}}), threading.Event()
    cycle = Cycle.build(leadership.engine, settings, Secrets(), now)
    stop.set()
    before = rows(any_engine)
    for job in build_scheduler(cycle, leadership, stop).get_jobs():
        job.func()
    assert rows(any_engine) == before


@pytest.mark.parametrize(
    ("job", "unit"),
    [
        ("evaluate", DriftEvaluation.epoch),
        ("look", Look.looked_until),
        ("advance", DriftEvaluation.followed_up_at),
        ("deliver", OutboxMessage.sent_at),
    ],
)
def test_job_ends_after_its_present_piece(
    engine: Engine, clock: datetime, job: str, unit: Any
) -> None:
    """SIGTERM under a backlog: the window, look, incident or message under way is the last one."""
    settings = Configuration(models={"desk": {}, "chat": {}})
    for seed, model in enumerate(("desk", "chat")):
        store_traffic(engine, clock - 2 * WEEK, 3, seed=seed, model=model, days=14.0)
    with transaction(engine) as connection:
        for n in range(3):
            start = clock - (8 + n) * WEEK
            store_evaluation(connection, make_assessment(0.3, model="desk"), start)
            message: dict[str, Any] = {"payload": {"text": "a message"}, "now": clock}
            add_message(
                connection,
                dedupe_key=f"message {n}",
                model="desk",
                incident_id=None,
                kind="post",
                **message,
            )
    channels = Channels(MEMORY, {"memory": MemorySender()})
    cycle = replace(Cycle.build(engine, settings, Secrets(), clock), channels=channels)

    def n_done() -> int:
        with transaction(engine) as connection:
            return connection.execute(select(func.count(unit))).scalar_one()

    with acting_under(1):
        getattr(cycle, job)(clock, lambda: n_done() < 1)
        assert n_done() == 1
        getattr(cycle, job)(clock)
        assert n_done() > 1


def test_lease_is_given_back_at_once(any_engine: Engine) -> None:
    lease = timedelta(seconds=3)
    first, second = (Leadership(any_engine, lease=lease, holder=name) for name in "ab")
    taken = [threading.Event(), threading.Event()]
    idle = timedelta(minutes=20)
    first.start(taken[0].set, idle=lambda: idle)
    assert taken[0].wait(5)
    second.start(taken[1].set)
    time.sleep(4)  # it is renewed
    assert (first.held(), second.held()) == (True, False)
    with transaction(any_engine) as connection:
        held = current_lease(connection)
    assert held is not None
    assert held.worked_at is not None
    assert held.expires_at - held.worked_at == lease + idle
    began = time.monotonic()
    first.release()
    assert not first.held()
    assert taken[1].wait(5)
    assert time.monotonic() - began < 1.5
    second.release()


def test_leader_without_a_database_ends_its_term(
    any_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It can't know whether another one leads: by its own clock the lease has expired."""
    leadership, leads = Leadership(any_engine, lease=timedelta(seconds=1)), threading.Event()
    leadership.start(leads.set)
    assert leads.wait(5)
    gone = threading.Event()

    def lose(*_: Any) -> None:
        gone.wait(30)

    monkeypatch.setattr("monitor.daemon.leadership.renew_lease", lose)
    time.sleep(1.5)
    assert not leadership.held()
    with leadership.acting() as leads_now:
        assert not leads_now
    gone.set()
    leadership.release()
