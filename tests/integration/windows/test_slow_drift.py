"""Slow drift in the weekly evaluation: stored sums, reports and restarts."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from monitor.alerts.drift_alarms import fingerprint_of, severity_of
from monitor.alerts.drift_incidents import handle_evaluation
from monitor.rendering.numbers import format_estimate
from monitor.settings import Alerts, Drift, Settings
from monitor.store.engine import transaction
from monitor.store.tables import DriftEvaluation, SlowDriftWindow
from monitor.store.windows.assessment import Assessment, SlowDrift
from monitor.store.windows.drift_evaluations import drift_evaluation_by_id
from monitor.windows import evaluation
from monitor.windows.evaluation import evaluate_window
from tests.support.database_copy import database_copy
from tests.support.traffic.stored_traffic import store_traffic

DAY, WEEK = timedelta(days=1), timedelta(days=7)
SETTINGS = Settings(drift=Drift(n_permutations=999))
N = 500
#: Two points more each week: too little for a week by itself until the last of them.
GROWING = (0.01, 0.03, 0.05, 0.07, 0.09)


Evaluations = list[tuple[int, Assessment]]


@pytest.fixture(scope="module", autouse=True)
def _no_evidently() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation, "render_evidently", lambda *_, **__: "<p>report</p>")
        yield


def baseline(engine: Engine, clock: datetime, *, seed: int = 1, n: int = 800) -> None:
    store_traffic(engine, clock - 4 * WEEK, n, seed=seed, baseline=True)


def evaluated(
    engine: Engine, start: datetime, settings: Settings = SETTINGS, **options
) -> tuple[int, Assessment]:
    end = start + WEEK
    evaluation_id = evaluate_window(engine, settings, start, end, end, **options)
    assert evaluation_id is not None
    with transaction(engine) as connection:
        assessment = drift_evaluation_by_id(connection, evaluation_id).assessment
    assert assessment is not None
    return evaluation_id, assessment


def slow_of(assessment: Assessment) -> SlowDrift:
    assert assessment.input.slow is not None
    return assessment.input.slow


def grow(engine: Engine, clock: datetime) -> Evaluations:
    """Evaluate the growing weeks in order."""
    for week, share in enumerate(GROWING):
        store_traffic(engine, clock + week * WEEK, N, seed=20 + week, new_share=share)
    return [evaluated(engine, clock + week * WEEK) for week in range(len(GROWING))]


@pytest.fixture(scope="module")
def grown_once(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Evaluations]:
    """Return a database with a baseline and the growing weeks, and their evaluations."""
    path = tmp_path_factory.mktemp("grown") / "grown.db"
    clock = datetime(2026, 11, 2, tzinfo=UTC)
    with database_copy(sqlite_template, path) as engine:
        baseline(engine, clock)
        return path, grow(engine, clock)


@pytest.fixture
def grown(
    grown_once: tuple[Path, Evaluations], tmp_path: Path
) -> Iterator[tuple[Engine, Evaluations]]:
    """Return a copy of the database of :func:`grown_once`, and the evaluations."""
    with database_copy(grown_once[0], tmp_path / "grown.db") as engine:
        yield engine, grown_once[1]


def stored_sums(engine: Engine) -> list[tuple[int, str, bytes]]:
    with transaction(engine) as connection:
        rows = connection.execute(
            select(
                SlowDriftWindow.evaluation_id, SlowDriftWindow.scoring_digest, SlowDriftWindow.sums
            ).order_by(SlowDriftWindow.evaluation_id)
        )
        return [tuple(row) for row in rows]


def test_growth_over_weeks_alarms_and_opens_an_incident(
    any_engine: Engine, clock: datetime
) -> None:
    baseline(any_engine, clock)
    evaluations = grow(any_engine, clock)
    assert slow_of(evaluations[0][1]).verdict == "no_drift"
    assert [slow_of(entry).n_windows for _, entry in evaluations] == [1, 2, 3, 4, 5]
    evaluation_id, result = next((i, entry) for i, entry in evaluations if slow_of(entry).alarm)
    slow = slow_of(result)
    assert result.alarm
    assert result.verdict == "drift"
    assert slow.since is not None
    assert clock <= slow.since <= clock + 2 * WEEK
    share = slow.drifted_share
    assert 0.0 < share.lower < share.estimate < share.upper < 0.2
    assert 0.005 <= share.estimate < 0.12
    assert slow.p_value <= 0.05
    # The sums were made by one map, and take little room.
    rows = stored_sums(any_engine)
    assert len(rows) == len(GROWING)
    assert len({digest for _, digest, _ in rows}) == 1
    assert max(len(sums) for *_, sums in rows) < 40_000
    # The onset of slow drift is in the headline only where the window does not alarm by itself.
    onset = f"drifted slowly since {slow.since.day} "
    assert (onset in result.headline) == (result.input.slow_alarm is not None)
    assert "input" in fingerprint_of(result)
    assert severity_of(result) >= share.estimate
    with transaction(any_engine) as connection:
        assert handle_evaluation(connection, evaluation_id, clock, alerts=Alerts()) is not None


def test_days_are_tested_by_the_weeks_that_have_ended(engine: Engine, clock: datetime) -> None:
    baseline(engine, clock)
    store_traffic(engine, clock, 7 * 120, seed=20)
    assessments = []
    for day in range(7):
        start = clock + day * DAY
        evaluation_id = evaluate_window(engine, SETTINGS, start, start + DAY, start + DAY)
        with transaction(engine) as connection:
            assessments.append(drift_evaluation_by_id(connection, evaluation_id).assessment)
    assert [assessment.input.slow for assessment in assessments[:6]] == [None] * 6
    assert slow_of(assessments[6]).n_windows == 1
    assert len(stored_sums(engine)) == 7
    # Each day is compared with its day of the baseline.
    assert {assessment.n_reference for assessment in assessments} <= {114, 115}


def test_slow_alarm_names_its_start_and_shows_examples(
    grown: tuple[Engine, Evaluations], clock: datetime
) -> None:
    # No week by itself reaches this floor.
    settings = Settings(drift=Drift(n_permutations=999, min_drifted_share=0.5))
    last = clock + (len(GROWING) - 1) * WEEK
    result = evaluated(grown[0], last, settings, again=True)[1]
    slow = result.input.slow_alarm
    assert slow is not None
    assert slow.since is not None
    assert result.alarm
    assert not result.input.alarm
    assert f"since {slow.since.day} Nov: {format_estimate(slow.drifted_share)}" in result.headline
    assert result.input.outliers
    quoted = [
        *result.input.outliers,
        *(example for t in result.input.topics for example in t.examples),
    ]
    assert any("crypto" in example.prompt for example in quoted)


def test_rerun_gives_the_same_figures_without_later_windows(
    grown: tuple[Engine, Evaluations], clock: datetime
) -> None:
    engine, evaluations = grown
    rows = stored_sums(engine)
    for week in (1, 4):
        assert evaluated(engine, clock + week * WEEK, again=True) == evaluations[week]
    assert stored_sums(engine) == rows


def test_a_new_baseline_begins_the_watch_anew(engine: Engine, clock: datetime) -> None:
    baseline(engine, clock)
    for week in range(3):
        store_traffic(engine, clock + week * WEEK, N, seed=30 + week)
    assert [slow_of(evaluated(engine, clock + k * WEEK)[1]).n_windows for k in range(2)] == [1, 2]
    baseline(engine, clock + WEEK, seed=5)
    assert slow_of(evaluated(engine, clock + 2 * WEEK)[1]).n_windows == 1


def test_a_window_that_is_not_judged_is_a_gap(engine: Engine, clock: datetime) -> None:
    baseline(engine, clock)
    for week, n in enumerate((N, 30, N)):
        store_traffic(engine, clock + week * WEEK, n, seed=40 + week)
    evaluations = [evaluated(engine, clock + week * WEEK)[1] for week in range(3)]
    assert evaluations[1].verdict == "not_enough_data"
    assert evaluations[1].input.slow is None
    assert slow_of(evaluations[2]).n_windows == 2
    # Evaluated again with too little, a window leaves nothing behind.
    with transaction(engine) as connection:
        n_kept = select(func.count()).select_from(SlowDriftWindow).join(DriftEvaluation)
        assert connection.execute(n_kept).scalar_one() == 2


def test_windows_out_of_step_are_left_out(engine: Engine, clock: datetime) -> None:
    """They share exchanges with the windows in step."""
    baseline(engine, clock)
    store_traffic(engine, clock, 2 * N, seed=50, days=14)
    evaluated(engine, clock - timedelta(days=2))
    assert slow_of(evaluated(engine, clock + WEEK)[1]).n_windows == 1
