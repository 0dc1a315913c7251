"""The look at the next complete hour of an experiment."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection

from monitor.settings import Settings
from retrain.rollout.checks.evidence_json import from_json, to_json
from retrain.rollout.experiments.analysis import (
    Experiment,
    ExperimentVerdict,
    MetricResult,
    completed_users,
    create_experiment,
    experiment_verdict,
    metric_results,
    update_experiment,
)
from retrain.rollout.experiments.design import design_of, select_checks
from retrain.rollout.measurement.next_look import (
    HOUR,
    count_new_users,
    floor_hour,
    hour_number,
    numbering,
    observations_of,
    seen_share,
)
from retrain.rollout.measurement.starting_point import StartingPoint
from retrain.rollout.measurement.subject import Subject
from retrain.rollout.rows.looks import newest_look
from retrain.rollout.rows.measured_hours import rows_of_hour, seen_users
from retrain.rollout.rows.rollouts import RolloutRow

VERSION = 1


@dataclass(frozen=True)
class ExperimentLook:
    """The look at an hour of an experiment."""

    hour: datetime
    n_treatment: int
    n_control: int
    seen_share: float | None
    evidence: dict[str, Any]
    results: list[MetricResult]
    verdict: ExperimentVerdict
    #: ``revert``: a guard is broken; ``hold``: the shares seen are not those that were set.
    action: Literal["wait", "hold", "revert"]
    reason: str


def look_at_experiment(
    connection: Connection,
    row: RolloutRow,
    subject: Subject,
    settings: Settings,
    *,
    point: StartingPoint,
    complete_until: datetime,
) -> ExperimentLook | None:
    """Return the look at the next hour of an experiment; ``None``: it is not complete.

    Args:
        connection: A snapshot.
        row: The experiment.
        subject: The same, as it is measured.
        settings: Of its model.
        point: Its checks.
        complete_until: Until when ingest has stored the traffic.
    """
    last = newest_look(connection, row.id)
    hour = floor_hour(row.started_at) if last is None else last.hour + HOUR
    if hour + HOUR > complete_until:
        return None
    design = design_of(row)
    experiment = _begin(row, settings, point) if last is None else _continue(last.evidence)
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
    return ExperimentLook(
        hour=hour,
        n_treatment=sum(entry.arm == "canary" for entry in rows),
        n_control=sum(entry.arm == "stable" for entry in rows),
        seen_share=seen_share(rows),
        evidence=_store(experiment),
        results=results,
        verdict=verdict,
        action=action,
        reason=reason,
    )


def result_as_json(result: MetricResult) -> dict[str, Any]:
    """Return a result as a look stores it."""
    kind = "guard" if result.is_guard else "goal"
    return {**asdict(result), "kind": kind, "worse": result.verdict == "worse"}


def describe(results: Sequence[MetricResult], verdict: ExperimentVerdict) -> str:
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
    experiment: Experiment, results: Sequence[MetricResult], verdict: ExperimentVerdict
) -> tuple[Literal["wait", "hold", "revert"], str]:
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
