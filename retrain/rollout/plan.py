"""The plan of a rollout: the settings in force at its start, stored with it."""

import itertools
from datetime import timedelta
from typing import Any

import msgspec

from monitor.errors import ConfigurationError
from monitor.settings import Settings
from monitor.table_types.documents import read_document
from retrain.rollout.rows.rollouts import RolloutRow


class RolloutPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Stages, times and limits of a rollout; a later change of the settings leaves them."""

    stages: tuple[int, ...]
    min_dwell: timedelta
    max_hold: timedelta
    #: Percent of the traffic that the stable version keeps at the last stage; 0: none.
    holdback: int
    holdback_time: timedelta

    @property
    def last_stage(self) -> int:
        """Position of the stage with all traffic but the holdback."""
        return len(self.stages) - 1

    def weight(self, stage: int) -> int:
        """Return the canary's share at a stage, in percent."""
        return 100 - self.holdback if stage == self.last_stage else self.stages[stage]

    def time_of(self, stage: int) -> timedelta:
        """Return the least time of a stage."""
        return self.holdback_time if stage == self.last_stage and stage else self.min_dwell


def make_plan(settings: Settings) -> RolloutPlan:
    """Return a model's plan; ``ConfigurationError`` where stages don't increase to 100."""
    rollout = settings.rollout
    rising = all(a < b for a, b in itertools.pairwise(rollout.stages))
    if not rollout.stages or not rising or rollout.stages[-1] != 100:
        raise ConfigurationError(
            f"rollout.stages = {list(rollout.stages)}: must increase and end with 100"
        )
    return RolloutPlan(
        stages=rollout.stages,
        min_dwell=rollout.min_dwell,
        max_hold=rollout.max_hold,
        holdback=rollout.holdback,
        holdback_time=rollout.holdback_time,
    )


def plan_as_json(plan: RolloutPlan) -> dict[str, Any]:
    """Return a plan as the column ``rollouts.settings`` holds it."""
    document: dict[str, Any] = msgspec.to_builtins(plan)
    return document


def plan_of(rollout: RolloutRow) -> RolloutPlan:
    """Return the plan of a rollout."""
    return read_document(rollout.settings, RolloutPlan)
