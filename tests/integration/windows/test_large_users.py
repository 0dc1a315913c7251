"""One end user with half of the traffic: causes no alarm, hides none, and is named."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine

from monitor.settings import Drift, Settings
from monitor.store.engine import transaction
from monitor.store.windows.drift_evaluations import DriftEvaluationRow, drift_evaluation_by_id
from monitor.store.windows.sample_scores import sample_scores
from monitor.windows import evaluation
from monitor.windows.evaluation import evaluate_window
from monitor.windows.findings.remarks import LARGE_USER
from tests.support.traffic.stored_traffic import store_traffic

WEEK = timedelta(days=7)
SETTINGS = Settings(drift=Drift(n_permutations=999))


@pytest.fixture(autouse=True)
def _no_evidently(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "render_evidently", lambda *_, **__: "<p>report</p>")


def run(engine: Engine, start: datetime) -> DriftEvaluationRow:
    end = start + WEEK
    evaluation_id = evaluate_window(engine, SETTINGS, start, end, end)
    assert evaluation_id is not None
    with transaction(engine) as connection:
        return drift_evaluation_by_id(connection, evaluation_id)


def test_the_habits_of_one_user_raise_no_alarm(any_engine: Engine, clock: datetime) -> None:
    """The end user writes about one topic only, and no request is resolved."""
    store_traffic(any_engine, clock - 4 * WEEK, 600, seed=1, baseline=True)
    store_traffic(any_engine, clock, 800, seed=2, large_user=0.5)
    row = run(any_engine, clock)
    assessment = row.assessment
    assert assessment.verdict == "no_drift"
    assert assessment.n_current == 800
    assert not any(numeric_column.degraded for numeric_column in assessment.numeric_columns)
    (remark,) = [remark for remark in assessment.remarks if LARGE_USER.match(remark)]
    assert remark.startswith("One user (crawler) sent 5")
    with transaction(any_engine) as connection:
        assert len(sample_scores(connection, row.id).ids) == 800


def test_the_drift_of_all_others_is_not_hidden(any_engine: Engine, clock: datetime) -> None:
    store_traffic(any_engine, clock - 4 * WEEK, 600, seed=1, baseline=True)
    store_traffic(any_engine, clock, 800, seed=3, large_user=0.5, new_share=0.2)
    assessment = run(any_engine, clock).assessment
    assert assessment.input.alarm
    share = assessment.input.drifted_share
    assert 0.05 < share.lower < 0.2 < share.upper < 0.35
    (topic,) = assessment.input.topics
    assert "crypto" in topic.name


def test_departed_large_user_is_no_drift(engine: Engine, clock: datetime) -> None:
    store_traffic(engine, clock - 4 * WEEK, 800, seed=1, baseline=True, large_user=0.5)
    store_traffic(engine, clock, 600, seed=4)
    assessment = run(engine, clock).assessment
    assert assessment.verdict == "no_drift"
    assert assessment.n_reference == 800
    assert any("of the baseline. So that" in remark for remark in assessment.remarks)


def test_a_window_of_a_single_user_is_not_enough_data(engine: Engine, clock: datetime) -> None:
    store_traffic(engine, clock - 4 * WEEK, 600, seed=1, baseline=True)
    store_traffic(engine, clock, 300, seed=5, large_user=1.0)
    assessment = run(engine, clock).assessment
    assert (assessment.verdict, assessment.n_current) == ("not_enough_data", 300)
    assert "the window has 1 exchange;" in assessment.headline
    assert "These are left after thinning" in assessment.headline
    assert any("1 of these exchanges are compared" in remark for remark in assessment.remarks)
    assert assessment.mix_reference
    assert assessment.basis is not None
    assert assessment.basis.reference.digest.startswith("digest-1")
