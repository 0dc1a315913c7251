"""The rollout or experiment that is measured."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, kw_only=True)
class Subject:
    """The facts of a rollout or an experiment that its measurement needs."""

    rollout_id: int
    model: str
    #: Number of the stable version; ``None``: unknown.
    stable: int | None
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
