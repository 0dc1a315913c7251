"""Drift evaluations: claims, results, scores and reports."""

from datetime import datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import Engine

from monitor.errors import LostOwnershipError, NotFoundError
from monitor.store.engine import transaction
from monitor.store.windows import claims, drift_evaluations, reports, sample_scores
from tests.support.windows.assessments import make_assessment, store_evaluation

WEEK = timedelta(days=7)


def claim(engine: Engine, start: datetime, now: datetime, *, again: bool = False):
    with transaction(engine) as connection:
        return claims.claim_drift_evaluation(
            connection, "assistant", start, start + WEEK, seed=7, now=now, again=again
        )


def test_window_is_claimed_once(any_engine: Engine, clock: datetime) -> None:
    assert claim(any_engine, clock, clock) is not None
    assert claim(any_engine, clock, clock) is None


def test_stale_claim_is_taken_over_and_its_owner_loses(any_engine: Engine, clock: datetime) -> None:
    first = claim(any_engine, clock, clock)
    assert claim(any_engine, clock, clock + timedelta(minutes=59)) is None
    second = claim(any_engine, clock, clock + timedelta(hours=1))
    assert second is not None
    assert second.evaluation_id == first.evaluation_id
    with pytest.raises(LostOwnershipError), transaction(any_engine) as connection:
        claims.fail_drift_evaluation(connection, first, "late", clock)
    with transaction(any_engine) as connection:
        row = drift_evaluations.drift_evaluation_by_id(connection, first.evaluation_id)
    assert row.status == "running"


def test_failed_window_is_due_again_after_an_hour(engine: Engine, clock: datetime) -> None:
    first = claim(engine, clock, clock)
    with transaction(engine) as connection:
        claims.fail_drift_evaluation(connection, first, "ValueError: no", clock)
    assert claim(engine, clock, clock + timedelta(minutes=30)) is None
    assert claim(engine, clock, clock + timedelta(minutes=30), again=True) is not None


def test_finished_window_is_claimed_only_on_request(engine: Engine, clock: datetime) -> None:
    with transaction(engine) as connection:
        store_evaluation(connection, make_assessment(), clock)
    later = clock + timedelta(days=30)
    assert claim(engine, clock, later) is None
    assert claim(engine, clock, later, again=True) is not None


def test_assessment_and_scores_round_trip(any_engine: Engine, clock: datetime) -> None:
    assessment = make_assessment(0.31)
    with transaction(any_engine) as connection:
        evaluation_id = store_evaluation(connection, assessment, clock)
        row = drift_evaluations.drift_evaluation_by_id(connection, evaluation_id)
        scores = sample_scores.sample_scores(connection, evaluation_id)
        listed = drift_evaluations.list_drift_evaluations(connection, "assistant", limit=5)
        newest = drift_evaluations.newest_evaluated_end(connection, "assistant")
        done = drift_evaluations.evaluated_windows(connection, "assistant")
    assert row.assessment == assessment
    assert row.verdict == "drift"
    np.testing.assert_array_equal(scores.ids, [1, 2, 3])
    np.testing.assert_allclose(scores.novelty, [0.1, 0.9, 0.2], rtol=1e-6)
    np.testing.assert_array_equal(scores.cluster, [-1, 0, -1])
    assert [evaluation.id for evaluation in listed] == [evaluation_id]
    assert newest == clock + WEEK
    assert done == {(clock, clock + WEEK)}


def test_scores_of_an_unfinished_evaluation_are_not_found(engine: Engine, clock: datetime) -> None:
    running = claim(engine, clock, clock)
    with transaction(engine) as connection, pytest.raises(NotFoundError, match="no scores"):
        sample_scores.sample_scores(connection, running.evaluation_id)
    with transaction(engine) as connection, pytest.raises(NotFoundError, match="evaluation: 99"):
        drift_evaluations.drift_evaluation_by_id(connection, 99)


def test_report_replaces_the_earlier_one_of_its_kind(any_engine: Engine, clock: datetime) -> None:
    with transaction(any_engine) as connection:
        evaluation_id = store_evaluation(connection, make_assessment(), clock)
        assert reports.load_report(connection, evaluation_id, "evidently") is None
        reports.save_report(connection, evaluation_id, "evidently", "<p>one</p>", clock)
        reports.save_report(connection, evaluation_id, "evidently", "<p>zwölf ⟶</p>", clock)
        assert reports.load_report(connection, evaluation_id, "evidently") == "<p>zwölf ⟶</p>"
        assert reports.report_kinds(connection, evaluation_id) == {"evidently"}
