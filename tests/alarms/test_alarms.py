"""The shipped alerts and dashboard with a real Prometheus, Alertmanager and daemon."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kafka import KafkaProducer

from bench.services.requirement import free_port
from monitor.daemon import schedule
from monitor.store.engine import make_engine
from monitor.store.migrations import upgrade
from tests.alarms.daemon import JOBS
from tests.alarms.drill import FACTOR, run_drill, table
from tests.alarms.faults import FAULTS
from tests.alarms.monitoring import Monitoring, running_monitoring, wait_for
from tests.alarms.scaling import RULES, scale_rules
from tests.services.warm_interpreter import ForkedProcess, warm_interpreter
from tests.unit.deploy.dashboard import queries

#: 15 minutes become three seconds.
FAST = 300.0
#: Parts of queries that are empty on a site without these.
EMPTY = {
    "driftwarden_slack_connected": "no app-level token",
    "driftwarden_last_look": "no look was made",
    "driftwarden_drifted_share": "no window was evaluated",
    "driftwarden_window_verdict": "no window was evaluated",
    "driftwarden_records_lost_timestamp": "nothing was lost",
    "driftwarden_message_failed": "nothing was given up",
    "driftwarden_channel_failing": "no channel",
    "driftwarden_open_incidents": "no incident",
    "driftwarden_dead_letters_total": "none",
    "driftwarden_service_failures_total": "none",
    "driftwarden_probe_change": "no probes",
    "driftwarden_last_probe": "no probes",
    "driftwarden_training_progress": "no training run",
    "driftwarden_training_loss": "no training run",
    "embedding_duration_seconds_bucket": "no batch since the first scrape",
    "annotation": "no alert fires",
    "ALERTS": "no alert fires",
}


class Daemon:
    """A daemon of the warm interpreter, on SQLite and the session's Kafka."""

    def __init__(self, folder: Path, database: str, bootstrap_servers: str, topic: str) -> None:
        self.folder, self.port = folder, free_port()
        own = {n: v for n, v in os.environ.items() if not n.startswith("DRIFTWARDEN_")}
        self._environment = {
            **own,
            "DRIFTWARDEN_MODELS__DESK__ALIASES": "[]",
            "DRIFTWARDEN_DATABASE__URL": database,
            "DRIFTWARDEN_KAFKA__BOOTSTRAP_SERVERS": bootstrap_servers,
            "DRIFTWARDEN_KAFKA__TOPIC": topic,
            "DRIFTWARDEN_KAFKA__GROUP_ID": topic,  # other workers use the broker too
            "DRIFTWARDEN_MONITORING__SAMPLE_RATE": "1.0",
            "DRIFTWARDEN_MONITORING__LARGE_CHANGES": "off",
            "DRIFTWARDEN_TRAFFIC__FLUSH_INTERVAL": "500ms",
            "DRIFTWARDEN_WEB__PORT": str(self.port),
        }
        self._process: ForkedProcess | None = None

    def start(self) -> None:
        """Start it."""
        with (self.folder / "daemon.log").open("ab") as log:
            self._process = warm_interpreter().start_command(
                "run", env=self._environment, cwd=self.folder, output=log
            )

    def kill(self) -> None:
        """Kill it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


@pytest.fixture
def daemon(tmp_path: Path, bootstrap_servers: str, topic: str) -> Iterator[Daemon]:
    """Return a running daemon that has 20 exchanges to read."""
    producer = KafkaProducer(bootstrap_servers=bootstrap_servers)
    for i in range(20):
        text = f'{{"id": "{i}", "model": "desk", "prompt": "card {i}", "response": "cards"}}'
        producer.send(topic, key=str(i).encode(), value=text.encode())
    producer.flush()
    producer.close()
    database = f"sqlite:///{tmp_path}/driftwarden.db"
    engine = make_engine(database)
    upgrade(engine)
    engine.dispose()
    made = Daemon(tmp_path, database, bootstrap_servers, topic)
    made.start()
    yield made
    made.kill()


def must(condition: Callable[[], bool], problem: str, daemon: Daemon, *, poll: float = 0.5) -> None:
    """Wait until a condition holds."""
    assert wait_for(condition, 120, poll_seconds=poll), (
        f"{problem}\n{(daemon.folder / 'daemon.log').read_text()[-3000:]}"
    )


def firing(monitoring: Monitoring) -> set[str]:
    return {dict(labels)["alertname"] for labels in monitoring.receiver.firing()}


def empty_queries(monitoring: Monitoring) -> list[str]:
    """Return the dashboard's queries without a result, but those of parts that aren't used."""
    return [
        name
        for name, query in queries().items()
        if not any(part in query or part in name for part in EMPTY) and not monitoring.query(query)
    ]


@pytest.mark.kafka
@pytest.mark.timeout(400)
def test_a_killed_daemon_pages_and_every_query_succeeds(daemon: Daemon, tmp_path: Path) -> None:
    folder = tmp_path / "monitoring"
    folder.mkdir()
    rules = scale_rules(FAST)
    # Only what this test kills: others would fire at once with these times.
    for group in rules["groups"]:
        group["rules"] = [rule for rule in group["rules"] if rule["alert"] == "DriftwardenDown"]
    target = f"127.0.0.1:{daemon.port}"
    with running_monitoring(folder, rules, [target]) as monitoring:
        must(
            lambda: bool(monitoring.query("sum(driftwarden_exchanges_stored_total) == 20")),
            "20 exchanges were not stored",
            daemon,
        )
        must(
            lambda: bool(monitoring.query("driftwarden_window_seconds")),
            "the leader has no gauges",
            daemon,
        )
        # The daemon measures every 15 seconds.
        must(lambda: not empty_queries(monitoring), "queries without a result", daemon, poll=2.0)
        for query in queries().values():
            monitoring.query(query)
        for group in scale_rules(1)["groups"]:
            for rule in group["rules"]:
                monitoring.query(rule["expr"])
        assert firing(monitoring) == set()

        daemon.kill()
        must(lambda: firing(monitoring) == {"DriftwardenDown"}, "no page came", daemon)
        daemon.start()
        must(lambda: firing(monitoring) == set(), "the alert was not resolved", daemon)


def test_the_drill_scales_jobs_that_the_schedule_has() -> None:
    assert [job for job in JOBS if not hasattr(schedule, f"{job}_EVERY_SECONDS")] == []


def test_every_fault_names_alerts_of_the_rules() -> None:
    rules = RULES.read_text(encoding="utf-8")
    for fault in FAULTS:
        for alert in fault.alerts | fault.may_fire:
            assert f"- alert: {alert}\n" in rules, fault.name


@pytest.mark.drill
@pytest.mark.kafka
@pytest.mark.postgres
@pytest.mark.timeout(3600)
def test_each_fault_fires_its_alert_and_resolves(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = run_drill(tmp_path, say=lambda _: None)
    with capsys.disabled():
        print(f"\n{table(rows, FACTOR)}")
    assert [(row.fault.name, row.problem) for row in rows if row.problem] == []
    assert len(rows) >= len(FAULTS) - 1  # a disk is filled where it can be mounted
