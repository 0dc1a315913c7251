"""The daemon as a process, with a real Kafka and PostgreSQL, from start to SIGTERM."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from kafka import KafkaProducer
from sqlalchemy import select

from bench.services.requirement import free_port
from monitor.store.engine import make_engine, transaction
from monitor.store.migrations import head_revision
from monitor.store.tables import (
    DeadLetter,
    DriftEvaluation,
    Exchange,
    Incident,
    ReviewItem,
)
from monitor.traffic.sampling.sampler import Sampler
from tests.services.slack import CHANNEL, TOKEN, FakeSlack, slack  # noqa: F401 - a fixture
from tests.services.warm_interpreter import ForkedProcess, warm_interpreter
from tests.support.present import start_of_today, utc_now

pytestmark = [pytest.mark.kafka, pytest.mark.postgres, pytest.mark.timeout(600)]

COMMAND = Path(sys.executable).with_name("driftwarden")
SAMPLE_RATE = 0.5
TODAY = start_of_today()
#: The Thursday of last week, at noon.
LAST_WEEK = TODAY + timedelta(hours=12) - timedelta(days=TODAY.weekday() + 4)
KNOWN = ("my card was stolen in {}", "raise the limit for {}", "a statement for {} please")
#: In texts of the traffic, and nowhere else: a log must not have it.
CANARY = "zqk"
NEW = (f"can I pay with {CANARY}coin in {{}}", f"tap my watch at a {CANARY}till in {{}}")
BROKEN = (
    f"{CANARY}garbage".encode(),
    f'{{"prompt": "{CANARY}", "response": "{CANARY}", "timestamp": "{CANARY}"}}'.encode(),
    f'{{"prompt": "{CANARY}", "response": ["{CANARY}"]}}'.encode(),
    f'{{"prompt": "{CANARY}"}}'.encode(),
)
PLACES = ("Oslo", "Rome", "Paris", "Lisbon", "Vienna", "Prague", "Dublin", "Athens", "Turin")


def exchange(name: str, frames: tuple[str, ...], rng: random.Random, when: datetime) -> bytes:
    """Return a record in the plain format."""
    place = f"{rng.choice(PLACES)} {rng.randrange(10_000)}"
    return json.dumps(
        {
            "id": name,
            "timestamp": when.isoformat(),
            "model": "desk",
            "task_type": "routing",
            "user": f"{CANARY}-{rng.randrange(100_000)}",
            "prompt": rng.choice(frames).format(place),
            "response": f"queue: {CANARY}cards",
            "metadata": {"resolved": True, "note": CANARY},
        }
    ).encode()


class Daemon:
    """The command `driftwarden` with one configuration."""

    def __init__(self, folder: Path, database: str, bootstrap_servers: str, topic: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.environment = {
            **{key: value for key, value in os.environ.items() if key != "DATABASE_URL"},
            "DRIFTWARDEN_MODELS__DESK__ALIASES": "[]",
            "DRIFTWARDEN_DATABASE__URL": database,
            "DRIFTWARDEN_KAFKA__BOOTSTRAP_SERVERS": bootstrap_servers,
            "DRIFTWARDEN_KAFKA__TOPIC": topic,
            "DRIFTWARDEN_KAFKA__GROUP_ID": topic,  # other workers use the broker too
            "DRIFTWARDEN_MONITORING__SAMPLE_RATE": str(SAMPLE_RATE),
            "DRIFTWARDEN_TRAFFIC__FLUSH_INTERVAL": "500ms",
            "DRIFTWARDEN_DRIFT__N_PERMUTATIONS": "999",
            "DRIFTWARDEN_WEB__PORT": str(self.port),
        }

    def call(self, *arguments: str) -> tuple[int, str]:
        """Run a command until it ends; return its exit status and both outputs.

        As in :meth:`start_again`, its interpreter has loaded the libraries.
        """
        path = self.folder / "command.log"
        with path.open("wb") as log:
            command = warm_interpreter().start_command(
                *arguments, env=self.environment, cwd=self.folder, output=log
            )
        return command.wait(), path.read_text()

    def start(self) -> subprocess.Popen[bytes]:
        """Start `driftwarden run`."""
        with (self.folder / "daemon.log").open("ab") as log:
            return subprocess.Popen(
                [COMMAND, "run"], cwd=self.folder, env=self.environment, stdout=log, stderr=log
            )

    def start_again(self) -> ForkedProcess:
        """Start `driftwarden run` in an interpreter that has loaded its libraries."""
        with (self.folder / "daemon.log").open("ab") as log:
            return warm_interpreter().start_command(
                "run", env=self.environment, cwd=self.folder, output=log
            )

    def get(self, path: str) -> httpx.Response:
        """Send a request to the daemon's web server."""
        return httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=5)


