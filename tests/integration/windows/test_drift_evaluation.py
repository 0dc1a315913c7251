"""Drift evaluation of stored traffic: verdict, repeatable figures, reports, missed windows."""

from datetime import datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import Engine

from monitor.rendering.numbers import format_estimate
from monitor.settings import Drift, ModelSection, Settings
from monitor.store.engine import transaction
from monitor.store.windows.drift_evaluations import (
    DriftEvaluationRow,
    drift_evaluation_by_id,
    list_drift_evaluations,
)
from monitor.store.windows.prompt_maps import prompt_map
from monitor.store.windows.reports import load_report, report_kinds
from monitor.store.windows.sample_scores import sample_scores
from monitor.windows import evaluation
from monitor.windows.evaluation import evaluate_window
from monitor.windows.reading import stored_window
from tests.support.traffic.stored_traffic import ENCODER, store_traffic
from tests.support.windows.due_evaluations import evaluate_due_windows

WEEK = timedelta(days=7)
SETTINGS = Settings(drift=Drift(n_permutations=1999))


@pytest.fixture
def baseline(engine: Engine, clock: datetime) -> int | None:
    """Store a baseline of 600 exchanges, four weeks old."""
    return store_traffic(engine, clock - 4 * WEEK, 600, seed=1, baseline=True)


@pytest.fixture
def no_evidently(monkeypatch: pytest.MonkeyPatch) -> None:
    """Omit Evidently's report, whose import takes 5 s."""
    monkeypatch.setattr(evaluation, "render_evidently", lambda *_, **__: "<p>report</p>")


def evaluated(engine: Engine, evaluation_id: int | None) -> DriftEvaluationRow:
    assert evaluation_id is not None
    with transaction(engine) as connection:
        return drift_evaluation_by_id(connection, evaluation_id)


def run(
    engine: Engine, start: datetime, settings: Settings = SETTINGS, **options
) -> DriftEvaluationRow:
    end = start + WEEK
    return evaluated(engine, evaluate_window(engine, settings, start, end, end, **options))


@pytest.mark.usefixtures("no_evidently")
def test_an_ordinary_week_does_not_alarm(
    engine: Engine, clock: datetime, baseline: int | None
) -> None:
    store_traffic(engine, clock, 500, seed=2)
    row = run(engine, clock)
    assert row.verdict == "no_drift"
    assert "drifted" not in row.assessment.headline
    assert not row.assessment.alarm
    assert row.baseline_id == baseline
    assert row.provenance["baseline"]["digest"].startswith("digest-1")
    assert row.provenance["versions"]["numpy"] == np.__version__


@pytest.mark.usefixtures("no_evidently", "baseline")
def test_new_topics_are_input_drift_and_named(engine: Engine, clock: datetime) -> None:
    store_traffic(engine, clock, 500, seed=3, new_share=0.3, resolved=0.5)
    row = run(engine, clock)
    assessment = row.assessment
    assert (assessment.input.alarm, assessment.output.alarm) == (True, False)
    assert assessment.input.drifted_share.estimate == pytest.approx(0.3, rel=0.2)
    (topic,) = assessment.input.topics
    assert set(topic.name.split(", ")) == {"crypto", "wallet", "transfer"}
    assert all(example.prompt.startswith("crypto wallet") for example in topic.examples)
    assert len(set(topic.examples)) == 5
    assert "`resolved` fell by" in assessment.headline
    assert assessment.mix_current["other"] == pytest.approx(0.3, abs=0.06)
    assert assessment.mix_effect_size == pytest.approx(0.3, abs=0.06)
    assert assessment.mix_p_value == pytest.approx(1 / 2000)
    with transaction(engine) as connection:
        scores = sample_scores(connection, row.id)
    assert (scores.cluster == topic.index).sum() == topic.n_current
    assert scores.novelty[scores.cluster == 0].mean() > scores.novelty[scores.cluster < 0].mean()


