"""Whole simulated rollouts through the decision function, with hourly looks."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np

from bench.rollout.late_feedback import LateFeedback
from bench.rollout.returning import Population, ReturningUsers
from bench.rollout.traffic import HOLDBACK, Traffic, draw_hour
from retrain.rollout.checks.decision import Action, Stage, decide
from retrain.rollout.checks.evidence import create_evidence, start_stage
from retrain.rollout.checks.evidence_update import update

STAGES = (5, 25, 50, 100)
DWELL = timedelta(hours=48)
MAX_HOLD = timedelta(hours=96)
#: Nothing was chosen on rollouts with this seed.
SEED = 20_261_129
#: 2026-01-01 00:00 UTC in hours since 1970.
START = 490_896


@dataclass(frozen=True)
class Trial:
    """A rollout to simulate."""

    traffic: Traffic | Population
    seed: int
    #: The stage at whose start it ends; None: it goes on to its end.
    until: int | None = None


@dataclass(frozen=True)
class Outcome:
    """The end of a rollout."""

    end: Action
    #: Weight of the canary then, and hours since the start.
    percent: int
    hours: int
    #: Hours since the start at which each stage began.
    stage_hours: dict[int, int] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()

    def reverted_before(self, percent: int) -> bool:
        """Return whether it was reverted before a stage began."""
        return self.end == "revert" and self.percent < percent


def run_rollout(trial: Trial) -> Outcome:
    """Run a rollout until it is completed, reverted, or asks a user."""
    traffic, rng = trial.traffic, np.random.default_rng([SEED, trial.seed])
    users = ReturningUsers(traffic, rng) if isinstance(traffic, Population) else None
    feedback = (
        LateFeedback(traffic, rng) if isinstance(traffic, Traffic) and traffic.feedback else None
    )
    evidence = start_stage(create_evidence(traffic.checks(), len(STAGES), seed=trial.seed))
    stage_hours = {STAGES[0]: 0}
    since = 0
    while True:
        percent = STAGES[evidence.stage]
        share = min(percent / 100.0, 1.0 - HOLDBACK)
        hour = START + since
        past = None
        if isinstance(traffic, Traffic):
            observations = draw_hour(traffic, hour, since, share, rng)
            if feedback is not None:
                feedback.add_hour(observations)
                observations = feedback.with_known(observations)
        elif users is not None:
            observations, past = users.draw_hour(hour, since, share)
        evidence = update(evidence, hour, observations, past)
        since += 1
        stage = Stage(percent, _time(stage_hours[percent]), DWELL, MAX_HOLD, percent >= 100)
        decision = decide(evidence, stage, _time(since), with_limits=False)
        if decision.action == "advance" and percent < 100:
            evidence = start_stage(evidence)
            stage_hours[STAGES[evidence.stage]] = since
            if trial.until == STAGES[evidence.stage]:
                return Outcome("advance", trial.until, since, stage_hours)
        elif decision.action in ("advance", "revert", "ask"):
            reasons = tuple(reason.check for reason in decision.reasons)
            return Outcome(decision.action, percent, since, stage_hours, reasons)


def _time(hours: int) -> datetime:
    return datetime.fromtimestamp((START + hours) * 3600, UTC)
