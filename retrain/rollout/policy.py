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
    """One check of the candidate against the stable version.

    Attributes:
        name: What was checked.
        passed: ``None`` where there is no measurement.
        seen: The measured figures, in words.
    """

    name: str
    passed: bool | None
    seen: str = ""


@dataclass(frozen=True)
class Health:
    """Measurements of a candidate in its current stage."""

    #: Sampled exchanges of the candidate since the step began.
    n_samples: int
    checks: tuple[HealthCheck, ...]


@dataclass(frozen=True)
class RolloutDecision:
    """The decision on a rollout.

    Attributes:
        action: ``advance``, ``hold`` (something is missing), ``wait`` (all well, too early) or
            ``revert``.
        percent: The candidate's share of the traffic afterwards.
        reason: Why, for the log and the page.
    """

    action: Literal["advance", "hold", "wait", "revert"]
    percent: int
    reason: str

    @property
    def completes(self) -> bool:
        """Whether the candidate then has all the traffic."""
        return self.action == "advance" and self.percent == 100


def first_stage_percent(settings: Rollout) -> int:
    """Return the share of the first step."""
    return stages_of(settings)[0]


def stages_of(settings: Rollout) -> Sequence[int]:
    """Return the steps, checked.

    Raises:
        ConfigurationError: They don't rise to 100.
    """
    steps = settings.stages
    rising = all(a < b for a, b in itertools.pairwise(steps))
    if not steps or not rising or steps[-1] != 100:
        raise ConfigurationError(f"rollout.stages = {list(steps)}: must rise and end with 100")
    return steps


def next_step(
    percent: int, stage_started_at: datetime, health: Health, now: datetime, settings: Rollout
) -> RolloutDecision:
    """Decide a rollout's next step.

    A failed check reverts at once, however few the samples. A missing one holds: what isn't
    measured never advances. Otherwise the candidate advances once it has stayed for
    ``min_dwell`` and has ``min_samples``.

    Args:
        percent: The candidate's present share.
        stage_started_at: When it got that share.
        health: What was measured since then.
        now: The time.
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
            "wait", percent, f"at {percent}% until {due:%Y-%m-%d %H:%M} UTC at least"
        )
    if health.n_samples < settings.min_samples:
        reason = f"{health.n_samples} of {settings.min_samples} samples at {percent}%"
        return RolloutDecision("wait", percent, reason)
    following = next(step for step in (*stages_of(settings), 100) if step > percent or step == 100)
    checked = ", ".join(check.name for check in health.checks)
    return RolloutDecision("advance", following, f"{health.n_samples} samples, all well: {checked}")


def _told(check: HealthCheck) -> str:
    return f"{check.name} failed" + (f": {check.seen}" if check.seen else "")
