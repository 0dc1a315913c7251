"""A version's quality over its whole life: gates, canary, production, reviews, probes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from monitor.rendering.axes import Axes, Scale, Tick
from monitor.rendering.numbers import format_instant
from monitor.review.decision.error_rate import control_slice
from monitor.settings import Settings
from monitor.statistics.intervals import wilson_interval
from monitor.store.human_evaluation.human_evaluations import is_under_human_evaluation
from monitor.store.probes.requests import Passed, passed_of_version
from monitor.store.probes.runs import ProbeRunRow, recent_runs
from monitor.store.review.draws import draws_of_batches
from monitor.store.review.items import list_batches
from monitor.store.training.candidate_evaluations import (
    CandidateEvaluationRow,
    list_candidate_evaluations,
    weaker_rules_of,
)
from monitor.store.training.candidate_results import WeakerRules
from monitor.store.training.registry import (
    StageChangeRow,
    VersionRow,
    previous_production,
    stage_changes,
    version_by_id,
)
from monitor.store.training.versions.known_versions import known_versions
from monitor.store.windows.digest import newest_windows
from monitor.store.windows.window_figures import WindowFigures
from retrain.rollout.rows.looks import Look, newest_look
from retrain.rollout.rows.rollouts import RolloutRow, list_rollouts, open_rollout

#: Windows and probe runs that the page shows at most.
N_WINDOWS, N_PROBE_RUNS = 104, 60
#: The least change at the top of the chart of probes.
MIN_SCALE = 0.1


@dataclass(frozen=True)
class Period:
    """A time in which the version was in production; ``end`` is ``None`` while it is."""

    start: datetime
    end: datetime | None

    def contains(self, start: datetime, end: datetime) -> bool:
        """Return whether a window lies in this time as a whole."""
        return start >= self.start and (self.end is None or end <= self.end)


@dataclass(frozen=True)
class ErrorRate:
    """The error rate of the control slices of whole windows in production."""

    #: Share of wrong responses.
    rate: float
    #: Lower end of the 95% interval.
    lower: float
    #: Upper end.
    upper: float
    #: Decided control points.
    n: int
    #: Windows whose batches they are of.
    n_windows: int


@dataclass(frozen=True)
class ProbePoint:
    """A probe run in the chart: x of 1000, y of 100 from the top."""

    run: ProbeRunRow
    x: float
    y: float
    threshold_y: float


@dataclass(frozen=True)
class ProbeChart:
    """The changes of probe runs against their thresholds, the oldest first."""

    axes: Axes
    points: Sequence[ProbePoint]
    sentence: str


@dataclass(frozen=True)
class VersionLife:
    """The known facts of a version; the page explains an empty part."""

    version: VersionRow
    moves: Sequence[StageChangeRow]
    periods: Sequence[Period]
    #: Figures could unblind an open human evaluation.
    is_blind: bool
    gates: Sequence[CandidateEvaluationRow]
    #: What the gate result asks less for than earlier evaluations.
    weaker_rules: Sequence[WeakerRules]
    rollouts: Sequence[tuple[RolloutRow, Look | None]]
    #: The open rollout or experiment of the model, of whichever version.
    open_rollout: RolloutRow | None
    #: The version to which a roll back of the model returns; ``None``: no earlier one served.
    previous: VersionRow | None
    windows: Sequence[WindowFigures]
    #: Windows in which another version was in production, too.
    n_shared_windows: int
    error_rate: ErrorRate | None
    probe_runs: Sequence[ProbeRunRow]
    probes_passed: Sequence[Passed]
    chart: ProbeChart | None

    @property
    def n_alarms(self) -> int:
        """The number of windows with an alarm."""
        return sum(w.figures is not None and w.figures.alarm for w in self.windows)


def read_life(connection: Connection, version_id: int, settings: Settings) -> VersionLife:
    """Read all parts of a version's life."""
    version = version_by_id(connection, version_id)
    moves = stage_changes(connection, version_id)
    periods = periods_in_production(moves)
    whole, shared = _windows(connection, version.model, periods)
    runs = recent_runs(connection, version.model, version_id=version_id, limit=N_PROBE_RUNS)
    return VersionLife(
        version=version,
        moves=moves,
        periods=periods,
        is_blind=is_under_human_evaluation(connection, version_id),
        gates=[
            row
            for row in list_candidate_evaluations(connection, model=version.model)
            if row.version_id == version_id
        ],
        weaker_rules=weaker_rules_of(connection, version_id),
        rollouts=[
            (row, newest_look(connection, row.id))
            for row in list_rollouts(connection, settings.model.name)
            if row.version_id == version_id
        ],
        open_rollout=open_rollout(connection, version.model),
        previous=previous_production(connection, version.model),
        windows=whole,
        n_shared_windows=shared,
        error_rate=_error_rate(connection, version, whole),
        probe_runs=runs,
        probes_passed=passed_of_version(connection, version_id),
        chart=draw_probes(runs),
    )


