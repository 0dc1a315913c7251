"""Hours of observations of a rollout with known rates."""

from datetime import UTC, datetime

import numpy as np

from retrain.rollout.checks.check import RolloutCheck
from retrain.rollout.checks.evidence import RolloutEvidence
from retrain.rollout.checks.evidence_update import update
from retrain.rollout.checks.observations import Observations

#: 2026-01-01 00:00 UTC in hours since 1970.
START = 490_896


def time_after(hours: float) -> datetime:
    """Return the time so many hours after the start."""
    return datetime.fromtimestamp((START + hours) * 3600, UTC)


def rate_check(name: str = "resolved", level: float | None = 0.9) -> RolloutCheck:
    """Return an advance check of a rate."""
    return RolloutCheck(name, "advance", name, level=level)


def draw_requests(
    rates: tuple[float, float],
    rng: np.random.Generator,
    *,
    hour: int = 0,
    n_stable: int = 400,
    n_canary: int = 100,
    n_metrics: int = 1,
) -> Observations:
    """Return an hour of requests without users; the rates are stable's and the canary's."""
    is_canary = np.repeat([False, True], [n_stable, n_canary])
    n = len(is_canary)
    rate = np.where(is_canary, rates[1], rates[0])[:, None]
    return Observations(
        hour=np.full(n, START + hour),
        is_canary=is_canary,
        user=np.full(n, -1),
        task_type=np.zeros(n, dtype=np.int64),
        values=(rng.random((n, n_metrics)) < rate).astype(np.float64),
    )


def run_hours(
    evidence: RolloutEvidence,
    rates: tuple[float, float],
    hours: range,
    *,
    seed: int = 0,
    n_stable: int = 400,
    n_canary: int = 100,
) -> RolloutEvidence:
    """Return the evidence after hours with these rates."""
    rng = np.random.default_rng(seed)
    for hour in hours:
        requests = draw_requests(
            rates,
            rng,
            hour=hour,
            n_stable=n_stable,
            n_canary=n_canary,
            n_metrics=len(evidence.metrics),
        )
        evidence = update(evidence, START + hour, requests)
    return evidence
