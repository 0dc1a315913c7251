"""A live site with a fault: its world lived until the present, then on the real clock."""

import os
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from unittest import mock

import pytest
from xxhash import xxh3_64_hexdigest

from bench.services.kafka import KafkaServer
from bench.services.requirement import free_port
from monitor.accounts.registration import create_user
from monitor.daemon.heartbeat import TELLING
from monitor.daemon.leadership import Leadership
from monitor.store.engine import transaction
from monitor.telemetry import configure_logging, get_logger
from tests.game_days.faults import DAY, HOUR, MINUTE, Fault, Strike
from tests.game_days.judgement.of_messages import NOTICES
from tests.game_days.judgement.wording import is_about
from tests.game_days.ledger import Message
from tests.game_days.night import live_through
from tests.game_days.rehearsal.broker import Mirror, running_broker
from tests.game_days.rehearsal.desk import PASSWORD, USER, Desk
from tests.game_days.script import FAULTS, NEEDED_AFTER, Script
from tests.game_days.warm_up import MODELS, SQLITE, STATE, copy_world, warm_up
from tests.game_days.world.world import World, open_world
from tests.support.present import utc_now
from tests.support.stamped import stamped

WEEKS, SEED = 3, 1
#: Seconds between two steps on the real clock.
STEP = 3.0
#: Time by which a fault is due before the present, if not minutes: at night few records come.
MARGIN = {"records unreadable": 4 * HOUR}
#: Longest time that a fault lasts on the site.
LASTS = 30 * DAY

log = get_logger(__name__)


def strikes_of(fault: Fault, now: datetime) -> tuple[Strike, ...]:
    """Return a fault that is to be told by now, with the one that it needs."""
    model = (fault.models or MODELS)[-1] if fault.of_model else ""
    begin = now - MARGIN.get(fault.name, 10 * MINUTE) - (fault.promised or timedelta())
    begin = begin.replace(second=0, microsecond=0)
    if fault.begins_at is not None:
        weekday, hour = fault.begins_at
        at = begin.replace(hour=hour, minute=0)
        at -= timedelta(days=(at.weekday() - weekday) % 7)
        begin = at if at <= begin else at - timedelta(days=7)
    strikes = [Strike(fault, begin, begin + LASTS, model, 0.7)]
    if fault.needs:
        begin += NEEDED_AFTER
        strikes.append(Strike(FAULTS[fault.needs], begin, begin + LASTS, "", 0.0))
    return tuple(strikes)


def lived_before(begin: datetime, cache: Path) -> Path:
    """Return a world that has lived until the day of an instant; each day's is kept."""
    cache /= _digest()
    cache.mkdir(parents=True, exist_ok=True)
    configure_logging(file=cache / "lived.log")
    day = begin.replace(hour=0, minute=0, second=0, microsecond=0)
    folder = cache / f"{day:%Y-%m-%d}"
    if (folder / STATE).exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    days = (day - n * DAY for n in range(1, 7 * WEEKS))
    earlier = (cache / f"{at:%Y-%m-%d}" for at in days)
    lived = next((at for at in earlier if (at / STATE).exists()), None)
    return warm_up(folder, weeks=WEEKS, seed=SEED, end=day, lived=lived)


def _digest() -> str:
    """Return a digest of what a lived world depends on first: its own parts and the tables."""
    here = Path(__file__)
    files = [
        *here.parents[1].glob("world/*.py"),
        *here.parents[3].glob("monitor/store/tables/*.py"),
    ]
    return xxh3_64_hexdigest(b"".join(file.read_bytes() for file in sorted(files)))


