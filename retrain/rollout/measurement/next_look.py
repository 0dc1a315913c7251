"""The look at the next complete hour of a rollout."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import Any

import numpy as np
from sqlalchemy import Connection

from monitor.settings import Settings
from monitor.store.traffic.daily_counts import SampledCount
from retrain.rollout.checks.decision import Stage, decide
from retrain.rollout.checks.evidence import (
    RolloutEvidence,
    Tolerances,
    create_evidence,
    start_stage,
)
from retrain.rollout.checks.evidence_json import from_json, to_json
from retrain.rollout.checks.evidence_update import update
from retrain.rollout.checks.observations import Observations, no_observations
from retrain.rollout.checks.sample_ratio import (
    ArmRequests,
    compare_requests,
    count_unlabelled,
    count_users,
    expected_sampled_share,
)
from retrain.rollout.measurement.feedback import rated_before
from retrain.rollout.measurement.reviews import reviewed_rows
from retrain.rollout.measurement.safety_probes import safety_rows
from retrain.rollout.measurement.starting_point import (
    MALFORMED,
    SAFETY_PROBES,
    learn_starting_point,
    malformed,
    stored_starting_point,
)
from retrain.rollout.measurement.subject import Subject
from retrain.rollout.rows.looks import HOUR, Look, floor_hour, newest_look
from retrain.rollout.rows.measured_hours import (
    MeasuredRow,
    Watermark,
    late_rows,
    mean_probability,
    newest_ids,
    past_rows,
    rows_of_hour,
    seen_users,
    sum_requests,
)
from retrain.rollout.rows.observed_rollout import arm_rates

#: Earlier hours of an hour's users that are read: at 10,000 requests an hour a look takes 11 s with
#: them. Of an end user whose hours correlate by .2, 72 hours tell .95 of what all would.
PAST_TIME = timedelta(hours=72)
VERSION = 1
#: Rows in memory at once.
ROWS_PER_PART = 10_000

Numbering = defaultdict[str, int]


def next_look(
    connection: Connection,
    subject: Subject,
    settings: Settings,
    complete_until: datetime,
    now: datetime,
) -> Look | None:
    """Return the look at the hour after the newest that was looked at; ``None``: not complete yet.

    It reads only. The same rows give the same look.

    Ingest has stored the traffic up to ``complete_until``.
    """
    last = newest_look(connection, subject.rollout_id, with_evidence=True)
    hour = floor_hour(subject.started_at) if last is None else last.end
    if hour + HOUR > complete_until:
        return None
    evidence, mark = _continue(connection, subject, settings, last)
    read = newest_ids(connection, subject.rollout_id)
    rows = rows_of_hour(connection, subject.rollout_id, hour, hour + HOUR)
    late = late_rows(connection, subject.rollout_id, subject.started_at, hour, mark)
    late += reviewed_rows(connection, subject, settings, hour, hour + HOUR)
    if SAFETY_PROBES in evidence.metrics:
        late += safety_rows(connection, subject, hour, hour + HOUR)
    since = max(subject.started_at, hour - PAST_TIME)
    past = past_rows(connection, subject.rollout_id, since, hour, hour + HOUR)
    past = chain(past, rated_before(connection, subject, rows, late, since=since, hour=hour))
    users, tasks = numbering(), numbering()
    metrics = evidence.metrics
    observed = observations_of([*rows, *late], metrics, users, tasks)
    earlier = observations_of(past, metrics, users, tasks)
    evidence = update(evidence, hour_number(hour), observed, earlier)
    if hour >= subject.stage_started_at:
        seen = seen_users(
            connection, subject.rollout_id, subject.stage_started_at, hour, hour + HOUR
        )
        evidence = count_new_users(evidence, subject, settings, rows, seen)
        since = subject.stage_started_at
        requests = sum_requests(connection, subject.rollout_id, since, hour + HOUR)
        evidence = _count_requests(evidence, subject, settings, requests)
        evidence = _count_unlabelled(evidence, subject, rows, mark, read)
    stage = Stage(
        subject.percent,
        subject.stage_started_at,
        subject.min_dwell,
        subject.max_hold,
        is_holdback=0 < subject.stage == subject.n_stages - 1,
    )
    decision = decide(evidence, stage, now)
    return Look(
        rollout_id=subject.rollout_id,
        hour=hour,
        stage=subject.stage,
        weight_percent=subject.weight_percent,
        n_canary=sum(row.arm == "canary" for row in rows),
        n_stable=sum(row.arm == "stable" for row in rows),
        seen_share=seen_share(rows),
        evidence={"version": VERSION, "read": asdict(read), "evidence": to_json(evidence)},
        checks=decision.results,
        action=decision.action,
        reason=decision.summary,
        reasons=decision.reasons,
        looked_at=now,
    )


def next_hour(connection: Connection, subject: Subject) -> datetime:
    """Return the start of the hour after the newest that was looked at."""
    last = newest_look(connection, subject.rollout_id)
    return floor_hour(subject.started_at) if last is None else last.end


def hour_number(moment: datetime) -> int:
    """Return the hour since 1970 in which a time lies."""
    return int(moment.timestamp() // 3600)


def stored_evidence(document: dict[str, Any]) -> RolloutEvidence:
    """Return the evidence that a look has stored."""
    return from_json(document["evidence"])


def _continue(
    connection: Connection, subject: Subject, settings: Settings, last: Look | None
) -> tuple[RolloutEvidence, Watermark]:
    """Return the evidence so far, in the rollout's stage."""
    if last is None or last.evidence is None:
        point = stored_starting_point(connection, subject.rollout_id)
        if point is None:
            point = learn_starting_point(connection, subject, settings)
        tolerances = Tolerances(
            margin=settings.monitoring.alert_threshold,
            negligible=settings.rollout.negligible,
            false_reverts=settings.rollout.false_reverts,
        )
        evidence = create_evidence(point.checks, subject.n_stages, tolerances, subject.rollout_id)
        mark = Watermark()
    else:
        evidence = stored_evidence(last.evidence)
        mark = Watermark(**last.evidence["read"])
    while evidence.stage < subject.stage:
        evidence = start_stage(evidence)
    return evidence, mark


