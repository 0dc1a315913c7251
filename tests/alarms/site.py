"""A site under test: Kafka, PostgreSQL on a disk of its own, Slack, two daemons, traffic."""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import psycopg2
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic
from sqlalchemy import make_url

from bench.services.kafka import KafkaServer
from bench.services.postgres import PostgresServer
from bench.services.requirement import free_port
from tests.alarms.evaluation import VARIABLE
from tests.services.slack import CHANNEL, TOKEN, FakeSlack, running_slack
from tests.support.present import start_of_today, utc_now

ROOT = Path(__file__).resolve().parents[2]
TOPIC = "llm-traffic"
DISK_MEGABYTES = 400
RECORDS_PER_SECOND = 10
CONFIGURATION = """\
models.desk.aliases = []
models.chat.aliases = []
models.shop.aliases = []
monitoring.sample_rate = 1.0
monitoring.drift_detection = "daily"
monitoring.large_changes = "off"
drift.n_permutations = 999
drift.higher_is_better = ["resolved"]
traffic.flush_interval = "500ms"
kafka.topic = "{topic}"
kafka.bootstrap_servers = "{bootstrap_servers}"
kafka.session_timeout = "6s"
database.url = "{database}"
alerts.channel = "{channel}"
"""


class Site:
    """The services and the daemons, each of which can be failed and mended."""

    def __init__(
        self, folder: Path, disk: "Disk", database: PostgresServer, broker: KafkaServer,
        slack: FakeSlack, factor: float,
    ) -> None:  # fmt: skip
        self.folder, self.disk, self.database = folder, disk, database
        self.broker, self.slack = broker, slack
        self.ports = [free_port(), free_port()]
        self.daemons: dict[int, subprocess.Popen[bytes]] = {}
        self._faults = folder / "evaluation-faults.json"
        self._rng = random.Random(1)
        (folder / "config.toml").write_text(
            CONFIGURATION.format(
                topic=TOPIC, bootstrap_servers=broker.bootstrap_servers, database=database.url,
                channel=CHANNEL,
            )
        )  # fmt: skip
        own = {n: v for n, v in os.environ.items() if not n.startswith("DRIFTWARDEN_")}
        self._environment = {
            **own,
            "PYTHONPATH": str(ROOT),
            "TMPDIR": str(disk.folder),
            "SLACK_BOT_TOKEN": TOKEN,
            "SLACK_API_URL": slack.url,
            "OMP_NUM_THREADS": "1",
            "ALARMS_FACTOR": str(factor),
            VARIABLE: str(self._faults),
        }

    @property
    def targets(self) -> list[str]:
        """The addresses of the daemons."""
        return [f"127.0.0.1:{port}" for port in self.ports]

    def call(self, *arguments: str) -> str:
        """Run a command until it ends; return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "tests.alarms.daemon", *arguments],
            cwd=self.folder, env=self._environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"driftwarden {' '.join(arguments)}: {done.stderr[-2000:]}")
        return done.stdout

    def start(self, port: int) -> None:
        """Start a daemon."""
        with (self.folder / f"daemon-{port}.log").open("ab") as log:
            self.daemons[port] = subprocess.Popen(
                [sys.executable, "-m", "tests.alarms.daemon", "run"],
                cwd=self.folder, stdout=log, stderr=log,
                env={**self._environment, "DRIFTWARDEN_WEB__PORT": str(port)},
            )  # fmt: skip

    def metrics(self, port: int) -> str:
        """Return the output of /metrics; empty where the daemon doesn't respond."""
        with suppress(httpx.HTTPError):
            return httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=5).text
        return ""

    def leader(self) -> int | None:
        """Return the port of the daemon that leads."""
        leading = (p for p in self.daemons if "\ndriftwarden_leader 1.0\n" in self.metrics(p))
        return next(leading, None)

    def require_leader(self) -> int:
        """Return the port of the daemon that leads; there must be one."""
        port = self.leader()
        if port is None:
            raise RuntimeError("no daemon leads")
        return port

    def produce(self, model: str, day: datetime, n: int, resolved: float = 0.9) -> None:
        """Produce records of a day."""
        producer = KafkaProducer(bootstrap_servers=self.broker.bootstrap_servers)
        for i in range(n):
            name = f"{model}-{day:%Y%m%d}-{i}"
            when = day + timedelta(seconds=self._rng.randrange(86_400))
            producer.send(TOPIC, key=name.encode(), value=self.record(name, model, when, resolved))
        producer.flush()
        producer.close()

    def record(self, name: str, model: str, when: datetime, resolved: float = 0.9) -> bytes:
        """Return a record in the plain format."""
        return json.dumps(
            {
                "id": name, "timestamp": when.isoformat(), "model": model,
                "task_type": "routing", "user": f"user-{self._rng.randrange(100_000)}",
                "prompt": f"my card {self._rng.randrange(10**6)} was stolen",
                "response": "queue: cards", "metadata": {"resolved": self._rng.random() < resolved},
            }
        ).encode()  # fmt: skip

    def set_evaluation_fault(self, model: str, fault: str, end: datetime) -> None:
        """Let each evaluation of a window crash or hang."""
        self._faults.write_text(json.dumps({model: {"fault": fault, "end": end.isoformat()}}))

    def mend_evaluations(self) -> None:
        """Let evaluations succeed."""
        self._faults.unlink(missing_ok=True)

    @contextmanager
    def lock(self, statement: str) -> Iterator[None]:
        """Hold the lock of a statement, in a transaction of somebody else."""
        url = make_url(self.database.url)
        connection = psycopg2.connect(
            host=url.host, port=url.port, user=url.username, dbname=url.database
        )
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                yield
        finally:
            connection.rollback()
            connection.close()

    @contextmanager
    def traffic(self) -> Iterator[None]:
        """Produce traffic of now in the background."""
        stop = threading.Event()

        def run() -> None:
            producer = KafkaProducer(
                bootstrap_servers=self.broker.bootstrap_servers, delivery_timeout_ms=3_600_000
            )
            n = 0
            while not stop.wait(1 / RECORDS_PER_SECOND):
                name = f"live-{n}"
                record = self.record(name, "desk", utc_now())
                producer.send(TOPIC, key=name.encode(), value=record)
                n += 1
            producer.close(timeout=1)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(10)

    def stop(self) -> None:
        """End the daemons, frozen ones too."""
        for process in self.daemons.values():
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for process in self.daemons.values():
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class Disk:
    """A small file system in memory, which can be filled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filling = folder / "filling"

    @property
    def is_own(self) -> bool:
        """Whether it is a file system of its own, which only root can make."""
        return self.folder.is_mount()

    def fill(self) -> None:
        """Write until no space is left."""
        with self._filling.open("wb", buffering=0) as file, suppress(OSError):
            for size in (1 << 20, 1 << 12):
                with suppress(OSError):
                    while file.write(b"\0" * size):
                        pass

    def free(self) -> None:
        """Delete what filled it."""
        self._filling.unlink(missing_ok=True)


@contextmanager
def mounted_disk(folder: Path) -> Iterator[Disk]:
    """Mount a small file system; without the right to, yield the plain folder."""
    folder.mkdir(mode=0o1777)
    folder.chmod(0o1777)
    options = f"size={DISK_MEGABYTES}m,mode=1777"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, check=False
    )
    try:
        yield Disk(folder)
    finally:
        if mounted.returncode == 0:
            subprocess.run(["umount", "--lazy", folder], check=True)


@contextmanager
def running_site(folder: Path, factor: float) -> Iterator[Site]:
    """Run a site whose daemons have evaluated what is due and told of one incident."""
    with ExitStack() as stack:
        # PostgreSQL's user must pass through; pytest's folders are closed to others.
        base = Path(tempfile.mkdtemp(prefix="driftwarden-alarms-"))
        stack.callback(lambda: subprocess.run(["rm", "-rf", base], check=False))
        base.chmod(0o755)
        disk = stack.enter_context(mounted_disk(base / "disk"))
        before, tempfile.tempdir = tempfile.tempdir, str(disk.folder)
        try:
            database = PostgresServer()
        finally:
            tempfile.tempdir = before
        stack.callback(database.remove)
        database.start()
        (folder / "kafka").mkdir()
        broker = KafkaServer(folder / "kafka")
        stack.callback(broker.kill)
        broker.start()
        admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
        admin.create_topics([NewTopic(TOPIC, num_partitions=2, replication_factor=1)])
        admin.close()
        slack = stack.enter_context(running_slack())
        site = Site(folder, disk, database, broker, slack, factor)
        stack.callback(site.stop)
        site.call("db", "upgrade")
        _import_baseline(site)
        site.call("accounts", "add", "kim", "--role", "lead")
        # Yesterday's window drifted: an incident, whose changes are messages.
        site.produce("desk", midnight() - timedelta(days=1), 300, resolved=0.3)
        site.produce("chat", midnight() - timedelta(days=1), 20)
        for port in site.ports:
            site.start(port)
        stack.enter_context(site.traffic())
        yield site


def midnight() -> datetime:
    """Return the begin of today, in UTC."""
    return start_of_today()


def _import_baseline(site: Site) -> None:
    lines = [
        site.record(f"b{day}-{i}", "desk", midnight() - timedelta(days=40 + day))
        for day in range(28)
        for i in range(50)
    ]
    (site.folder / "baseline.jsonl").write_bytes(b"\n".join(lines))
    site.call("baseline", "import", "baseline.jsonl", "--model", "desk")
