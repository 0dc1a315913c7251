"""`python -m tests.soak.night`: a night of faults in real time, and what the engineer on call saw.

Two daemons with a real Kafka and PostgreSQL, a local Slack, and a local Alertmanager as fallback.
Prints each message with the minute of its arrival, and who leads. Kafka is down for longer than the
daemon waits before it tells, then the database, then the leader is killed, then Slack refuses.
"""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic

from bench.services.kafka import KafkaServer
from bench.services.postgres import PostgresServer
from bench.services.requirement import free_port
from tests.services.slack import CHANNEL, TOKEN, FakeSlack, running_slack
from tests.services.webhooks import Webhooks, running_webhooks
from tests.support.present import utc_now

COMMAND = Path(sys.executable).with_name("driftwarden")
TOPIC = "llm-traffic"
KNOWN = ("my card was stolen in {}", "raise the limit for {}", "a statement for {} please")
NEW = ("can I pay with bitcoin in {}", "tap my watch at a till in {}")
PLACES = ("Oslo", "Rome", "Paris", "Lisbon", "Vienna", "Prague", "Dublin", "Athens", "Turin")
#: Time that the daemon waits before it tells that nothing is read, or that Slack refuses.
PATIENCE = timedelta(minutes=15)
MARGIN = timedelta(minutes=2)
POLL_SECONDS = 1.0

CONFIGURATION = """\
models.desk.aliases = []
monitoring.sample_rate = 1.0
drift.n_permutations = 999
kafka.topic = "{topic}"
kafka.bootstrap_servers = "{bootstrap_servers}"
database.url = "{database}"
alerts.channel = "{channel}"
alerts.fallback = "pager"
[alerts.channels.pager]
kind = "alertmanager"
url = "{pager}"
"""


