"""A real Kafka: at KAFKA_BOOTSTRAP_SERVERS, or started here in KRaft mode from Maven's jars."""

import base64
import fcntl
import os
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import NewTopic

from bench.services.kafka_jars import kafka_jars
from bench.services.requirement import free_port, program

JAVA_HINT = "install Java 17 or newer (`apt-get install openjdk-17-jre-headless`)"
LOG4J = """\
status=error
appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%d %p %m (%c)%n
rootLogger.level=warn
rootLogger.appenderRef.console.ref=console
"""


def class_archive(java: str) -> Path:
    """Return the archive of the broker's loaded classes, with which it starts in half the time.

    Each build of Java has its own; Java ignores an archive that doesn't fit.
    """
    folder, built = kafka_jars(), int(Path(java).resolve().stat().st_mtime)
    return folder.with_name(f"{folder.name}-classes-{built}.jsa")


#: A broker that lives for seconds gains nothing from the optimizing compiler and many collectors.
JAVA_OPTIONS = ("-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
ENDED_BY_SIGTERM = 143
#: Some seconds; on a machine that does much else, a minute was too short once.
START_SECONDS = 180.0


class KafkaServer:
    """One broker, which can be stopped, killed and started again on the same data."""

    def __init__(
        self,
        folder: Path,
        *,
        properties: Mapping[str, str] | None = None,
        scram: Sequence[str] = (),
    ) -> None:
        """Format the storage; nothing runs yet.

        Args:
            folder: For data, configuration and log.
            properties: Further lines of server.properties; ``listeners`` adds to the plain one.
            scram: SCRAM credentials, as the StorageTool takes them.
        """
        self.folder = folder
        self._properties = dict(properties or {})
        self._scram = scram
        self.port = free_port()
        self.bootstrap_servers = f"127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        self._classpath = f"{kafka_jars()}/*"
        self._java = program("java", JAVA_HINT)
        self._class_archive = class_archive(self._java)
        self.has_archive = self._class_archive.exists()
        self._format()

    def start(self, *java_options: str) -> None:
        """Start the broker and wait until it listens."""
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(*self._command(), *java_options),
                    f"-Dlog4j2.configurationFile={self.folder / 'log4j2.properties'}",
                    *("kafka.Kafka", str(self.folder / "server.properties")),
                ],
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C in the terminal is ours: we end it in order
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.1)
        raise RuntimeError(
            f"Kafka did not start:\n{(self.folder / 'server.log').read_text()[-3000:]}"
        )

    @contextmanager
    def running(self) -> Iterator[None]:
        """Start the broker, stop it at the end, and archive its classes if no run did before."""
        archive = self.folder / "classes.jsa"
        self.start(*([] if self.has_archive else [f"-XX:ArchiveClassesAtExit={archive}"]))
        yield
        if self.has_archive:
            self.kill()
            return
        self.stop(START_SECONDS)  # it writes the archive
        # Another run may archive at the same moment; a broker that was killed leaves half of it.
        if self.process and self.process.returncode == ENDED_BY_SIGTERM and archive.exists():
            copy = Path(f"{self._class_archive}.{os.getpid()}")
            shutil.copy(archive, copy)
            copy.rename(self._class_archive)

    def stop(self, seconds: float = 30.0) -> None:
        """End the broker in good order, or kill it after a time."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """End the broker as a power cut does."""
        if self.process:
            self.process.kill()
            self.process.wait()

    def _command(self) -> list[str]:
        archive = [f"-XX:SharedArchiveFile={self._class_archive}"] if self.has_archive else []
        return [self._java, *JAVA_OPTIONS, *archive, "-cp", self._classpath]

    def _format(self) -> None:
        controller = free_port()
        properties = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "listeners": f"PLAINTEXT://{self.bootstrap_servers},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap_servers}",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": str(self.folder / "data"),
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "4",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "transaction.state.log.num.partitions": "4",
            "group.initial.rebalance.delay.ms": "0",
            "group.min.session.timeout.ms": "1000",
            # After a kill the controller lets the broker in again once its old session is over.
            "broker.session.timeout.ms": "3000",
            "broker.heartbeat.interval.ms": "1000",
            # Else the controller writes twice a second, a quarter of what an idle broker does.
            "metadata.max.idle.interval.ms": "0",
            "log.retention.check.interval.ms": "1000",
            "auto.create.topics.enable": "false",
            "message.max.bytes": "20000000",
        }
        for key in ("listeners", "advertised.listeners", "listener.security.protocol.map"):
            further = self._properties.pop(key, "")
            properties[key] += f",{further}" if further else ""
        properties |= self._properties
        lines = "".join(f"{key}={value}\n" for key, value in properties.items())
        (self.folder / "server.properties").write_text(lines)
        (self.folder / "log4j2.properties").write_text(LOG4J)
        # One in 64 ids begins with "-"; after "-t" the tool would take it for an option.
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        result = subprocess.run(
            [
                *(*self._command(), "kafka.tools.StorageTool", "format", f"--cluster-id={cluster}"),
                *("-c", str(self.folder / "server.properties")),
                *(part for credential in self._scram for part in ("--add-scram", credential)),
            ],
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if result.returncode:
            raise RuntimeError(f"Kafka's StorageTool failed: {result.stdout[-2000:]}")


def archive_classes() -> None:
    """Archive the classes of a broker in use, for the brokers that workers start beside each other.

    Without it each worker's broker starts without an archive, and makes one at its end.
    """
    with tempfile.TemporaryDirectory() as folder:
        server = KafkaServer(Path(folder))
        if server.has_archive:
            return
        with server.running():
            _use(server.bootstrap_servers)


def _use(servers: str) -> None:
    """Make a topic, produce a record and consume it in a group."""
    with closing(KafkaAdminClient(bootstrap_servers=servers)) as admin:
        admin.create_topics([NewTopic("records", num_partitions=3, replication_factor=1)])
    with closing(KafkaProducer(bootstrap_servers=servers)) as producing:
        producing.send("records", b"record").get(30)
    consumer = KafkaConsumer(
        "records", bootstrap_servers=servers, group_id="group", auto_offset_reset="earliest"
    )
    with closing(consumer):
        consumer.poll(5000)
        consumer.commit()


@contextmanager
def shared_broker(folder: Path) -> Iterator[str]:
    """Share a broker with the processes that name the same folder; the one that started it ends it.

    A broker that waits takes a fortieth of a processor, and one that starts takes four seconds.
    """
    address, start = folder / "kafka-address", folder / "kafka-start"

    def leave() -> None:
        with _locked(start):  # whoever has read the address is a user by now
            address.unlink()
        fcntl.flock(users, fcntl.LOCK_EX)  # once the others have left

    with (folder / "kafka-users").open("w") as users, ExitStack() as stack:
        with _locked(start):
            if address.exists():
                servers = address.read_text()
            else:
                server = KafkaServer(Path(tempfile.mkdtemp(dir=folder, prefix="kafka-")))
                stack.enter_context(server.running())
                servers = server.bootstrap_servers
                address.write_text(servers)
                stack.callback(leave)
            fcntl.flock(users, fcntl.LOCK_SH)
        yield servers
        fcntl.flock(users, fcntl.LOCK_UN)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def bootstrap_servers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """A broker for the whole session, which its workers share."""
    if inputs := os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        return inputs
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    stack = ExitStack()
    # At a test's end the wait for the other workers would count as that test's time.
    request.config.add_cleanup(stack.close)
    return stack.enter_context(shared_broker(folder))


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[KafkaServer]:
    """A broker of the test's own, not started yet, to stop and start at will."""
    folder = tmp_path / "kafka"
    folder.mkdir()
    server = KafkaServer(folder)
    yield server
    server.kill()


@pytest.fixture(scope="module")
def module_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    """A broker for the tests of a module that read or damage its files."""
    server = KafkaServer(tmp_path_factory.mktemp("kafka"))
    server.start()
    yield server
    server.kill()  # its data goes: nothing has to be written in good order


@pytest.fixture
def create_topic(bootstrap_servers: str) -> Iterator[Callable[..., str]]:
    """Make topics that no other test uses: ``create_topic(partitions=3)`` returns the name."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap_servers)
    names: list[str] = []

    def create(*, partitions: int = 3, configs: dict[str, str] | None = None) -> str:
        name = f"traffic-{uuid.uuid4().hex[:12]}"
        admin.create_topics(
            [NewTopic(name, num_partitions=partitions, replication_factor=1, topic_configs=configs)]
        )
        names.append(name)
        return name

    yield create
    if names:
        admin.delete_topics(names)
    admin.close()


@pytest.fixture
def topic(create_topic: Callable[..., str]) -> str:
    """A fresh topic of three partitions."""
    return create_topic()


@pytest.fixture
def producer(bootstrap_servers: str) -> Iterator[KafkaProducer]:
    """A producer that waits for the broker's word."""
    made = KafkaProducer(
        bootstrap_servers=bootstrap_servers, acks="all", linger_ms=5, max_request_size=20_000_000
    )
    yield made
    made.close()


if __name__ == "__main__":
    archive_classes()
