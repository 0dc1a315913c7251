"""The loop's steps. Each reads from the database what is due, and can be run again at any time."""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine

from monitor.alerts.channels.slack import Sender, make_sender
from monitor.alerts.outbox import deliver_due
from monitor.daemon.follow_up import decide, follow_up, watch_age
from monitor.daemon.retraining import Retraining
from monitor.embedding.encoder import load_encoder
from monitor.privacy.retention import apply_retention, is_due
from monitor.settings import Secrets, Settings
from monitor.store.alerts.outbox import count_pending_messages
from monitor.store.engine import transaction
from monitor.store.traffic.offsets import complete_until
from monitor.store.traffic.pending_halves import oldest_pending_at
from monitor.store.windows.drift_evaluations import last_success_at
from monitor.telemetry import LAST_DRIFT_EVALUATION, OUTBOX_PENDING, get_logger
from monitor.windows.evaluation import evaluate_due_windows
from monitor.windows.reading.reembedding import EncoderSource
from monitor.windows.versions.planned_baseline import advance_baseline
from retrain.registry.mlflow_mirror import MlflowMirror, mirror_registry

#: Records of a window's last moments may come this much later.
LATE_RECORDS = timedelta(minutes=10)
#: How long a window waits for ingest to reach the topic's end. After that it is judged on what is
#: there: an evaluation that never comes would be silence.
LONGEST_WAIT = timedelta(hours=24)

log = get_logger(__name__)


@dataclass(frozen=True)
class Cycle:
    """Evaluation, what follows from it, retraining and messages: the way of a record after SQL."""

    engine: Engine
    settings: Settings
    sender: Sender | None
    retraining: Retraining
    started_at: datetime
    #: Called where stored texts are to be embedded again; ``None`` loads the configured encoder.
    encoder: EncoderSource | None = None
    registry_mirror: MlflowMirror | None = None

    @classmethod
    def build(
        cls,
        engine: Engine,
        settings: Settings,
        secrets: Secrets,
        now: datetime,
        *,
        encoder: EncoderSource | None = None,
    ) -> "Cycle":
        """Build the cycle that config.toml describes."""
        return cls(
            engine=engine,
            settings=settings,
            sender=make_sender(secrets, settings.alerts),
            retraining=Retraining.build(engine, settings, secrets),
            started_at=now,
            encoder=encoder,
            registry_mirror=MlflowMirror.build(settings.retrain.mlflow, secrets),
        )

    def evaluate(self, now: datetime) -> None:
        """Evaluate the windows whose traffic is stored and that weren't evaluated, oldest first.

        What was judged may then become the baseline of the version that serves.
        """
        evaluate_due_windows(
            self.engine,
            self.settings,
            now,
            until=self._complete_until(now),
            encoder=self.encoder,
        )
        encoder = self.encoder or (lambda: load_encoder(self.settings.embedding))
        advance_baseline(self.engine, self.settings, now, encoder)
        with transaction(self.engine) as connection:
            last = last_success_at(connection, self.settings.model.name)
        if last is not None:
            LAST_DRIFT_EVALUATION.labels(self.settings.model.name).set(last.timestamp())

    def advance(self, now: datetime) -> None:
        """Write what follows: incidents, batches, decisions, runs, versions, rollouts."""
        follow_up(self.engine, self.settings, now)
        decide(self.engine, self.settings, now)
        watch_age(self.engine, self.settings, now)
        self.retraining.advance(now)

    def deliver(self, now: datetime) -> None:
        """Send the messages that wait."""
        deliver_due(self.engine, self.sender, now)
        with transaction(self.engine) as connection:
            OUTBOX_PENDING.set(count_pending_messages(connection))

    def mirror(self, now: datetime) -> None:
        """Let MLflow follow the registry, where that is configured."""
        if self.registry_mirror is not None:
            mirror_registry(self.engine, self.registry_mirror, now)

    def tidy(self, now: datetime, stop: threading.Event) -> None:
        """Once a day, remove what is older than the settings allow, until it is done or stopped."""
        if is_due(self.engine, now):
            apply_retention(self.engine, self.settings.retention, now, stop=stop)

    def _complete_until(self, now: datetime) -> datetime:
        """Return the time until which windows can be judged.

        After a pause Kafka holds a backlog: a window that was judged before it is read would look
        quiet, or empty. A request whose response is waited for belongs to its window too.
        """
        with transaction(self.engine) as connection:
            known = (
                complete_until(connection, self.settings.kafka.topic),
                oldest_pending_at(connection, self.settings.kafka.topic),
            )
        latest = now - LATE_RECORDS
        stored = min((moment for moment in known if moment is not None), default=latest)
        if stored >= latest:
            return latest
        waited_enough = now - self.started_at >= LONGEST_WAIT
        return max(stored, now - LONGEST_WAIT) if waited_enough else stored
