"""Windows without enough traffic: a stored row with the cause, and no alarm."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, insert

from monitor.settings import Drift, Settings
from monitor.store.engine import transaction
from monitor.store.tables import SourceOffset
from monitor.store.traffic.daily_counts import ModelDay, SampledCount
from monitor.store.traffic.offsets import record_gap
from monitor.store.traffic.unlisted import add_unlisted
from monitor.store.windows.drift_evaluations import (
    DriftEvaluationRow,
    drift_evaluation_by_id,
    list_drift_evaluations,
)
from monitor.windows import evaluation
from monitor.windows.evaluation import evaluate_window
from tests.support.traffic.stored_traffic import store_traffic
from tests.support.windows.due_evaluations import evaluate_due_windows

WEEK, DAY = timedelta(days=7), timedelta(days=1)
SETTINGS = Settings(drift=Drift(n_permutations=999))
TOPIC = SETTINGS.kafka.topic


def run(engine: Engine, start: datetime) -> DriftEvaluationRow:
    end = start + WEEK
    evaluation_id = evaluate_window(engine, SETTINGS, start, end, end)
    assert evaluation_id is not None
    with transaction(engine) as connection:
        return drift_evaluation_by_id(connection, evaluation_id)


def read_until(engine: Engine, moment: datetime | None) -> None:
    """Record how far ingest has read."""
    with transaction(engine) as connection:
        connection.execute(
            insert(SourceOffset).values(
                source=TOPIC,
                partition=0,
                next_offset=10,
                updated_at=moment or datetime.fromisoformat("2026-01-01T00:00:00Z"),
                caught_up_at=moment,
            )
        )


@pytest.fixture
def baseline(any_engine: Engine, clock: datetime, monkeypatch: pytest.MonkeyPatch) -> Engine:
    monkeypatch.setattr(evaluation, "render_evidently", lambda *_, **__: "<p>report</p>")
    store_traffic(any_engine, clock - 2 * WEEK, 300, seed=1, baseline=True)
    return any_engine


def test_the_watch_begins_with_the_baseline(baseline: Engine, clock: datetime) -> None:
    ran = evaluate_due_windows(baseline, SETTINGS, clock)
    with transaction(baseline) as connection:
        rows = list_drift_evaluations(connection)
    assert len(ran) == 2
    for row in rows:
        assert (row.status, row.verdict) == ("done", "not_enough_data")
        assert not row.assessment.alarm
        assert row.assessment.headline.startswith("No traffic: no exchange of assistant")


def test_an_empty_window_distinguishes_idle_ingest_from_idle_model(
    baseline: Engine, clock: datetime
) -> None:
    read_until(baseline, clock - DAY)
    assessment = run(baseline, clock).assessment
    assert assessment.headline.endswith("ingest is behind or stopped.")
    assert any("only until 2026-11-01 00:00 UTC" in remark for remark in assessment.remarks)


def test_a_topic_never_read_to_its_end_is_reported(baseline: Engine, clock: datetime) -> None:
    read_until(baseline, None)
    store_traffic(baseline, clock, 300, seed=2)
    assert any("never to its end" in remark for remark in run(baseline, clock).assessment.remarks)


def test_traffic_of_other_models_is_named(baseline: Engine, clock: datetime) -> None:
    with transaction(baseline) as connection:
        add_unlisted(connection, {ModelDay("t", "assistant-v2", clock): SampledCount(40, 800.0)})
    remedy, remark = run(baseline, clock).assessment.remarks
    assert "`driftwarden check`" in remedy
    assert "`assistant-v2`" in remark
    assert "[models]" in remark


def test_records_that_were_lost_are_counted(baseline: Engine, clock: datetime) -> None:
    with transaction(baseline) as connection:
        for detected_at, last in ((clock + DAY, 1009), (clock + 9 * DAY, 5000)):
            record_gap(
                connection, TOPIC, 0, first_offset=1000, last_offset=last, detected_at=detected_at
            )
    store_traffic(baseline, clock, 300, seed=2)
    (remark,) = run(baseline, clock).assessment.remarks
    assert remark.startswith("10 records were deleted by the topic's retention")


def test_a_day_missing_is_named_and_changes_no_verdict(baseline: Engine, clock: datetime) -> None:
    read_until(baseline, clock + 2 * WEEK)
    store_traffic(baseline, clock, 200, seed=2, days=3)
    store_traffic(baseline, clock + 4 * DAY, 200, seed=3, days=3)
    row = run(baseline, clock)
    assert row.verdict == "no_drift"
    *compared, silent = row.assessment.remarks
    assert silent == "No traffic on 1 day of the window: 2026-11-05."
    assert len(compared) == 1
    assert "the window has no other day of the week" in compared[0]


def test_too_little_is_no_alarm_and_names_no_days(baseline: Engine, clock: datetime) -> None:
    store_traffic(baseline, clock, 9, seed=2)
    row = run(baseline, clock)
    assert row.verdict == "not_enough_data"
    (remedy,) = row.assessment.remarks
    assert "`drift.min_samples`" in remedy
