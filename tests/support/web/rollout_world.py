"""A realistic rollout: simulated hours of two versions, measured and decided by the real code."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import Engine, insert

from monitor.settings import Settings
from monitor.store.engine import transaction
from monitor.store.leadership import take_lease
from monitor.store.tables import RolloutLook
from monitor.store.training.registry import insert_version
from retrain.rollout.checks.check import SHARES, default_checks, metric_check
from retrain.rollout.checks.decision import Stage, decide
from retrain.rollout.checks.evidence import RolloutEvidence, create_evidence, start_stage
from retrain.rollout.checks.evidence_json import to_json
from retrain.rollout.checks.evidence_update import update
from retrain.rollout.checks.observations import Observations, no_observations
from retrain.rollout.plan import RolloutPlan, make_plan, plan_as_json
from retrain.rollout.rows import rollouts
from retrain.rollout.rows.events import add_event
from retrain.rollout.rows.looks import HOUR, Look, newest_look
from retrain.rollout.rows.rollouts import RolloutRow
from retrain.rollout.rows.weights import insert_weights
from tests.support.retrain.rollout_desk import RolloutDesk

MODEL = "assistant"

EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
#: Shares of bad responses of both versions, and of good ones.
HEALTHY = {
    **dict.fromkeys(SHARES, 0.01),
    "refusals": 0.02,
    "relevance": 0.97,
    "resolved": 0.8,
}
LEVELS = {**HEALTHY, "latency": 3.0, "length": 180.0}


@dataclass
class MeasuredLooks:
    """Looks at simulated users of both versions.

    Attributes:
        engine: The database.
        canary: Rates of the canary that differ from stable's.
        n_canary: Canary users an hour; 0: it is idle.
        missing: Metrics that the canary doesn't have.
    """

    engine: Engine
    canary: Mapping[str, float] = field(default_factory=dict)
    n_canary: int = 60
    missing: frozenset[str] = frozenset()
    evidence: RolloutEvidence | None = None
    stage: int = -1

    def __call__(self, rollout: RolloutRow, plan: RolloutPlan, now: datetime) -> Look | None:
        """Measure the next complete hour."""
        with transaction(self.engine) as connection:
            newest = newest_look(connection, rollout.id)
        first = rollout.started_at.replace(minute=0, second=0, microsecond=0)
        hour = newest.hour + HOUR if newest else first
        if hour + HOUR > now:
            return None
        evidence = self._evidence(rollout, plan)
        number = int((hour - EPOCH) / HOUR)
        seen = self._observe(evidence, number)
        self.evidence = evidence = update(
            evidence, number, seen, no_observations(seen.values.shape[1])
        )
        stage = Stage(
            rollout.weight_percent,
            rollout.stage_started_at,
            plan.time_of(rollout.stage),
            plan.max_hold,
        )
        decision = decide(evidence, stage, hour + HOUR)
        n_canary = int(seen.is_canary.sum())
        return Look(
            rollout_id=rollout.id,
            hour=hour,
            stage=rollout.stage,
            weight_percent=rollout.weight_percent,
            n_canary=n_canary,
            n_stable=len(seen) - n_canary,
            seen_share=rollout.weight_percent / 100 + 0.004 * float(np.sin(number))
            if n_canary
            else 0.0,
            evidence=json.loads(to_json(evidence)) if number % 24 == 0 else {},
            checks=decision.results,
            action=decision.action,
            reason=decision.summary,
            looked_at=now,
        )

    def _evidence(self, rollout: RolloutRow, plan: RolloutPlan) -> RolloutEvidence:
        if self.evidence is None:
            checks = default_checks(LEVELS)
            checks.append(metric_check("resolved", "advance", 0.0, 1.0, level=0.8))
            checks.append(metric_check("thumbs", "revert_only", 0.0, 1.0, level=0.7))
            self.evidence = create_evidence(checks, len(plan.stages), seed=7)
        while self.stage < rollout.stage:
            self.evidence = start_stage(self.evidence)
            self.stage += 1
        return self.evidence

    def _observe(self, evidence: RolloutEvidence, hour: int) -> Observations:
        rng = np.random.default_rng([hour, 7])
        n, k = 5 * self.n_canary or 240, self.n_canary
        is_canary = np.arange(n) < k
        values = np.full((n, len(evidence.metrics)), np.nan)
        for column, metric in enumerate(evidence.metrics):
            if metric == "latency":
                values[:, column] = rng.lognormal(0.3, 0.45, n) * np.where(
                    is_canary, self.canary.get(metric, 1.0), 1.0
                )
            elif metric == "length":
                values[:, column] = rng.gamma(9.0, 20.0, n)
            elif metric == "thumbs":
                rated = rng.random(n) < 0.05
                values[rated, column] = rng.random(int(rated.sum())) < 0.7
            else:
                rate = np.where(
                    is_canary, self.canary.get(metric, HEALTHY[metric]), HEALTHY[metric]
                )
                values[:, column] = rng.random(n) < rate
            if metric in self.missing:
                values[is_canary, column] = np.nan
        return Observations(
            hour=np.full(n, hour),
            is_canary=is_canary,
            user=np.arange(n) + hour * 10_000,
            task_type=rng.integers(0, 3, n),
            values=values,
        )


def check_figures(name: str = "errors", **figures: Any) -> dict[str, Any]:
    """Return the figures of an advance check that is not shown yet, or those that are given."""
    return {
        "name": name,
        "kind": "advance",
        "loss": 0.002,
        "stage_loss": 0.002,
        "lower": -0.01,
        "upper": 0.02,
        "margin": 0.01,
        "negligible": 0.0001,
        "level": 0.01,
        "n_pairs": 480,
        "n_stage_pairs": 480,
        "wealth_worse": 0.4,
        "wealth_to_revert": 200.0,
        "wealth_not_worse": 3.0,
        "wealth_to_advance": 20.0,
        "not_worse": False,
        "worse": False,
        "missing": "",
        "is_share": True,
        **figures,
    }


def add_rollout(
    engine: Engine,
    clock: datetime,
    *,
    model: str = MODEL,
    status: str = "running",
    reason: str = "rollout starts at 5%",
    looks: Sequence[Mapping[str, Any]] = (),
) -> int:
    """Insert a rollout with one event and confirmed weights, and return its id.

    Args:
        engine: The database.
        clock: Its start.
        model: The model; versions 1 and 2 are added to it, or the next two.
        status: Its status.
        reason: Why, also of event and weights.
        looks: Columns of looks that differ, one hour after another.
    """
    ended = clock if status in {"completed", "reverted"} else None
    with transaction(engine) as connection:
        stable, canary = (
            insert_version(
                connection,
                model=model,
                stage=stage,
                parent_id=None,
                training_run_id=None,
                adapter_path="a",
                adapter_digest="d",
                lineage={},
                created_at=clock,
            )
            for stage in ("archived", "canary")
        )
        plan = plan_as_json(make_plan(Settings()))
        rollout_id = rollouts.insert_rollout(
            connection,
            model=model,
            version_id=canary,
            stable_version_id=stable,
            status=status,
            weight_percent=5,
            stage_started_at=clock,
            reason=reason,
            settings=plan,
            started_by="lea",
            started_at=clock,
            finished_at=ended,
        )
        add_event(
            connection,
            rollout_id=rollout_id,
            event="started",
            from_status=None,
            to_status=status,
            weight_percent=5,
            by=reason,
            at=clock,
            reason=reason,
            details=None,
        )
        insert_weights(
            connection,
            model=model,
            generation=1,
            stable_version_id=stable,
            canary_version_id=canary,
            canary_percent=5,
            rollout_id=rollout_id,
            by=reason,
            reason=reason,
            created_at=clock,
            confirmed_at=clock,
            error=None if reason == "rollout starts at 5%" else reason,
        )
        columns = {
            "stage": 0,
            "weight_percent": 5,
            "n_canary": 60,
            "n_stable": 240,
            "seen_share": 0.05,
            "evidence": {},
            "checks": [],
            "action": "wait",
            "reason": reason,
            "looked_at": clock,
        }
        rows = [
            {"rollout_id": rollout_id, "hour": clock + place * HOUR, **columns, **look}
            for place, look in enumerate(looks)
        ]
        if rows:
            connection.execute(insert(RolloutLook), rows)
    return rollout_id


def make_desk(engine: Engine, clock: datetime, settings: Settings, **looks: object) -> RolloutDesk:
    """Return a desk whose looks are measured; a replica leads."""
    desk = RolloutDesk(engine, clock, settings)
    measured = MeasuredLooks(engine, **looks)  # type: ignore[arg-type]
    desk.daemon = replace(desk.daemon, next_look=measured)
    with transaction(engine) as connection:
        take_lease(connection, "replica-1", timedelta(days=1))
    return desk