@pytest.mark.usefixtures("no_evidently", "baseline")
def test_a_topic_is_known_from_the_weeks_before(engine: Engine, clock: datetime) -> None:
    store_traffic(engine, clock, 400, seed=3, new_share=0.2)
    store_traffic(engine, clock + WEEK, 400, seed=4, new_share=0.3)
    first, second = (
        next(
            topic for topic in run(engine, start).assessment.input.topics if "crypto" in topic.name
        )
        for start in (clock, clock + WEEK)
    )
    assert first.known_since is None
    assert second.known_since == first.first_seen
    assert second.exists_since == first.exists_since
    assert clock <= first.exists_since < clock + timedelta(days=1)
    assert first.may_be_older
    assert clock <= first.first_seen < clock + WEEK <= second.first_seen < clock + 2 * WEEK
    assert [entry.start for entry in second.growth] == [
        (clock + WEEK + timedelta(days=day)).date() for day in range(7)
    ]
    assert sum(entry.n for entry in second.growth) == second.n_current
    basis = run(engine, clock, again=True).assessment.basis
    assert basis.encoder == ENCODER
    assert basis.reference.digest.startswith("digest-1")
    assert basis.versions["numpy"] == np.__version__


@pytest.mark.usefixtures("no_evidently", "baseline")
def test_other_responses_to_the_same_questions_are_output_drift(
    engine: Engine, clock: datetime
) -> None:
    store_traffic(engine, clock, 500, seed=4, changed_share=0.25)
    assessment = run(engine, clock).assessment
    assert (assessment.input.alarm, assessment.output.alarm) == (False, True)
    assert "copies of “Nothing of the kind.” (none before)" in assessment.headline
    (extent,) = [finding for finding in assessment.findings if "unlike the baseline's" in finding]
    share = format_estimate(assessment.output.drifted_share)
    assert extent.startswith(f"In all, {share} of the responses to comparable prompts")
    (example, *_) = assessment.output.topics[0].examples
    assert example.response == "Nothing of the kind."
    assert example.baseline is not None
    assert example.baseline.response == f"About {example.baseline.prompt.partition(' number')[0]}."


@pytest.mark.usefixtures("no_evidently", "baseline")
def test_a_fallen_metric_alone_alarms(engine: Engine, clock: datetime) -> None:
    store_traffic(engine, clock, 500, seed=5, resolved=0.6)
    row = run(engine, clock)
    assert row.verdict == "drift"
    (degraded,) = [
        numeric_column
        for numeric_column in row.assessment.numeric_columns
        if numeric_column.degraded
    ]
    assert degraded.name == "resolved"
    assert degraded.relative_change == pytest.approx(-0.33, abs=0.06)


@pytest.mark.usefixtures("no_evidently", "baseline")
def test_a_rerun_gives_the_same_figures_to_the_last_digit(engine: Engine, clock: datetime) -> None:
    store_traffic(engine, clock, 300, seed=6, new_share=0.1)
    first = run(engine, clock)
    assert evaluate_window(engine, SETTINGS, clock, clock + WEEK, clock + 2 * WEEK) is None
    second = run(engine, clock, again=True)
    assert second.id == first.id
    assert second.assessment == first.assessment
    assert second.seed == first.seed


@pytest.mark.usefixtures("no_evidently")
@pytest.mark.parametrize(
    ("answered", "verdict"), [(75, "not_enough_data"), (0, "no_drift"), (500, "no_drift")]
)
def test_responses_too_few_to_be_compared_leave_the_week_open(
    engine: Engine, clock: datetime, answered: int, verdict: str
) -> None:
    store_traffic(
        engine, clock - 4 * WEEK, 600, seed=1, baseline=True, answered=answered * 600 // 500
    )
    store_traffic(engine, clock, 500, seed=2, answered=answered)
    row = run(engine, clock)
    assert (row.verdict, row.assessment.alarm) == (verdict, False)
    assert row.assessment.input.verdict == "no_drift"
    counts = "75 of 500 exchanges in the window and 90 of 600 in the baseline"
    remarked = any(counts in remark for remark in row.assessment.remarks)
    assert remarked is (answered == 75)
    reason = row.assessment.output.untested_reason
    assert reason == {75: "few_responses", 0: "no_responses", 500: None}[answered]
    with transaction(engine) as connection:  # what was compared is drawn and reported
        assert report_kinds(connection, row.id)
        assert prompt_map(connection, row.id) is not None


@pytest.mark.usefixtures("no_evidently")
def test_responses_that_cannot_be_compared_hide_no_drift_of_prompts(
    engine: Engine, clock: datetime
) -> None:
    store_traffic(engine, clock - 4 * WEEK, 600, seed=1, baseline=True, answered=90)
    store_traffic(engine, clock, 500, seed=3, new_share=0.3, answered=75)
    assert run(engine, clock).verdict == "drift"


