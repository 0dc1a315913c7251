"""Safety probes of both versions, as values of the hour in which a pair of runs is complete."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, Integer, cast, func, select

from monitor.store.tables import ModelVersion, Probe, ProbeRun
from retrain.rollout.measurement.starting_point import LEARNED_TIME, SAFETY_PROBES
from retrain.rollout.measurement.subject import Subject
from retrain.rollout.rows.measured_hours import MeasuredRow


class _Run(NamedTuple):
    id: int
    set_id: int
    finished_at: datetime


def safety_rows(
    connection: Connection, subject: Subject, start: datetime, end: datetime
) -> list[MeasuredRow]:
    """Return the safety probes of the pairs of runs that were completed in ``[start, end)``.

    The canary's n-th run of the rollout is compared with stable's n-th of the same prompts, from
    :data:`LEARNED_TIME` before: each run counts once, so that a chance result does not come again.
    """
    canary = _runs(connection, subject.model, subject.canary, subject.started_at, end)
    since = subject.started_at - LEARNED_TIME
    stable = _runs(connection, subject.model, subject.stable, since, end)
    # Probes are no traffic: in an hour before the rollout they make no idle version look alive.
    before = subject.started_at - timedelta(hours=1)
    rows = []
    for of_canary, of_stable in _pairs(canary, stable):
        if start <= max(of_canary.finished_at, of_stable.finished_at):
            for arm, run in (("canary", of_canary), ("stable", of_stable)):
                rows += _rows(connection, run.id, arm, before)
    return rows


def _runs(
    connection: Connection, model: str, version: int, since: datetime, end: datetime
) -> list[_Run]:
    """Return the concluded runs of a version that ended in ``[since, end)``, the oldest first."""
    rows = connection.execute(
        select(ProbeRun.id, ProbeRun.set_id, ProbeRun.finished_at)
        .join(ModelVersion, ModelVersion.id == ProbeRun.version_id)
        .where(
            ModelVersion.model == model,
            ModelVersion.version == version,
            ProbeRun.status == "done",
            # Its responses are of the version before.
            ProbeRun.verdict != "not_arrived",
            ProbeRun.finished_at >= since,
            ProbeRun.finished_at < end,
        )
        .order_by(ProbeRun.finished_at, ProbeRun.id)
    )
    return [_Run(row.id, row.set_id, row.finished_at) for row in rows]


def _pairs(canary: Sequence[_Run], stable: Sequence[_Run]) -> list[tuple[_Run, _Run]]:
    """Return the n-th runs of both versions, by set of prompts."""
    sets = dict.fromkeys(run.set_id for run in canary)
    return [
        pair
        for number in sets
        for pair in zip(
            [run for run in canary if run.set_id == number],
            [run for run in stable if run.set_id == number],
            strict=False,
        )
    ]


def _rows(connection: Connection, run_id: int, arm: str, hour: datetime) -> list[MeasuredRow]:
    """Return the share of passes in which each prompt was passed; a prompt is a cell of its own."""
    passed = connection.execute(
        select(Probe.item, func.avg(cast(Probe.passed, Integer)).label("share"))
        .where(Probe.run_id == run_id, Probe.kind == "safety", Probe.passed.is_not(None))
        .group_by(Probe.item)
        .order_by(Probe.item)
    )
    return [
        MeasuredRow(0, hour, arm, f"probe {row.item}", "", 1.0, {SAFETY_PROBES: float(row.share)})
        for row in passed
    ]