def periods_in_production(moves: Sequence[StageChangeRow]) -> list[Period]:
    """Return the times in which a version was in production, by its changes of stage."""
    periods: list[Period] = []
    began: datetime | None = None
    for move in moves:
        if move.to_stage == "production":
            began = began or move.changed_at
        elif began is not None:
            periods.append(Period(began, move.changed_at))
            began = None
    if began is not None:
        periods.append(Period(began, None))
    return periods


def draw_probes(runs: Sequence[ProbeRunRow]) -> ProbeChart | None:
    """Lay out the compared runs; ``None`` with fewer than two."""
    compared = [run for run in reversed(runs) if run.change is not None]
    if len(compared) < 2:
        return None
    highest = max(max(run.change or 0.0, run.threshold or 0.0) for run in compared)
    scale = Scale(0.0, max(MIN_SCALE, 1.1 * highest))
    points = [
        ProbePoint(
            run,
            1000.0 * (number + 0.5) / len(compared),
            scale.down(run.change or 0.0),
            scale.down(run.threshold or 0.0),
        )
        for number, run in enumerate(compared)
    ]
    newest = compared[-1]
    n_over = sum((run.change or 0.0) >= (run.threshold or 0.0) for run in compared)
    days = [format_instant(run.started_at).split(",")[0] for run in (compared[0], newest)]
    return ProbeChart(
        Axes(
            scale.ticks(lambda value: f"{100 * value:.3g}"),
            "Change against the reference, points of 100",
            (Tick(0.0, days[0]), Tick(100.0, days[1])),
            "Probe runs in order",
        ),
        points,
        f"The newest run changed by {100 * (newest.change or 0.0):.1f} points, at a threshold of "
        f"{100 * (newest.threshold or 0.0):.1f}; {n_over} of {len(compared)} runs reached theirs.",
    )


def _windows(
    connection: Connection, model: str, periods: Sequence[Period]
) -> tuple[list[WindowFigures], int]:
    """Return the windows of the version alone, the newest first, and the number of shared ones."""
    windows = newest_windows(connection, model, N_WINDOWS)[::-1]
    whole = [w for w in windows if any(period.contains(w.start, w.end) for period in periods)]
    overlapping = [
        w
        for w in windows
        if any(w.end > p.start and (p.end is None or w.start < p.end) for p in periods)
    ]
    return whole, len(overlapping) - len(whole)


def _error_rate(
    connection: Connection, version: VersionRow, windows: Sequence[WindowFigures]
) -> ErrorRate | None:
    """Return the error rate of the version's own responses in these windows."""
    evaluations = {window.evaluation_id for window in windows}
    known = known_versions(connection, version.model)
    batches = [
        batch.id
        for batch in list_batches(connection, version.model)
        if batch.evaluation_id in evaluations
    ]
    control = control_slice(
        row
        for row in draws_of_batches(connection, batches)
        if known.name(row.version) == str(version.version)
    )
    if not control.n:
        return None
    lower, upper = wilson_interval(control.errors, control.n)
    return ErrorRate(control.errors / control.n, lower, upper, control.n, len(batches))
