"""A replica of the schedule that sends heartbeats, with scaled times."""

import os
from datetime import timedelta
from pathlib import Path

from monitor.daemon import heartbeat, schedule
from monitor.daemon.app import stop_on_signals
from monitor.settings import Configuration, Secrets
from monitor.store.engine import make_engine
from monitor.telemetry import Heartbeat, configure_logging

#: A thirtieth of the real ones.
LEASE, PERIOD_SECONDS = timedelta(seconds=1), 2.0


def run(url: str, address: str, log: Path) -> None:
    """Run the schedule until SIGTERM."""
    with log.open("ab", buffering=0) as file:
        os.dup2(file.fileno(), 2)
    configure_logging()
    schedule.ADVANCE_EVERY_SECONDS = schedule.DELIVER_EVERY_SECONDS = 1
    schedule.WATCH_EVERY_SECONDS = schedule.HEARTBEAT_CHECKED_EVERY_SECONDS = 1
    heartbeat.EVERY_SECONDS = PERIOD_SECONDS
    settings = Configuration(
        models={"desk": {}}, database={"url": url}, alerts={"heartbeat_url": address}
    )
    engine = make_engine(url)
    with stop_on_signals() as stop:
        beat = Heartbeat("schedule")
        schedule.prepare(engine, settings, Secrets(), heartbeat=beat, stop=stop, lease=LEASE)()
    engine.dispose()