def wait_until(
    condition: Callable[[], bool], problem: str, daemon: Daemon, seconds: float = 200
) -> None:
    """Wait for an effect of the daemon."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            log = (daemon.folder / "daemon.log").read_text(errors="replace")
            pytest.fail(f"not within {seconds} s: {problem}\n{log[-4000:]}")
        time.sleep(0.2)


@pytest.fixture
def daemon(
    tmp_path: Path, postgres_empty_database: str, bootstrap_servers: str, topic: str
) -> Daemon:
    """Return a daemon with an empty database."""
    return Daemon(tmp_path, postgres_empty_database, bootstrap_servers, topic)


def test_the_daemon_from_the_topic_to_the_queue(
    daemon: Daemon,
    producer: KafkaProducer,
    topic: str,
    slack: FakeSlack,  # noqa: F811
) -> None:
    rng = random.Random(1)
    daemon.environment |= {
        "SLACK_BOT_TOKEN": TOKEN,
        "SLACK_API_URL": slack.url,
        "DRIFTWARDEN_ALERTS__CHANNEL": CHANNEL,
    }
    engine = make_engine(daemon.environment["DRIFTWARDEN_DATABASE__URL"])

    # An empty database is refused by name, and migrated by the command that the refusal names.
    status, output = daemon.call("run")
    assert (status, "driftwarden db upgrade" in output) == (78, True)
    assert head_revision() in daemon.call("db", "upgrade")[1]

    baseline = daemon.folder / "baseline.jsonl"
    baseline.write_bytes(
        b"\n".join(
            exchange(f"b{i}", KNOWN, rng, LAST_WEEK - timedelta(days=30)) for i in range(400)
        )
    )
    status, output = daemon.call("baseline", "import", str(baseline), "--model", "desk")
    assert status == 0, output

    def produce(first: int, n: int, when: datetime) -> set[str]:
        """Produce records; return the ids that sampling keeps."""
        names = [f"r{i}" for i in range(first, first + n)]
        for name in names:
            value = exchange(name, KNOWN + NEW, rng, when)
            producer.send(topic, key=name.encode(), value=value)
        producer.flush()
        sampler = Sampler(SAMPLE_RATE)
        return {name for name in names if sampler.keeps(name.encode())}

    def stored() -> list[str]:
        statement = select(Exchange.exchange_id).where(Exchange.baseline_id.is_(None))
        with transaction(engine) as connection:
            return sorted(connection.execute(statement).scalars())

    def rows(column: object) -> list[object]:
        with transaction(engine) as connection:
            return list(connection.execute(select(column)).scalars())  # type: ignore[call-overload]

    expected = produce(0, 800, LAST_WEEK)
    for n, value in enumerate(8 * BROKEN):  # half of them are sampled
        producer.send(topic, key=b"broken%d" % n, value=value)
    producer.flush()
    running = daemon.start()
    try:
        wait_until(lambda: len(stored()) >= len(expected), "the sampled records", daemon)
        assert sorted(expected) == stored()
        assert daemon.get("/healthz").status_code == 200
        assert daemon.get("/readyz").status_code == 200
        metrics = daemon.get("/metrics").text.splitlines()
        assert 'driftwarden_evaluations_failed_total{model="desk"} 0.0' in metrics
        for gauge in ("window_seconds{", "consumer_lag_records{", "exchanges_stored_total{"):
            assert [line for line in metrics if line.startswith(f"driftwarden_{gauge}")], gauge
        assert f":{running.pid}:" in daemon.get("/readyz").json()["leader"]
        assert "driftwarden_leader 1.0" in metrics
    finally:
        running.send_signal(signal.SIGTERM)
        code = running.wait(60)
    assert code == 0, (daemon.folder / "daemon.log").read_text()[-4000:]

    # While it was down more arrived. What was stored is not read again, nothing is left out, and
    # the window that has ended is evaluated, whichever of the two runs came to it.
    expected |= produce(800, 200, utc_now())
    resumed = daemon.start_again()
    try:
        wait_until(lambda: len(stored()) >= len(expected), "the records of the pause", daemon)
        assert sorted(expected) == stored()
        wait_until(lambda: "done" in rows(DriftEvaluation.status), "the evaluation", daemon)
        wait_until(lambda: len(rows(ReviewItem.id)) > 0, "the review queue", daemon)
        assert rows(DriftEvaluation.verdict) == ["drift"]
        assert rows(Incident.status) == ["open"]
        wait_until(lambda: len(slack.messages) > 1, "the messages", daemon)
        assert len(set(rows(DeadLetter.reason))) == len(BROKEN)
    finally:
        resumed.send_signal(signal.SIGTERM)
        code = resumed.wait(60)
        engine.dispose()
    log = (daemon.folder / "daemon.log").read_text()
    assert code == 0, log[-4000:]
    assert [line for line in log.splitlines() if CANARY in line or TOKEN in line] == []
    assert_log_follows_the_alarm([json.loads(line) for line in log.splitlines()])


def assert_log_follows_the_alarm(entries: list[dict[str, Any]]) -> None:
    """Assert that the id of an evaluation leads to its incident and its messages."""
    (evaluation,) = {e["evaluation"] for e in entries if e["event"] == "evaluation_done"}
    followed = [entry for entry in entries if entry.get("evaluation") == evaluation]
    assert {
        "evaluation_started",
        "window_read",
        "evaluation_done",
        "incident_changed",
        "message_stored",
        "message_sent",
    } <= {entry["event"] for entry in followed}
    assert len({entry["incident"] for entry in followed if "incident" in entry}) == 1
    of_messages = [entry for entry in followed if entry["event"].startswith("message_")]
    assert all({"message", "incident"} <= entry.keys() for entry in of_messages)
    assert all({"model", "window_start"} <= entry.keys() for entry in followed[:1])
    (window,) = [entry for entry in followed if entry["event"] == "window_read"]
    assert len(window["records"]) == 3  # by partition, first and last offset
