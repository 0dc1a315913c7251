"""Steps of the schedule: each reads from the database what is due, and may be repeated."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Engine

from monitor.alerts.actions.replies import SlackReplies
from monitor.alerts.channels import Channels, open_channels
from monitor.alerts.fallback import deliver
from monitor.alerts.messages.unlisted_models import announce_unlisted_models
from monitor.daemon.actions.execution import act_on_presses, send_replies
from monitor.daemon.conditions.watch import watch_conditions
from monitor.daemon.evaluations.baselines import advance_due
from monitor.daemon.evaluations.looks import run_due
from monitor.daemon.evaluations.windows import evaluate_due
from monitor.daemon.follow_up import decide, follow_up, follow_up_looks, watch_age
from monitor.daemon.leader_metrics import read_gauges
from monitor.daemon.probes import Probes
from monitor.daemon.removed_models import follow_configuration
from monitor.daemon.retraining import Retraining
from monitor.daemon.search_index import index_new_exchanges
from monitor.daemon.signals.counting import count_signals
from monitor.daemon.weekly_digest import announce_due
from monitor.errors import TransientError
from monitor.privacy.retention.application import apply_retention, is_due
from monitor.scheduling.complete_traffic import complete_until
from monitor.scheduling.runner import DirectRunner, ProcessRunner, Runner
from monitor.settings import Secrets, Sections, Settings
from monitor.store.access_chain import link_entries
from monitor.store.engine import transaction
from monitor.store.model_history import carry_over, models_with_history
from monitor.store.traffic.exchanges import stored_models
from monitor.telemetry import (
    LEADER_GAUGES,
    SERVICE_FAILURES,
    get_logger,
)
from monitor.windows.reading.reembedding import EncoderSource
from retrain.registry.mlflow_mirror import MlflowMirror, mirror_registry
from retrain.rollout.jobs.measurement import RolloutMeasurement
from retrain.rollout.jobs.rollouts import Rollouts
from retrain.rollout.messages.announcements import announce_rollouts

#: Modules that the child processes import before the time limit counts.
OF_LOOKS = ("monitor.windows.looks.run", "py3langid", "torch")
OF_EVALUATIONS = ("monitor.windows.evaluation", "evidently.presets", "py3langid", "torch")

#: Whether a step may begin another piece of its work: ``False`` once the daemon is stopping, or
#: another replica leads.
MayContinue = Callable[[], bool]

log = get_logger(__name__)


def always() -> bool:
    """Let a step do all its work."""
    return True


@dataclass(frozen=True)
class Cycle:
    """Drift evaluation, its follow-up, retraining and messages."""

    engine: Engine
    settings: Sections
    channels: Channels
    retraining: Retraining
    rollouts: Rollouts
    rollout_measurement: RolloutMeasurement
    #: The same with a child process of its own: a look at a rollout must not wait for a comparison.
    rollout_comparisons: RolloutMeasurement
    started_at: datetime
    #: Runs the evaluations of windows.
    evaluations: Runner
    #: Runs the looks, which must not wait for the evaluation of a large window.
    looks: Runner
    registry_mirror: MlflowMirror | None = None
    #: Probes of the live endpoints.
    probes: Probes | None = None
    #: To users who pressed a button in Slack.
    replies: SlackReplies | None = None
    #: Time of the next attempt to make a planned baseline, of models whose last one failed.
    postponed_baselines: dict[str, datetime] = field(default_factory=dict)

    @classmethod
    def build(
        cls,
        engine: Engine,
        settings: Sections,
        secrets: Secrets,
        now: datetime,
        *,
        encoder: EncoderSource | None = None,
        stop: threading.Event | None = None,
        leads: Callable[[], bool] = lambda: True,
        receives_presses: Callable[[], bool] = lambda: True,
    ) -> "Cycle":
        """Build the cycle of the settings.

        ``now`` is the start of the daemon. With ``stop``, which ends them, evaluations run in child
        processes, which are killed where this process doesn't lead; without, they run in this
        process, and ``encoder`` embeds stored texts again (``None``: the configured one).
        ``receives_presses`` tells whether presses of buttons in Slack can arrive.
        """
        evaluations: Runner
        looks: Runner
        embeddings: Runner
        comparisons: Runner
        if stop is None:
            evaluations = looks = DirectRunner(engine, settings.embedding, encoder)
            embeddings = comparisons = looks
        else:
            run = partial(ProcessRunner, engine, settings.embedding, stop, leads=leads)
            evaluations, looks = run(preload=OF_EVALUATIONS), run(preload=OF_LOOKS)
            embeddings, comparisons = run(preload=OF_LOOKS), run(preload=OF_LOOKS)
        judge_key = secrets.judge_api_key.get_secret_value()
        measurement = RolloutMeasurement(engine, settings, now, embeddings, judge_key)
        return cls(
            engine=engine,
            settings=settings,
            channels=open_channels(secrets, settings, receives_presses=receives_presses),
            retraining=Retraining.build(engine, settings, secrets),
            rollouts=Rollouts.build(engine, settings, secrets, measurement.next_look),
            rollout_measurement=measurement,
            rollout_comparisons=replace(measurement, runner=comparisons),
            started_at=now,
            evaluations=evaluations,
            looks=looks,
            registry_mirror=MlflowMirror.build(settings.retrain.mlflow, secrets),
            probes=Probes(engine, settings, secrets),
            replies=SlackReplies.build(secrets),
        )

    def evaluate(self, now: datetime, may_continue: MayContinue = always) -> None:
        """Evaluate the windows that are due, the oldest first, while ``may_continue()`` holds.

        An evaluated window may then become the baseline of the version in production.
        """
        self._follow_configuration(now)
        clock = _clock_from(now)
        evaluated = evaluate_due(
            self.engine,
            self._watched,
            self.evaluations,
            clock,
            until=lambda: self._complete_until(clock()),
            may_continue=may_continue,
        )
        try:
            # Each step of the iterator evaluates a window, whose row is the result.
            for _ in evaluated:
                pass
            advance_due(
                self.engine,
                self._watched(),
                self.evaluations,
                clock,
                postponed=self.postponed_baselines,
                may_continue=may_continue,
            )
        finally:
            self.evaluations.rest()

    def look(self, now: datetime, may_continue: MayContinue = always) -> None:
        """Search the last 24 hours for a large change, while ``may_continue()`` holds."""
        looks = run_due(
            self.engine,
            self._watched(),
            self.looks,
            _clock_from(now),
            until=self._complete_until(now),
            may_continue=may_continue,
        )
        try:
            # Each step of the iterator is a look, whose row is the result.
            for _ in looks:
                pass
        finally:
            self.looks.rest()

    def advance(self, now: datetime, may_continue: MayContinue = always) -> None:
        """Advance what follows: incidents, review batches, decisions, runs, versions."""
        follow_windows = partial(follow_up, may_continue=may_continue)
        for settings in self._watched():
            try:
                for follow in (follow_windows, follow_up_looks, decide, watch_age):
                    if not may_continue():
                        return
                    follow(self.engine, settings, now)
            except TransientError:
                raise
            except Exception:  # repeated by the next run; other models continue
                SERVICE_FAILURES.labels("advance").inc()
                log.exception("model_not_advanced", model=settings.model.name)
        with transaction(self.engine) as connection:
            announce_unlisted_models(connection, self.settings, now)
        announce_due(self.engine, self._watched(), now, self.settings)
        self.retraining.advance(now, may_continue)

    def apply_weights(self, now: datetime, may_continue: MayContinue = always) -> None:
        """Make the gateway have the wanted weights of each model."""
        self.rollouts.apply(now, may_continue)

    def probe_canaries(self, now: datetime, may_continue: MayContinue = always) -> None:
        """Probe the canaries with traffic, and revert those that do not respond."""
        self.rollouts.probe(now, may_continue)

    def roll_out(self, now: datetime, may_continue: MayContinue = always) -> None:
        """Look at the hours of the open rollouts, and advance, hold or revert them."""
        watched = self._watched()
        self.rollouts.look(watched, now, may_continue)
        announce_rollouts(self.engine, watched, now)

    def verify_weights(self, now: datetime, may_continue: MayContinue = always) -> None:
        """Compare the files of the versions that serve, or may, with their record."""
        self.rollouts.verify(self._watched(), now, may_continue)

    def compare_rollout_responses(self, now: datetime, may_continue: MayContinue = always) -> None:
        """Compare the responses of rollouts' versions given the prompts."""
        self.rollout_comparisons.compare(now, may_continue)

    def judge_rollout_responses(self, now: datetime, may_continue: MayContinue = always) -> None:
        """Have the judge score responses of the open rollouts, where one is configured."""
        self.rollout_measurement.judge(now, may_continue)

    def watch(self, now: datetime, may_continue: MayContinue = always) -> None:
        """Check the conditions that are incidents of their own, and end the snoozes in time.

        The signals of the new traffic are counted first.
        """
        count_signals(self.engine, now, self._complete_until(now), may_continue)
        watch_conditions(
            self.engine,
            self.settings,
            self._watched(),
            now,
            started_at=self.started_at,
            may_continue=may_continue,
        )

    def probe(self, now: datetime, may_continue: MayContinue = always) -> None:
        """Send the probes that are due to the live endpoints, while ``may_continue()`` holds."""
        if self.probes is not None:
            self.probes.advance(self._watched(), _clock_from(now), may_continue)

    def deliver(self, now: datetime, may_continue: MayContinue = always) -> None:
        """Send the pending messages, while ``may_continue()`` holds."""
        deliver(
            self.engine,
            self.channels,
            now,
            alerts=self.settings.alerts,
            may_continue=may_continue,
        )

    def act(self, now: datetime, may_continue: MayContinue = always) -> None:
        """Do the actions of the buttons that were pressed in Slack."""
        act_on_presses(self.engine, self.settings, now, may_continue)

    def reply(self, now: datetime, may_continue: MayContinue = always) -> None:
        """Send the users who pressed a button what was done."""
        if self.replies is not None:
            send_replies(self.engine, self.replies, now, may_continue)

    def publish_gauges(self, now: datetime, _may_continue: MayContinue = always) -> None:
        """Link the new entries of the access log, and publish the gauges of the leader."""
        with transaction(self.engine) as connection:
            link_entries(connection)
        gauges = read_gauges(self.engine, self._watched(), self.channels, now)
        LEADER_GAUGES.publish(gauges)

    def mirror(self, now: datetime, may_continue: MayContinue = always) -> None:
        """Mirror the registry to MLflow, where it is configured."""
        if self.registry_mirror is not None:
            mirror_registry(self.engine, self.registry_mirror, now, may_continue=may_continue)

    def index(self, now: datetime, may_continue: MayContinue = always) -> None:
        """Index the new exchanges, so that they can be searched."""
        index_new_exchanges(self.engine, self.settings, now, may_continue)

    def tidy(self, now: datetime, may_continue: MayContinue = always) -> None:
        """Apply the retention periods once a day, while ``may_continue()`` holds."""
        if is_due(self.engine, now):
            apply_retention(self.engine, self.settings.retention, now, may_continue=may_continue)

    def _follow_configuration(self, now: datetime) -> None:
        """Carry over the history of renamed models, and end what is in flight of removed ones."""
        with transaction(self.engine) as connection:
            stored = models_with_history(connection)
        for old, model in self.settings.names.former:
            if old not in stored:
                continue
            with transaction(self.engine) as connection:
                n_rows = carry_over(connection, old, model, now)
            if n_rows:
                log.info("model_renamed", model=model, old_name=old, rows=n_rows)
        follow_configuration(self.engine, self.settings, now, started_at=self.started_at)

    def _watched(self) -> Sequence[Settings]:
        """Return the settings of each watched model: listed, or seen in the traffic."""
        listed = self.settings.by_model
        if self.settings.monitoring.unlisted_models != "watch":
            return listed
        with transaction(self.engine) as connection:
            seen = stored_models(connection)
        unlisted = sorted(seen - set(self.settings.names.listed))
        return [*listed, *map(self.settings.settings_of, unlisted)]

    def _complete_until(self, now: datetime) -> datetime:
        """Return the time until which the sample is complete."""
        return complete_until(self.engine, self.settings.kafka.topic, now, self.started_at)


def _clock_from(now: datetime) -> Callable[[], datetime]:
    """Return a clock that shows ``now``, and runs."""
    began = time.monotonic()
    return lambda: now + timedelta(seconds=time.monotonic() - began)