def test_missing_baseline_is_reported_with_the_import_command(
    engine: Engine, clock: datetime
) -> None:
    store_traffic(engine, clock, 300, seed=7)
    row = run(engine, clock)
    assert row.verdict == "not_enough_data"
    assert "driftwarden baseline import" in row.assessment.headline
    with transaction(engine) as connection:
        assert len(sample_scores(connection, row.id).ids) == 300
        assert not report_kinds(connection, row.id)


@pytest.mark.usefixtures("baseline")
def test_a_small_window_is_not_enough_data(engine: Engine, clock: datetime) -> None:
    store_traffic(engine, clock, 37, seed=11)
    row = run(engine, clock)
    assert row.verdict == "not_enough_data"
    assert "the window has 37" in row.assessment.headline


def test_missed_windows_are_caught_up_oldest_first(engine: Engine, clock: datetime) -> None:
    for week in (0, 2):  # nothing in week 1: that is an answer too
        store_traffic(engine, clock + week * WEEK, 30, seed=20 + week)
    now = clock + 3 * WEEK + timedelta(hours=5)
    ran = evaluate_due_windows(engine, SETTINGS, now)
    with transaction(engine) as connection:
        rows = {row.id: row for row in list_drift_evaluations(connection)}
    assert [rows[entry].window_start for entry in ran] == [clock, clock + WEEK, clock + 2 * WEEK]
    assert evaluate_due_windows(engine, SETTINGS, now) == []


def test_a_failed_window_is_recorded_and_the_next_evaluated(
    engine: Engine, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    for week in (0, 1):
        store_traffic(engine, clock + week * WEEK, 30, seed=30 + week)
    working = stored_window.load_window

    def failing(connection, model, start, end, **options):
        if start == clock:
            raise ValueError("broken on purpose")
        return working(connection, model, start, end, **options)

    monkeypatch.setattr(stored_window, "load_window", failing)
    now = clock + 2 * WEEK
    (second,) = evaluate_due_windows(engine, SETTINGS, now)
    assert evaluated(engine, second).window_start == clock + WEEK
    with transaction(engine) as connection:
        failed = list_drift_evaluations(connection)[-1]
    assert (failed.status, failed.error) == ("failed", "ValueError: broken on purpose")
    monkeypatch.setattr(stored_window, "load_window", working)
    assert evaluate_due_windows(engine, SETTINGS, now + timedelta(minutes=1)) == []
    assert evaluate_due_windows(engine, SETTINGS, now + timedelta(hours=1)) == [failed.id]


def test_another_models_traffic_is_not_looked_at(engine: Engine, clock: datetime) -> None:
    store_traffic(engine, clock, 30, seed=40)
    other = SETTINGS.model_copy(update={"model": ModelSection(name="other")})
    assert evaluate_due_windows(engine, other, clock + WEEK) == []


@pytest.mark.usefixtures("baseline")
def test_a_metric_that_vanishes_is_reported(engine: Engine, clock: datetime) -> None:
    store_traffic(engine, clock, 300, seed=43, metric="isResolved")
    assessment = run(engine, clock).assessment
    (new,) = [remark for remark in assessment.remarks if "Metrics" in remark]
    lost = "Not comparable: `resolved` is no longer sent (600 values before, none now)."
    assert assessment.headline.startswith(lost)
    assert assessment.verdict == "not_enough_data"
    assert new.endswith("`isResolved` (0 in the baseline, 300 in the window).")


@pytest.mark.usefixtures("baseline")
def test_a_report_that_fails_leaves_the_evaluation_standing(
    engine: Engine, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_):
        raise RuntimeError("Evidently is broken")

    monkeypatch.setattr(evaluation, "render_evidently", failing)
    store_traffic(engine, clock, 300, seed=41)
    row = run(engine, clock)
    assert row.status == "done"
    assert any("Evidently" in remark for remark in row.assessment.remarks)
    with transaction(engine) as connection:
        assert load_report(connection, row.id, "evidently") is None


@pytest.mark.usefixtures("baseline")
def test_evidently_renders_the_weekly_report(engine: Engine, clock: datetime) -> None:
    store_traffic(engine, clock, 300, seed=42)
    row = run(engine, clock)
    with transaction(engine) as connection:
        html = load_report(connection, row.id, "evidently")
    assert "metric: resolved" in html
    assert "task type" in html