class Site:
    """A world that lives on, and the folder of the engineer on call."""

    def __init__(self, world: World, strikes: tuple[Strike, ...], desk: Desk) -> None:
        self.world, self._strikes, self._desk = world, strikes, desk
        self._mirror: Mirror | None = None
        self._n_defects = 0
        self._has_rung = False
        self._leadership: Leadership | None = None

    def live_until(self, now: datetime) -> None:
        """Live through the fault on the driven clock."""
        live_through(Script(SEED, self.world.now, now, self._strikes), self.world)

    def connect(self, mirror: Mirror | None) -> None:
        """Mirror the topic in a broker from now on."""
        self._mirror = mirror

    @property
    def telling(self) -> Message | None:
        """Return the message that tells the fault."""
        strike = self._strikes[0]
        return next(
            (
                message
                for message in self.world.ledger.messages
                if message.at >= strike.begin
                and message.is_open
                and message.notifies
                and not NOTICES.search(message.title)
                and is_about(message, strike)
            ),
            None,
        )

    def step(self, now: datetime) -> None:
        """Do what is due now, and show what is told."""
        world = self.world
        if self._desk.wants_restart():
            self._restart()
        self._desk.read_edits()
        self._lead()
        world.advance(now)
        for _, job, error in world.ledger.defects[self._n_defects :]:
            log.error("job_failed", job=job, error=error)
        self._n_defects = len(world.ledger.defects)
        if world.ingests and not world.topic.is_available:
            log.warning("kafka_unavailable", topic=world.configuration.kafka.topic)
        if self._mirror is not None:
            self._mirror.update()
        self._desk.show(world.ledger.messages)
        message = self.telling
        if message is not None and not self._has_rung:
            self._has_rung = True
            strike = self._strikes[0]
            self._desk.ring(message, strike.fault.name, strike.model)

    def close(self) -> None:
        """Give the lease back."""
        if self._leadership is not None:
            self._leadership.release()
            self._leadership = None

    def _lead(self) -> None:
        """Hold the lease while the leader of the world runs."""
        if self.world.leads and self._leadership is None:
            self._leadership = Leadership(self.world.engine)
            self._leadership.start(lambda: None, lambda: self.world.finished.idle(TELLING))
        elif not self.world.leads:
            self.close()

    def _restart(self) -> None:
        """Start the daemon with the models of config.toml; what hung in it runs again."""
        world = self.world
        named = tomllib.loads((world.folder / "config.toml").read_text())["models"]
        world.models = [model for model in world.production.senders if model in named]
        world.aliases |= {model: table.get("aliases", []) for model, table in named.items()}
        world.ingests = world.leads = True
        world.stopped_jobs.clear()
        self.close()
        world.start()
        self._desk.note_configuration()
        log.info("daemon_started")


@contextmanager
def open_site(fault: Fault, folder: Path, cache: Path, *, has_broker: bool) -> Iterator[Site]:
    """Run a site in an empty folder until the block ends; its fault was just told."""
    strikes = strikes_of(fault, utc_now())
    lived = lived_before(strikes[0].begin, cache)
    desk = Desk(folder)
    with ExitStack() as stack:
        history = copy_world(lived, folder, SQLITE, seed=SEED)
        world = stack.enter_context(open_world(folder, history, SQLITE))
        _log_to(folder / "daemon.log", world)
        stack.enter_context(stamped(world.engine))
        port = free_port()
        world.own_settings = f"web.port = {port}"
        world.servers = replace(world.servers, public_url=f"http://127.0.0.1:{port}")
        server = None
        if has_broker:
            try:
                server = stack.enter_context(running_broker())
            except pytest.skip.Exception as reason:
                print(f"Without Kafka: {reason}")
        if server is not None:
            world.own_settings += f'\nkafka.bootstrap_servers = "{server.bootstrap_servers}"'
        with transaction(world.engine) as connection:
            create_user(connection, USER, PASSWORD, "lead", world.now)
        world.start()
        site = Site(world, strikes, desk)
        stack.callback(site.close)
        site.live_until(utc_now().replace(microsecond=0))
        if server is not None:
            site.connect(_mirror(server, world))
        desk.furnish(url=world.servers.public_url, has_broker=server is not None)
        stack.enter_context(_web_page(folder))
        yield site


def run_site(site: Site, seconds: float) -> None:
    """Live on the real clock for some time, or until Ctrl-C."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        site.step(utc_now())
        time.sleep(STEP)


def _mirror(server: KafkaServer, world: World) -> Mirror:
    is_available, world.topic.is_available = world.topic.is_available, True
    mirror = Mirror(server, world.configuration.kafka.topic, world.topic)
    world.topic.is_available = is_available
    return mirror


def _log_to(file: Path, world: World) -> None:
    """Log as the daemon does, with the times of the world."""

    def stamp(_logger: object, _method: str, event: dict[str, object]) -> dict[str, object]:
        return {**event, "timestamp": world.now.isoformat()}

    with mock.patch("structlog.processors.TimeStamper", return_value=stamp):
        configure_logging(json=False, file=file)


@contextmanager
def _web_page(folder: Path) -> Iterator[None]:
    """Serve the product's page in a process of its own."""
    command = [sys.executable, "-m", "tests.game_days.rehearsal.command", "run", "--only", "web"]
    with (folder / ".drill" / "web.log").open("w") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdout=output,
            stderr=output,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)
