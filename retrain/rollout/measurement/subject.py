"""The rollout or experiment that is measured."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.store.training.registry import VersionRow
from retrain.rollout.plan import RolloutPlan


@dataclass(frozen=True, kw_only=True)
class Subject:
    """The facts of a rollout or an experiment that its measurement needs."""

    rollout_id: int
    model: str
    #: Number of the stable version.
    stable: int
    canary: int
    started_at: datetime
    #: Position of the present stage, from 0, and the number of stages.
    stage: int
    n_stages: int
    #: The canary's share of the traffic, in percent; 100 at the last stage, with its holdback too.
    percent: int
    #: Its wanted share, less the holdback.
    weight_percent: int
    #: When the gateway confirmed the stage's share.
    stage_started_at: datetime
    min_dwell: timedelta
    max_hold: timedelta

    @classmethod
    def before_start(
        cls, version: VersionRow, serving: VersionRow, plan: RolloutPlan, now: datetime
    ) -> "Subject":
        """Return a version as it would be measured at the first stage of a plan."""
        return cls(
            rollout_id=0,
            model=version.model,
            stable=serving.version,
            canary=version.version,
            started_at=now,
            stage=0,
            n_stages=len(plan.stages),
            percent=plan.stages[0],
            weight_percent=plan.weight(0),
            stage_started_at=now,
            min_dwell=plan.time_of(0),
            max_hold=plan.max_hold,
        )