class Clock:
    """The time since the night began, as a clock that began at 02:00."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def __str__(self) -> str:
        seconds = int(time.monotonic() - self._began)
        return f"{2 + seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


class Night:
    """The services, the daemons, and what is told."""

    def __init__(
        self, folder: Path, database: PostgresServer, broker: KafkaServer,
        slack: FakeSlack, pager: Webhooks,
    ) -> None:  # fmt: skip
        self.folder, self.database, self.broker = folder, database, broker
        self.slack, self.pager = slack, pager
        self.clock = Clock()
        self.daemons: dict[int, subprocess.Popen[bytes]] = {}
        (folder / "config.toml").write_text(
            CONFIGURATION.format(
                topic=TOPIC,
                bootstrap_servers=broker.bootstrap_servers,
                database=database.url,
                channel=CHANNEL,
                pager=pager.url,
            )
        )
        self._environment = {
            **os.environ,
            "SLACK_BOT_TOKEN": TOKEN,
            "SLACK_API_URL": slack.url,
            "OMP_NUM_THREADS": "1",
        }

    def say(self, text: str) -> None:
        """Print a line of the story."""
        print(f"{self.clock}  {text}", flush=True)

    def call(self, *arguments: str) -> str:
        """Run a command until it ends; return what it printed."""
        done = subprocess.run(
            [COMMAND, *arguments], cwd=self.folder, env=self._environment,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            self.say(f"$ driftwarden {' '.join(arguments)}: {done.returncode} {done.stderr[-800:]}")
        return done.stdout

    def start(self) -> int:
        """Start a daemon and return the port of its page."""
        port = free_port()
        with (self.folder / f"daemon-{port}.log").open("ab") as log:
            self.daemons[port] = subprocess.Popen(
                [COMMAND, "run"], cwd=self.folder, stdout=log, stderr=log,
                env={**self._environment, "DRIFTWARDEN_WEB__PORT": str(port)},
            )  # fmt: skip
        return port

    def leader(self) -> int | None:
        """Return the port of the daemon that leads, by its metrics."""
        for port, process in self.daemons.items():
            if process.poll() is None and self._leads(port):
                return port
        return None

    def wait(self, period: timedelta) -> None:
        """Let the night go on."""
        time.sleep(period.total_seconds())

    @contextmanager
    def narrate(self) -> Iterator[None]:
        """Print each message as it arrives."""
        stop = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(stop,))
        watcher.start()
        yield
        stop.set()
        watcher.join()

    def stop(self) -> None:
        """End the daemons."""
        for process in self.daemons.values():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.daemons.values():
            process.wait(120)

    def _leads(self, port: int) -> bool:
        try:
            metrics = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=5).text
        except httpx.HTTPError:
            return False
        return any(
            line.startswith("driftwarden_leader") and line.endswith(" 1.0")
            for line in metrics.splitlines()
        )

    def _watch(self, stop: threading.Event) -> None:
        seen: dict[str, int] = {}
        n_paged = 0
        leader: int | None = 0
        while not stop.wait(POLL_SECONDS):
            for ts, message in list(self.slack.messages.items()):
                known = seen.get(ts)
                if known is None or known != message.n_updates:
                    where = "in the thread" if message.thread_ts else "to the channel"
                    verb = f"posted {where}" if known is None else "updated"
                    self.say(f"Slack, {verb}: {message.text}")
                    seen[ts] = message.n_updates
            for _, body in self.pager.accepted[n_paged:]:
                n_paged += 1
                self.say(f"Alertmanager: {_labels(body)}")
            now_leads = self.leader()
            if now_leads != leader:
                self.say(f"leader: {now_leads or 'none'}")
                leader = now_leads


def _labels(body: Any) -> str:
    alerts = body if isinstance(body, list) else [body]
    return "; ".join(json.dumps(alert.get("labels", alert), sort_keys=True) for alert in alerts)


def record(name: str, frames: tuple[str, ...], rng: random.Random, when: datetime) -> bytes:
    """Return a record in the plain format."""
    place = f"{rng.choice(PLACES)} {rng.randrange(10_000)}"
    return json.dumps(
        {
            "id": name, "timestamp": when.isoformat(), "model": "desk", "task_type": "routing",
            "user": f"user-{rng.randrange(100_000)}",
            "prompt": rng.choice(frames).format(place), "response": "queue: cards",
        }
    ).encode()  # fmt: skip


def produce(bootstrap_servers: str, stop: threading.Event, rng: random.Random) -> None:
    """Produce two records a second until the night ends."""
    producer = KafkaProducer(bootstrap_servers=bootstrap_servers, delivery_timeout_ms=3_600_000)
    n = 0
    while not stop.wait(0.5):
        name = f"night-{n}"
        producer.send(TOPIC, key=name.encode(), value=record(name, KNOWN, rng, utc_now()))
        n += 1


def spend(night: Night) -> None:
    """Run the plan of the night."""
    rng = random.Random(1)
    now = utc_now()
    last_week = now.replace(hour=12, minute=0, second=0) - timedelta(days=now.weekday() + 4)
    night.call("db", "upgrade")
    (night.folder / "baseline.jsonl").write_bytes(
        b"\n".join(record(f"b{i}", KNOWN, rng, last_week - timedelta(days=30)) for i in range(400))
    )
    night.call("baseline", "import", "baseline.jsonl")
    night.call("accounts", "add", "kim", "--role", "lead")
    admin = KafkaAdminClient(bootstrap_servers=night.broker.bootstrap_servers)
    admin.create_topics([NewTopic(TOPIC, num_partitions=2, replication_factor=1)])
    admin.close()
    producer = KafkaProducer(bootstrap_servers=night.broker.bootstrap_servers)
    for i in range(600):
        producer.send(
            TOPIC, key=f"w{i}".encode(), value=record(f"w{i}", KNOWN + NEW, rng, last_week)
        )
    producer.flush()
    stop = threading.Event()
    traffic = threading.Thread(
        target=produce, args=(night.broker.bootstrap_servers, stop, rng), daemon=True
    )
    traffic.start()
    with night.narrate():
        for _ in range(2):
            night.say(f"daemon started: {night.start()}")
        night.wait(timedelta(minutes=4))
        night.say("Kafka is killed")
        night.broker.kill()
        night.wait(PATIENCE + MARGIN)
        night.say("Kafka is back; the database is stopped")
        night.broker.start()
        night.database.stop()
        night.wait(timedelta(minutes=4))
        night.say("the database is back")
        night.database.start()
        night.wait(timedelta(minutes=4))
        leader = night.leader()
        if leader is not None:
            night.say(f"the leader {leader} is killed")
            night.daemons[leader].kill()
        night.wait(timedelta(minutes=2))
        night.say(f"a supervisor starts a daemon: {night.start()}")
        night.say("Slack refuses: not_in_channel; the incident is acknowledged by command")
        night.slack.is_member = False
        night.say(night.call("incidents", "list").strip())
        night.say(night.call("incidents", "ack", "1", "--as", "kim").strip())
        night.wait(PATIENCE + MARGIN)
        night.say(night.call("check").strip())
        night.say("Slack takes messages again")
        night.slack.is_member = True
        night.wait(timedelta(minutes=5))
        night.say(night.call("incidents", "list").strip())
        night.say("the daemons are stopped")
        night.stop()
    stop.set()


def main() -> None:
    """Run the night in a temporary folder, which stays."""
    folder = Path(tempfile.mkdtemp(prefix="driftwarden-night-"))
    with ExitStack() as stack:
        database = PostgresServer()
        stack.callback(database.remove)
        database.start()
        (folder / "kafka").mkdir()
        broker = KafkaServer(folder / "kafka")
        stack.callback(broker.kill)
        broker.start()
        slack = stack.enter_context(running_slack())
        pager = stack.enter_context(running_webhooks())
        night = Night(folder, database, broker, slack, pager)
        stack.callback(night.stop)
        spend(night)
    print(f"logs: {folder}")


if __name__ == "__main__":
    main()
