"""A replica of the schedule with scaled times, fake evaluations, and a file as its channel."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from monitor.alerts import outbox
from monitor.alerts.channels import Channels
from monitor.alerts.routes import Routes
from monitor.daemon import cycle, schedule
from monitor.daemon.app import stop_on_signals
from monitor.daemon.evaluations import windows
from monitor.settings import ChannelSettings, Configuration, Secrets
from monitor.store import leadership
from monitor.store.alerts.delivery import DueMessage, Thread
from monitor.store.engine import make_engine
from monitor.telemetry import Heartbeat, configure_logging
from tests.failover import fake_evaluation
from tests.support.alerts.senders import MemorySender

#: A tenth of the real one; the other times of the schedule follow.
LEASE = timedelta(seconds=3)
#: Models, with the number of their daily windows that are due.
MODELS = {"desk": 9, "chat": 5}


def settings_of(url: str) -> Configuration:
    """Return the configuration of a replica."""
    return Configuration(
        models={model: {} for model in MODELS},
        database={"url": url},
        monitoring={"drift_detection": "daily", "large_changes": "off"},
    )


class FileSender(MemorySender):
    """A channel whose history is a file, which all replicas share: a line for each message."""

    def __init__(self, path: Path) -> None:
        super().__init__("file")
        self.path = path

    def send(self, message: DueMessage, payload: dict[str, Any], thread: Thread | None) -> Thread:
        """Append the message's id."""
        with self.path.open("a") as history:
            history.write(f"{message.id}\n")
        return thread or Thread(self.target, str(message.id))

    def find(self, message: DueMessage, thread: Thread | None) -> Thread | None:
        """Return the message where an earlier attempt has appended it."""
        if str(message.id) not in self.path.read_text().split():
            return None
        return thread or Thread(self.target, str(message.id))


def run(url: str, folder: Path, name: str) -> None:
    """Run the schedule until SIGTERM."""
    with (folder / f"{name}.log").open("ab", buffering=0) as log:
        os.dup2(log.fileno(), 2)
    configure_logging()
    schedule.EVALUATE_EVERY_SECONDS = 2  # type: ignore[assignment]
    schedule.ADVANCE_EVERY_SECONDS = 1
    schedule.DELIVER_EVERY_SECONDS = 1
    schedule.BEAT_SECONDS = 0.2
    outbox.LEASE = timedelta(seconds=4)
    leadership.MAX_IDLE_SECONDS, leadership.MAX_COMMIT_SECONDS = 6.0, 0.5
    cycle.OF_EVALUATIONS = ("tests.failover.fake_evaluation",)
    windows.evaluate_claimed = fake_evaluation.evaluate
    routes = Routes({"file": ChannelSettings(kind="slack", channel="C1")}, ())
    channels = Channels(routes, {"file": FileSender(folder / "sent")})
    cycle.open_channels = lambda *_, **__: channels
    engine, settings = make_engine(url), settings_of(url)
    with stop_on_signals() as stop:
        body = schedule.prepare(
            engine, settings, Secrets(), heartbeat=Heartbeat("schedule"), stop=stop, lease=LEASE
        )
        body()
    engine.dispose()
