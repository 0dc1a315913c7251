"""Composition root: builds the parts, starts them, and waits until all have stopped."""

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from sqlalchemy import Engine

from monitor.daemon.readiness.disk_space import export_disk_space
from monitor.daemon.readiness.temporary_files import warn_of_ignored_folder
from monitor.errors import ConfigurationError, DatabaseUnavailableError, loggable
from monitor.settings import Secrets, Sections
from monitor.store.engine import make_engine, transaction
from monitor.store.migrations import require_current
from monitor.store.schema.older_release import adopt_rows
from monitor.telemetry import Heartbeat, get_logger

if TYPE_CHECKING:
    from litestar import Litestar

Part = Literal["ingest", "schedule", "web", "health"]
#: The part `web` has what `health` has.
DEFAULT_PARTS: tuple[Part, ...] = ("ingest", "schedule", "web")

#: Time between attempts to reach the database at start-up.
RETRY_SECONDS = 5.0

log = get_logger(__name__)


def run_daemon(
    settings: Sections, secrets: Secrets, parts: Sequence[Part], stop: threading.Event
) -> None:
    """Run the parts until ``stop`` is set or a part fails.

    Raises:
        DriftwardenError: The first error that ended a part, after all parts have stopped.
    """
    engine = make_engine(settings.database.url)
    try:
        if not _wait_for_database(engine, stop):
            return
        if set(parts) - {"ingest", "health"} or not parts:
            _remember_taxonomy(engine, settings)
        warn_of_ignored_folder()
        export_disk_space(settings)
        running = [
            _Running(name, body, stop)
            for name, body in _bodies(settings, secrets, engine, parts, stop).items()
        ]
        for part in running:
            part.start()
        log.info("daemon_started", parts=list(parts), database=engine.dialect.name)
        stop.wait()
        for part in running:
            part.thread.join()
        log.info("daemon_stopped")
        for part in running:
            if part.error is not None:
                raise part.error
    finally:
        engine.dispose()


def parse_parts(only: str) -> tuple[Part, ...]:
    """Parse ``--only ingest,schedule,web``; empty means all parts but `health`.

    Raises:
        ConfigurationError: A name is unknown.
    """
    known = get_args(Part)
    names = [name.strip() for name in only.split(",") if name.strip()] or DEFAULT_PARTS
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ConfigurationError(
            f"--only {only}: unknown part {unknown[0]!r}; use {', '.join(known)}"
        )
    return tuple(part for part in known if part in names)


@contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """Yield an event that SIGTERM and SIGINT set; a second signal kills the process."""
    stop = threading.Event()

    def handle(number: int, _frame: object) -> None:
        log.info("daemon_stopping", signal=signal.Signals(number).name)
        stop.set()
        signal.signal(number, signal.SIG_DFL)

    previous = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


class _Running:
    """A part in its thread. An error stops all parts: half a daemon would look healthy."""

    def __init__(self, name: Part, body: Callable[[], None], stop: threading.Event) -> None:
        self.name = name
        self.error: BaseException | None = None
        self._body = body
        self._stop = stop
        self.thread = threading.Thread(target=self._run, name=name)

    def start(self) -> None:
        self.thread.start()

    def _run(self) -> None:
        try:
            self._body()
        except BaseException as error:  # noqa: BLE001 - raised again by run_daemon
            self.error = error
            log.error("part_failed", part=self.name, error=loggable(error))  # noqa: TRY400
        finally:
            self._stop.set()


def _bodies(
    settings: Sections,
    secrets: Secrets,
    engine: Engine,
    parts: Sequence[Part],
    stop: threading.Event,
) -> dict[Part, Callable[[], None]]:
    """Build the function of each part; a missing resource is an error before any part starts.

    Only the parts that run are imported: a replica that only ingests restarts sooner.
    """
    heartbeats = [Heartbeat(part) for part in parts if part not in {"web", "health"}]
    beats = {heartbeat.name: heartbeat for heartbeat in heartbeats}
    bodies: dict[Part, Callable[[], None]] = {}
    if "ingest" in parts:
        from monitor.embedding.encoder import load_encoder
        from monitor.traffic.ingest.loop import run_ingest

        bodies["ingest"] = partial(
            run_ingest,
            engine,
            settings,
            secrets,
            load_encoder(settings.embedding),
            stop,
            heartbeat=beats["ingest"],
        )
    if "schedule" in parts:
        from monitor.daemon import schedule

        bodies["schedule"] = schedule.prepare(
            engine, settings, secrets, heartbeat=beats["schedule"], stop=stop
        )
    if "web" in parts:
        from monitor.daemon.web_app import create_app

        bodies["web"] = _serving(
            create_app(engine, settings, secrets, heartbeats=heartbeats), settings, stop
        )
    elif "health" in parts:
        from monitor.web.health import create_health_app

        app = create_health_app(engine, settings, heartbeats)
        bodies["health"] = _serving(app, settings, stop)
    return bodies


def _serving(app: "Litestar", settings: Sections, stop: threading.Event) -> Callable[[], None]:
    """Return the function that serves an application until the daemon stops."""
    from monitor.web.server import serve

    web = settings.web
    return partial(serve, app, web.host, web.port, stop, trusted_proxies=web.trusted_proxies)


def _remember_taxonomy(engine: Engine, settings: Sections) -> None:
    """Store the present version of each taxonomy; an inconsistent one stops the daemon."""
    for of_model in settings.by_model:
        path, model = of_model.review.taxonomy, of_model.model.name
        if not path:
            continue
        from monitor.review.guidelines import load_taxonomy
        from monitor.review.guidelines.versions import store_current_taxonomy

        load_taxonomy(Path(path))
        with transaction(engine) as connection:
            version = store_current_taxonomy(connection, of_model.review, model, datetime.now(UTC))
        log.info("taxonomy_loaded", path=path, model=model, version=version)


def _wait_for_database(engine: Engine, stop: threading.Event) -> bool:
    while not stop.is_set():
        try:
            require_current(engine)
            with transaction(engine) as connection:
                adopted = adopt_rows(connection)
        except DatabaseUnavailableError as error:
            log.warning("database_unavailable", error=str(error), retry_seconds=RETRY_SECONDS)
            stop.wait(RETRY_SECONDS)
        else:
            if adopted:
                log.info("rows_of_older_release_adopted", rows=adopted)
            return True
    return False
