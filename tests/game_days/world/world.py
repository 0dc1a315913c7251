"""The world of a game day: the product in this process, on a clock that the drill moves."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

from sqlalchemy import Engine, event

from monitor.alerts.heartbeat import HeartbeatSender
from monitor.daemon.cycle import Cycle
from monitor.daemon.heartbeat import FinishedJobs, Heartbeats
from monitor.errors import DatabaseUnavailableError, TransientError
from monitor.scheduling.runner import DirectRunner
from monitor.settings import Configuration, load_configuration, load_secrets
from monitor.store.alerts.channel_state import pending_messages
from monitor.store.engine import make_engine, transaction
from monitor.traffic.baseline_import import import_baseline
from monitor.traffic.end_users.rules import open_rules
from monitor.traffic.redaction import build_redactor
from monitor.windows.evaluation import evaluate_claimed
from tests.game_days.ledger import Ledger
from tests.game_days.world.backups import Backups
from tests.game_days.world.channels import Servers, running_servers
from tests.game_days.world.databases import Databases
from tests.game_days.world.production import Production
from tests.game_days.world.reviewers import Reviewers
from tests.game_days.world.topic import Ingest, Topic
from tests.services.live_endpoint import FakeEndpoint, running_endpoint
from tests.support.database_copy import create_tables
from tests.support.retrain.probe_world import write_evaluation
from tests.support.shared_compilation import shared_authorities, shared_statements
from tests.support.traffic.stored_traffic import TopicEncoder

N_BASELINE = 300
#: What is due by the hour or the day is looked for at most so often: it costs most of the time.
SLOW_EVERY = timedelta(minutes=5)

FULL = OSError(28, "No space left on device")

CONFIGURATION = """
{models}
{own_settings}
database.url = "{database}"
monitoring.sample_rate = 1.0
monitoring.large_changes = "{looks}"
drift.min_samples = {min_samples}
drift.n_permutations = 999
drift.higher_is_better = ["resolved", "judge"]
drift.lower_is_better = ["latency"]
review.weekly_budget = 20
retrain.evaluation = "{evaluation}"
probes.prompts = 20
{channels}
"""
PROBES = """
[models.desk.probes]
url = "{url}"
model = "desk-live"
"""


@dataclass(frozen=True)
class History:
    """The state of a world besides its database."""

    now: datetime
    production: Production
    topic: Topic


class _Runner(DirectRunner):
    """The runner of this process, without Evidently's report, which takes seconds."""

    def __init__(self, world: "World", settings: Configuration) -> None:
        super().__init__(world.engine, settings.embedding, TopicEncoder)
        self._world = world

    def run(self, task: Any, *arguments: Any, limit: timedelta) -> Any:
        if task.__name__ in self._world.broken_tasks:
            task = partial(_fail, task)
        elif task is evaluate_claimed:
            task = partial(task, evidently=False)
        return super().run(task, *arguments, limit=limit)


def _fail(task: Any, engine: Engine, *arguments: Any, encoder: Any) -> None:
    """Let a task fail where it reads the database, also where it would find too little traffic."""
    with (
        mock.patch("monitor.windows.evaluation.compare_stored_window", side_effect=FULL),
        mock.patch("monitor.windows.looks.run.last_look_at", side_effect=FULL),
    ):
        task(engine, *arguments, encoder=encoder)


