"""The rollout policy: advance, wait, hold or revert."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from monitor.errors import ConfigurationError
from monitor.settings import Rollout


@dataclass(frozen=True)
class HealthCheck:
    """A health check of the canary against the stable version.

    Attributes:
        name: Name of the check.
        passed: ``None`` without a measurement.
        seen: The measured figures, as text.
    """

    name: str
    passed: bool | None
    seen: str = ""


@dataclass(frozen=True)
class Health:
    """Measurements of a canary in its current stage."""

    #: Sampled exchanges of the canary since the stage began.
    n_samples: int
    checks: tuple[HealthCheck, ...]


@dataclass(frozen=True)
class RolloutDecision:
    """The decision on a rollout.

    Attributes:
        action: ``advance``, ``hold`` (a measurement is missing), ``wait`` (healthy, but too early)
            or ``revert``.
        percent: The canary's share of the traffic afterwards.
        reason: Reason, for the log and the page.
    """

    action: Literal["advance", "hold", "wait", "revert"]
    percent: int
    reason: str

    @property
    def completes(self) -> bool:
        """Whether the canary then receives all traffic."""
        return self.action == "advance" and self.percent == 100


def first_stage_percent(settings: Rollout) -> int:
    """Return the share of the first stage."""
    return stages_of(settings)[0]


def stages_of(settings: Rollout) -> Sequence[int]:
    """Return the validated stages.

    Raises:
        ConfigurationError: The stages don't increase to 100.
    """
    steps = settings.stages
    rising = all(a < b for a, b in itertools.pairwise(steps))
    if not steps or not rising or steps[-1] != 100:
        raise ConfigurationError(f"rollout.stages = {list(steps)}: must increase and end with 100")
    return steps


def next_step(
    percent: int, stage_started_at: datetime, health: Health, now: datetime, settings: Rollout
) -> RolloutDecision:
    """Decide the next action of a rollout.

    A failed check reverts at once, even with few samples. A missing measurement holds the rollout.
    Otherwise the canary advances after ``min_dwell`` and with ``min_samples`` samples.

    Args:
        percent: The canary's current share.
        stage_started_at: Start of the current stage.
        health: Measurements since then.
        now: The current time.
        settings: The section ``[rollout]``.
    """
    failed = [check for check in health.checks if check.passed is False]
    if failed:
        return RolloutDecision("revert", 0, "; ".join(_told(check) for check in failed))
    missing = [check.name for check in health.checks if check.passed is None]
    if missing or not health.checks:
        return RolloutDecision(
            "hold", percent, f"no measurement of {', '.join(missing) or 'anything'}"
        )
    due = stage_started_at + settings.min_dwell
    if now < due:
        return RolloutDecision(
            "wait", percent, f"at {percent}% until at least {due:%Y-%m-%d %H:%M} UTC"
        )
    if health.n_samples < settings.min_samples:
        reason = f"{health.n_samples} of {settings.min_samples} samples at {percent}%"
        return RolloutDecision("wait", percent, reason)
    following = next(step for step in (*stages_of(settings), 100) if step > percent or step == 100)
    checked = ", ".join(check.name for check in health.checks)
    return RolloutDecision(
        "advance", following, f"{health.n_samples} samples, all checks passed: {checked}"
    )


def _told(check: HealthCheck) -> str:
    return f"{check.name} failed" + (f": {check.seen}" if check.seen else "")