def count_new_users(
    evidence: RolloutEvidence,
    subject: Subject,
    settings: Settings,
    rows: Sequence[MeasuredRow],
    seen: set[tuple[str, str]],
) -> RolloutEvidence:
    """Count the users who are new in the stage: the routing of each is one draw."""
    new = {(row.arm, row.end_user or f"\0{row.id}") for row in rows} - seen
    if not new:
        return evidence
    rollout = settings.rollout
    rates = arm_rates(subject.weight_percent, rollout.canary_rate, rollout.stable_per_canary)
    canary = mean_probability(rows, "canary") or rates["canary"]
    stable = mean_probability(rows, "stable") or rates["stable"]
    share = expected_sampled_share(subject.weight_percent, canary, stable)
    n_canary = sum(arm == "canary" for arm, _ in new)
    counted = count_users(evidence.sample_ratio, n_canary, len(new), share)
    return replace(evidence, sample_ratio=counted)


def _count_requests(
    evidence: RolloutEvidence,
    subject: Subject,
    settings: Settings,
    requests: Mapping[str, tuple[float, float]],
) -> RolloutEvidence:
    """Compare the canary's share of the stage's requests with its weight."""
    rollout = settings.rollout
    rates = arm_rates(subject.weight_percent, rollout.canary_rate, rollout.stable_per_canary)
    canary, stable = (ArmRequests(*requests.get(arm, (0.0, 0.0))) for arm in ("canary", "stable"))
    compared = compare_requests(
        evidence.sample_ratio,
        canary,
        stable,
        subject.weight_percent / 100.0,
        (rates["canary"], rates["stable"]),
    )
    return replace(evidence, sample_ratio=compared)


def _count_unlabelled(
    evidence: RolloutEvidence,
    subject: Subject,
    rows: Sequence[MeasuredRow],
    mark: Watermark,
    read: Watermark,
) -> RolloutEvidence:
    """Count the requests that name neither version since the look before."""
    unlabelled = SampledCount(
        max(read.n_unlabelled - mark.n_unlabelled, 0),
        max(read.unlabelled_total - mark.unlabelled_total, 0.0),
    )
    labelled = SampledCount(len(rows), sum(1.0 / row.inclusion_probability for row in rows))
    weight = subject.weight_percent / 100.0
    counted = count_unlabelled(evidence.sample_ratio, unlabelled, labelled, weight)
    return replace(evidence, sample_ratio=counted)


def observations_of(
    rows: Iterable[MeasuredRow],
    metrics: Sequence[str],
    users: Numbering,
    tasks: Numbering,
) -> Observations:
    """Return rows as the evidence takes them; they are read once, and need not be in memory.

    New end users and task types are added to the numbers in ``users`` and ``tasks``.
    """
    parts = []
    remaining = iter(rows)
    while part := list(islice(remaining, ROWS_PER_PART)):
        values = [[_value(row, metric) for metric in metrics] for row in part]
        columns = (
            np.array([hour_number(row.occurred_at) for row in part], dtype=np.int64),
            np.array([row.arm == "canary" for row in part], dtype=np.bool_),
            np.array([users[row.end_user] if row.end_user else -1 for row in part], np.int64),
            np.array([tasks[row.task_type] for row in part], dtype=np.int64),
            np.array(values, dtype=np.float64).reshape(len(part), len(metrics)),
        )
        parts.append(columns)
    if not parts:
        return no_observations(len(metrics))
    return Observations(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _value(row: MeasuredRow, metric: str) -> float:
    if metric == MALFORMED:
        return malformed(row.measures)
    return float(row.measures.get(metric, np.nan))


def seen_share(rows: Sequence[MeasuredRow]) -> float | None:
    """Return the canary's share of the traffic, by inclusion weights; ``None`` without any."""
    total = sum(1.0 / row.inclusion_probability for row in rows)
    canary = sum(1.0 / row.inclusion_probability for row in rows if row.arm == "canary")
    return canary / total if total else None


def numbering() -> Numbering:
    """Return numbers of names, which are given as they are asked for."""
    numbers: Numbering = defaultdict()
    numbers.default_factory = numbers.__len__
    return numbers