class World:
    """The daemon, what it reads, and whom it tells."""

    def __init__(
        self,
        folder: Path,
        servers: Servers,
        endpoint: FakeEndpoint,
        history: History,
        url: str,
    ) -> None:
        self.folder, self.servers, self.endpoint = folder, servers, endpoint
        self.now, self.production, self.topic = history.now, history.production, history.topic
        self.ledger = Ledger(servers)
        self.models = list(self.production.senders)
        #: Further names of each model.
        self.aliases: dict[str, list[str]] = defaultdict(list)
        #: ``monitoring.large_changes``.
        self.looks = "hourly"
        self.min_samples = 50
        #: Further lines of config.toml.
        self.own_settings = ""
        #: Parts of the daemon that run; a fault stops them.
        self.ingests, self.leads = True, True
        #: Faults that stop each job, by its name.
        self.stopped_jobs: Counter[str] = Counter()
        #: Tasks that fail, by the name of their function.
        self.broken_tasks: set[str] = set()
        self._database_is_away = False
        self._slow_at = history.now - timedelta(days=1)
        self._evaluation = write_evaluation(folder)
        self._url = url
        self.engine = make_engine(url)
        event.listen(self.engine, "begin", self._require_database)
        self.reviewers = Reviewers(self.engine)
        self.backups = Backups(self.engine)
        self.start()

    def create(self) -> None:
        """Make an empty database, with a baseline of each model."""
        create_tables(self.engine)
        for model in self.models:
            self.import_baseline(model)
        self.reviewers.register(self.now)

    def import_baseline(self, model: str) -> None:
        """Import a baseline of the last four weeks of a model."""
        file = self.folder / f"baseline-{model}.jsonl"
        file.write_bytes(self.production.baseline(model, N_BASELINE, self.now - timedelta(days=28)))
        settings = self.configuration
        import_baseline(
            self.engine,
            settings.traffic,
            TopicEncoder,
            file,
            names=settings.settings_of(model).names,
            redactor=build_redactor(settings.redaction),
            rules=open_rules(self.engine, settings, adopts_key=False),
            now=self.now,
        )

    @property
    def configuration(self) -> Configuration:
        """The configuration, as the file has it."""
        return load_configuration(self._write_configuration())

    def start(self) -> None:
        """Start the daemon, by the present configuration."""
        settings, secrets = self.configuration, load_secrets()
        cycle = Cycle.build(self.engine, settings, secrets, self.now, encoder=TopicEncoder)
        runner = _Runner(self, settings)
        self.cycle = replace(cycle, evaluations=runner, looks=runner)
        self.finished = FinishedJobs(self._seconds)
        sender = HeartbeatSender.build(settings.alerts, secrets)
        assert sender is not None
        self._heartbeats = Heartbeats(
            sender, self.engine, settings, cycle.channels, self.now, self.finished
        )
        self._ingest: Ingest | None = None
        self._build_ingest = lambda: Ingest(
            self.engine, settings, secrets, self.topic, TopicEncoder()
        )

    def damage_benchmarks(self) -> None:
        """Damage the file that the probes take their prompts from."""
        (self.folder / "desk.jsonl").write_text("{")

    def mend_benchmarks(self) -> None:
        """Write the files of the benchmarks anew."""
        write_evaluation(self.folder)

    def set_database(self, *, is_away: bool) -> None:
        """Let the database refuse or take connections."""
        self._database_is_away = is_away

    def advance(self, until: datetime) -> None:
        """Let time pass, and do what is due then."""
        before, self.now = self.now, until
        self.topic.append(self.production.send(before, until))
        self.run_jobs()

    def run_jobs(self) -> None:
        """Run each job of the daemon once, as its scheduler does, and read what is told."""
        if self.ingests:
            self._run("ingest", self._read_topic)
        if not self._database_is_away:
            self.reviewers.work(self.now)
            self.backups.run(self.now)
        if self.leads:
            cycle = self.cycle
            slow = (cycle.evaluate, cycle.look, cycle.probe, cycle.index, cycle.tidy)
            is_time = self.now - self._slow_at >= SLOW_EVERY
            if is_time:
                self._slow_at = self.now
            usual = (cycle.advance, cycle.watch, cycle.deliver)
            for job in (*(slow if is_time else ()), *usual):
                self._run(job.__name__, partial(job, self.now))
            if self._has_pending():  # what one delivery reports is sent by the next, seconds later
                self._run("deliver", partial(cycle.deliver, self.now))
            # The time between two heartbeats is that of the real clock.
            self._heartbeats._next = 0.0
            self._run("heartbeat", lambda: self._heartbeats.send(self.now, lambda: True))
        self.ledger.read(self.now)

    def _has_pending(self) -> bool:
        """Return whether a message waits to be sent."""
        if self._database_is_away:
            return False
        with transaction(self.engine) as connection:
            return pending_messages(connection).n > 0

    def _seconds(self) -> float:
        """Return the time on the driven clock."""
        return self.now.timestamp()

    def _read_topic(self) -> None:
        if self._ingest is None:
            self._ingest = self._build_ingest()
        self._ingest.read(self.now)

    def _run(self, name: str, job: Any) -> None:
        if self.stopped_jobs[name]:
            return
        try:
            job()
        except TransientError:
            if not self._database_is_away:
                raise
        except Exception as error:  # noqa: BLE001 - the daemon logs it and goes on; the report has it
            self.ledger.defects.append((self.now, name, repr(error)[:300]))
        else:
            self.finished.succeeded(name)

    def _require_database(self, _connection: Any) -> None:
        if self._database_is_away:
            raise DatabaseUnavailableError("the drill has stopped the database")

    def _write_configuration(self) -> Path:
        path = self.folder / "config.toml"
        # A section of a model lists it.
        probes = PROBES.format(url=self.endpoint.url) if "desk" in self.models else ""
        path.write_text(
            CONFIGURATION.format(
                models="\n".join(
                    f"models.{model}.aliases = {self.aliases[model]}" for model in self.models
                ),
                own_settings=self.own_settings,
                looks=self.looks,
                min_samples=self.min_samples,
                database=self._url,
                evaluation=self._evaluation,
                channels=self.servers.configuration + probes,
            )
        )
        return path


@contextmanager
def open_world(folder: Path, history: History, databases: Databases) -> Iterator[World]:
    """Run the services of a world until the block ends."""
    with ExitStack() as stack:
        stack.enter_context(shared_statements())
        stack.enter_context(shared_authorities())
        servers = stack.enter_context(running_servers())
        endpoint = stack.enter_context(running_endpoint())
        world = World(folder, servers, endpoint, history, databases.url(folder))
        stack.callback(world.engine.dispose)
        yield world
