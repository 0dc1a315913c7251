"""Measurement of the open rollouts and experiments by the daemon."""

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine

from monitor.daemon.complete_traffic import complete_until
from monitor.settings import Sections
from monitor.store.engine import snapshot, transaction
from monitor.store.rollouts.rollouts import RolloutRow
from monitor.store.training.registry import version_by_id
from retrain.rollout.looks import Look
from retrain.rollout.measurement.formats import score_formats
from retrain.rollout.measurement.next_look import HOUR, next_hour, next_look
from retrain.rollout.measurement.starting_point import fix_starting_point
from retrain.rollout.measurement.subject import Subject
from retrain.rollout.plan import RolloutPlan


@dataclass(frozen=True)
class RolloutMeasurement:
    """Measurement of rollouts, an hour at a time."""

    engine: Engine
    settings: Sections
    started_at: datetime

    def next_look(self, rollout: RolloutRow, plan: RolloutPlan, now: datetime) -> Look | None:
        """Return the look at the next complete hour of a rollout; ``None``: none is complete.

        Before it, the rollout's checks are fixed and the hour's output formats are checked: rows
        that are written once, however often this is repeated.
        """
        settings = self.settings.settings_of(rollout.model)
        topic = self.settings.kafka.topic
        until = complete_until(self.engine, topic, now, self.started_at, observed=True)
        with snapshot(self.engine) as connection:
            subject = subject_of(connection, rollout, plan)
            hour = next_hour(connection, subject)
        if hour + HOUR > until:
            return None
        with transaction(self.engine) as connection:
            point = fix_starting_point(connection, subject, settings)
        with transaction(self.engine) as connection:
            score_formats(connection, subject, point, hour, now)
        with snapshot(self.engine) as connection:
            look = next_look(connection, subject, settings, until, now)
        if look is None:
            return None
        return Look(
            hour=look.hour,
            n_canary=look.n_canary,
            n_stable=look.n_stable,
            seen_share=look.seen_share,
            evidence=look.evidence,
            checks=look.checks,
            action=look.decision.action,
            reason=look.decision.summary,
            reasons=tuple(asdict(reason) for reason in look.decision.reasons),
        )


def subject_of(connection: Connection, rollout: RolloutRow, plan: RolloutPlan) -> Subject:
    """Return a rollout as the measurement reads it."""
    stable = None
    if rollout.stable_version_id is not None:
        stable = version_by_id(connection, rollout.stable_version_id).version
    return Subject(
        rollout_id=rollout.id,
        model=rollout.model,
        stable=stable,
        canary=rollout.version,
        started_at=rollout.started_at,
        stage=rollout.stage,
        n_stages=len(plan.stages),
        percent=plan.stages[rollout.stage],
        weight_percent=rollout.weight_percent,
        stage_started_at=rollout.stage_started_at,
        min_dwell=plan.time_of(rollout.stage),
        max_hold=plan.max_hold,
    )
