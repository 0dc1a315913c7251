"""The look at the next complete hour of an experiment."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from monitor.settings import Settings
from retrain.rollout.checks.decision import Action
from retrain.rollout.checks.evidence_json import from_json, to_json
from retrain.rollout.checks.results import CheckResult
from retrain.rollout.experiments.analysis import (
    Experiment,
    ExperimentVerdict,
    completed_users,
    create_experiment,
    experiment_verdict,
    metric_results,
    update_experiment,
)
from retrain.rollout.experiments.design import design_of, select_checks
from retrain.rollout.measurement.next_look import (
    count_new_users,
    hour_number,
    numbering,
    observations_of,
    seen_share,
)
from retrain.rollout.measurement.starting_point import StartingPoint
from retrain.rollout.measurement.subject import Subject
from retrain.rollout.rows.looks import HOUR, Look, floor_hour, newest_look
from retrain.rollout.rows.measured_hours import rows_of_hour, seen_users
from retrain.rollout.rows.rollouts import RolloutRow

VERSION = 1


def look_at_experiment(
    connection: Connection,
    row: RolloutRow,
    subject: Subject,
    settings: Settings,
    *,
    point: StartingPoint,
    complete_until: datetime,
    now: datetime,
) -> Look | None:
    """Return the look at the next hour of an experiment; ``None``: it is not complete.

    Its action is ``revert`` where a guard is broken, and ``hold`` where the shares seen are not
    those that were set.

    Ingest has stored the traffic up to ``complete_until``. ``subject`` is the same experiment, as
    it is measured.
    """
    last = newest_look(connection, row.id, with_evidence=True)
    hour = floor_hour(row.started_at) if last is None else last.end
    if hour + HOUR > complete_until:
        return None
    design = design_of(row)
    stored = None if last is None else last.evidence
    experiment = _begin(row, settings, point) if stored is None else _continue(stored)
    rows = rows_of_hour(connection, row.id, hour, hour + HOUR)
    first = hour + HOUR - design.exposure
    since = max(first, floor_hour(row.started_at))
    # Those who came before are complete, or will never be.
    earlier = seen_users(connection, row.id, row.started_at, since, hour + HOUR)
    returning = {user for _, user in earlier}
    exposed = [
        entry
        for entry in rows_of_hour(connection, row.id, since, hour + HOUR)
        if entry.end_user and entry.end_user not in returning
    ]
    observed = observations_of(exposed, experiment.worse.metrics, numbering(), numbering())
    number = hour_number(hour)
    complete = completed_users(observed, number, design.exposure_hours)
    experiment = update_experiment(experiment, number, complete)
    if hour >= row.stage_started_at:
        seen = seen_users(connection, row.id, row.stage_started_at, hour, hour + HOUR)
        counted = count_new_users(experiment.worse, subject, settings, rows, seen)
        experiment = replace(experiment, worse=counted)
    results = metric_results(experiment)
    verdict = experiment_verdict(results)
    action, reason = _act(experiment, results, verdict)
    return Look(
        rollout_id=row.id,
        hour=hour,
        stage=row.stage,
        weight_percent=row.weight_percent,
        n_canary=sum(entry.arm == "canary" for entry in rows),
        n_stable=sum(entry.arm == "stable" for entry in rows),
        seen_share=seen_share(rows),
        checks=tuple(results),
        action=action,
        reason=reason,
        looked_at=now,
        evidence=_store(experiment),
    )


def describe(results: Sequence[CheckResult], verdict: ExperimentVerdict) -> str:
    """Return the verdict as a sentence."""
    differing = [result for result in results if result.verdict in {"better", "worse"}]
    figures = "; ".join(
        f"{result.name} {result.verdict} by {abs(result.difference or 0.0):.3g} "
        f"({result.lower or 0.0:+.3g} to {result.upper or 0.0:+.3g}, valid at any look)"
        for result in differing
    )
    name = verdict.replace("_", " ")
    return f"{name}: {figures}" if figures else name


def _act(
    experiment: Experiment, results: Sequence[CheckResult], verdict: ExperimentVerdict
) -> tuple[Action, str]:
    if verdict == "guard_broken":
        return "revert", describe(results, verdict)
    ratio = experiment.worse.sample_ratio
    if ratio.is_mismatch:
        return "hold", (
            f"the treatment received {ratio.seen_share or 0:.1%} of the users, the share set is "
            f"{ratio.expected_share or 0:.1%} of those observed; check the gateway"
        )
    return "wait", describe(results, verdict)


def _begin(row: RolloutRow, settings: Settings, point: StartingPoint) -> Experiment:
    goals, guards = select_checks(design_of(row), point.checks)
    return create_experiment(
        goals,
        guards,
        error=settings.rollout.false_reverts,
        margin=settings.monitoring.alert_threshold,
        seed=row.id,
    )


def _store(experiment: Experiment) -> dict[str, Any]:
    return {
        "version": VERSION,
        "worse": to_json(experiment.worse),
        "better": to_json(experiment.better),
        "guards": json.dumps(experiment.guards),
    }


def _continue(document: dict[str, Any]) -> Experiment:
    return Experiment(
        worse=from_json(document["worse"]),
        better=from_json(document["better"]),
        guards=tuple(json.loads(document["guards"])),
    )
