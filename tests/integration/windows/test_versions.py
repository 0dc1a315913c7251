"""Replacement of a model within a week: separate comparison of each version."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from monitor.cli.app import app
from monitor.embedding import cached_encoder as encoders
from monitor.rendering.excerpts import version_from_attributes
from monitor.rendering.wording import format_share
from monitor.settings import Drift, ModelSection, Settings
from monitor.store.engine import make_engine, transaction
from monitor.store.traffic.baselines import list_baselines
from monitor.store.training.versions.serving_order import ServingPeriod
from monitor.store.training.versions.serving_periods import serving_periods
from monitor.store.windows.drift_evaluations import DriftEvaluationRow, drift_evaluation_by_id
from monitor.store.windows.sample_scores import sample_scores
from monitor.windows import evaluation
from monitor.windows.evaluation import evaluate_window
from monitor.windows.report.page import render_page
from retrain.registry.stages import move_stage, register_version, roll_back
from tests.support.migrated_copy import migrate
from tests.support.traffic.stored_traffic import TopicEncoder, store_traffic

WEEK, DAY = timedelta(days=7), timedelta(days=1)
SETTINGS = Settings(drift=Drift(n_permutations=999))


@pytest.fixture(autouse=True)
def _no_evidently(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "render_evidently", lambda *_, **__: "<p>report</p>")


def run(engine: Engine, start: datetime, settings: Settings = SETTINGS) -> DriftEvaluationRow:
    end = start + WEEK
    evaluation_id = evaluate_window(engine, settings, start, end, end, again=True)
    assert evaluation_id is not None
    with transaction(engine) as connection:
        return drift_evaluation_by_id(connection, evaluation_id)


def register(engine: Engine, now: datetime) -> int:
    with transaction(engine) as connection:
        return register_version(
            connection,
            model="assistant",
            adapter_path="runs/a",
            adapter_digest="sha256:0",
            lineage={},
            now=now,
        )


def move(engine: Engine, version_id: int, stage: str, now: datetime) -> None:
    with transaction(engine) as connection:
        move_stage(connection, version_id, stage, changed_by="lea", reason="", now=now)


@pytest.fixture
def replaced(any_engine: Engine, clock: datetime) -> Engine:
    """Version 1 until Thursday; version 2 responds differently to a third of the prompts."""
    store_traffic(any_engine, clock - 4 * WEEK, 600, seed=1, baseline=True)
    store_traffic(any_engine, clock, 300, seed=2, days=3, version="v1")
    store_traffic(any_engine, clock + 3 * DAY, 400, seed=3, days=4, version="v2", changed_share=0.3)
    return any_engine


def test_new_version_with_other_responses_alarms(replaced: Engine, clock: datetime) -> None:
    row = run(replaced, clock)
    assessment = row.assessment
    first, second = assessment.versions
    assert (first.version, first.n_current, first.is_serving, first.verdict) == (
        "v1",
        300,
        False,
        "no_drift",
    )
    assert (second.version, second.n_current, second.is_reported, second.alarm) == (
        "v2",
        400,
        True,
        True,
    )
    assert row.verdict == "drift"
    assert assessment.output.alarm
    assert assessment.n_current == 700
    assert assessment.headline.startswith("Version v2 (400 of 700 exchanges): ")
    assert any(remark.startswith("Version v1, 300 exchanges") for remark in assessment.remarks)
    assert any("--model-version v2" in remark for remark in assessment.remarks)
    assert {numeric_column.name for numeric_column in assessment.numeric_columns}.isdisjoint(
        {"model_version"}
    )
    with transaction(replaced) as connection:
        scores = sample_scores(connection, row.id)
    assert len(scores.ids) == 700
    assert set(scores.cluster[:300]) == {-1}
    assert (scores.cluster[300:] >= 0).any()


def test_a_version_is_compared_with_its_own_baseline(replaced: Engine, clock: datetime) -> None:
    own = store_traffic(
        replaced, clock - WEEK, 400, seed=4, baseline=True, version="v2", changed_share=0.3
    )
    store_traffic(replaced, clock - WEEK, 400, seed=5, baseline=True, version="v1")
    row = run(replaced, clock)
    assert row.verdict == "no_drift"
    assert row.baseline_id == own
    assert all(version.own_baseline for version in row.assessment.versions)
    assert not any("--model-version" in remark for remark in row.assessment.remarks)


def test_long_names_are_distinguished_and_shown_short(any_engine: Engine, clock: datetime) -> None:
    common = "models/assistant/2026/checkpoints/fine-tuned-on-the-desk-of-cards-and-loans/r-"
    names = [f"{common}{number}" for number in (1, 2)]
    store_traffic(any_engine, clock - 4 * WEEK, 600, seed=1, baseline=True)
    for number, name in enumerate(names):
        store_traffic(any_engine, clock, 300, seed=2 + number, version=name)
    store_traffic(any_engine, clock - WEEK, 400, seed=5, baseline=True, version=names[1])
    assessment = run(any_engine, clock).assessment
    assert [
        (version.version, version.n_current, version.own_baseline)
        for version in assessment.versions
    ] == [
        (names[0], 300, False),
        (names[1], 300, True),
    ]
    short = [f"models/assistant/2026/checkpoi…e-desk-of-cards-and-loans/r-{n}" for n in (1, 2)]
    (lacking,) = [remark for remark in assessment.remarks if "--model-version" in remark]
    assert lacking.startswith(f"Version {short[0]} has no baseline of its own")
    assert f"--model-version {names[0]}" in lacking
    content = next(
        number for number, version in enumerate(assessment.versions) if version.is_reported
    )
    assert assessment.headline.startswith(f"Version {short[content]} (300 of 600 exchanges): ")
    assert any(
        remark.startswith(f"Version {short[1 - content]}, 300 exch")
        for remark in assessment.remarks
    )
    page = render_page(assessment)
    assert all(f"{name}: 300 exchanges" in page for name in short)


def test_long_names_of_pooled_versions_are_shortened(engine: Engine, clock: datetime) -> None:
    store_traffic(engine, clock - 4 * WEEK, 600, seed=1, baseline=True)
    for number in range(2):
        store_traffic(engine, clock, 60, seed=2 + number, version=f"{'m' * 80}{number}")
    store_traffic(engine, clock, 300, seed=5, version="v3")
    short = [f"{'m' * 30}…{'m' * 28}{number}" for number in range(2)]
    assessment = run(engine, clock).assessment
    (remark,) = [remark for remark in assessment.remarks if "compared together" in remark]
    assert remark.endswith(f": {short[0]} (60), {short[1]} (60).")
    name = f"Versions {short[0]} and {short[1]}, 120 exchanges"
    assert any(remark.startswith(name) for remark in assessment.remarks)


@pytest.mark.parametrize("message", ["a" * 90, " v1\n", 7])
def test_a_baseline_has_the_same_version_name_as_the_traffic(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, message: str | int
) -> None:
    database = f"sqlite:///{tmp_path / 'own.db'}"
    monkeypatch.setenv("DRIFTWARDEN_DATABASE__URL", database)
    monkeypatch.setattr(encoders, "open_encoder", lambda _: TopicEncoder())
    engine = make_engine(database)
    migrate(engine)
    file = tmp_path / "baseline.jsonl"
    file.write_text('{"prompt": "Where is my card?", "response": "Here."}', encoding="utf-8")
    done = CliRunner().invoke(
        app, ["baseline", "import", str(file), "--model-version", str(message)]
    )
    assert done.exit_code == 0, done.output
    with transaction(engine) as connection:
        (baseline,) = list_baselines(connection, "assistant")
    assert baseline.model_version == version_from_attributes(
        {"model_version": message}, "model_version"
    )


def test_replaced_version_does_not_alarm(any_engine: Engine, clock: datetime) -> None:
    store_traffic(any_engine, clock - 4 * WEEK, 600, seed=1, baseline=True)
    store_traffic(any_engine, clock, 300, seed=2, days=3, version="v1", changed_share=0.4)
    store_traffic(any_engine, clock + 3 * DAY, 400, seed=3, days=4, version="v2")
    row = run(any_engine, clock)
    first, second = row.assessment.versions
    assert (first.verdict, first.alarm) == ("drift", False)
    assert (second.verdict, row.verdict) == ("no_drift", "no_drift")
    assert any("does not alarm" in remark for remark in row.assessment.remarks)


@pytest.mark.parametrize("changed_share", [0.0, 0.4])
def test_a_small_current_version_does_not_get_its_predecessors_verdict(
    engine: Engine, clock: datetime, changed_share: float
) -> None:
    store_traffic(engine, clock - 4 * WEEK, 600, seed=1, baseline=True)
    store_traffic(engine, clock, 400, seed=2, days=5, version="v1", changed_share=changed_share)
    store_traffic(engine, clock + 6.5 * DAY, 30, seed=3, days=0.5, version="v2")
    row = run(engine, clock)
    assessment = row.assessment
    assert (row.verdict, assessment.alarm) == ("not_enough_data", False)
    for fact in (
        "version v2 (30 of 430 exchanges)",
        "`drift.min_samples` requires 100",
        "the window has 30",
    ):
        assert fact in assessment.headline
    first, second = assessment.versions
    assert (first.verdict, first.alarm) == ("drift" if changed_share else "no_drift", False)
    assert (second.is_serving, second.is_reported, second.verdict) == (
        True,
        True,
        "not_enough_data",
    )
    assert not any(entry.alarm for entry in (assessment.input, assessment.output))
    (remark,) = [
        remark for remark in assessment.remarks if remark.startswith("Version v1, 400 exchanges")
    ]
    assert ("does not alarm" in remark) is bool(changed_share)


@pytest.mark.parametrize(
    ("n_small", "changed_share", "verdict"),
    [(60, 0.0, "not_enough_data"), (20, 0.0, "no_drift"), (60, 0.4, "drift")],
)
def test_a_version_too_small_to_compare_is_a_finding(
    engine: Engine, clock: datetime, n_small: int, changed_share: float, verdict: str
) -> None:
    store_traffic(engine, clock - 4 * WEEK, 600, seed=1, baseline=True)
    store_traffic(engine, clock, 400, seed=2, version="v1", changed_share=changed_share)
    store_traffic(engine, clock, n_small, seed=3, version="v2")
    row = run(engine, clock)
    assert row.verdict == verdict
    share = format_share(n_small / (400 + n_small))
    headline = row.assessment.headline
    assert any(f"version v2 ({n_small})" in finding for finding in row.assessment.findings)
    assert headline.startswith(f"{share} of the exchanges") is (verdict == "not_enough_data")
    assert f"Version v1 (400 of {400 + n_small} exchanges): " in headline


def test_small_versions_are_pooled_beside_a_large_version(engine: Engine, clock: datetime) -> None:
    store_traffic(engine, clock - 4 * WEEK, 600, seed=1, baseline=True)
    store_traffic(engine, clock, 400, seed=2, version="v1")
    for number in (2, 3):
        store_traffic(engine, clock, 90, seed=number + 2, version=f"v{number}", changed_share=0.6)
    assessment = run(engine, clock).assessment
    (small,) = [version for version in assessment.versions if version.pooled_versions]
    assert (small.version, small.pooled_versions, small.n_current) == (
        "v2 and v3",
        ("v2", "v3"),
        180,
    )
    assert (assessment.verdict, small.is_reported, small.alarm) == ("drift", True, True)
    assert assessment.headline.startswith("Versions v2 and v3 (180 of 580 exchanges): ")
    assert any(remark.endswith(": v2 (90), v3 (90).") for remark in assessment.remarks)
    assert not any("--model-version 'v2" in remark for remark in assessment.remarks)


def test_a_replaced_version_is_not_pooled_with_serving_versions(
    engine: Engine, clock: datetime
) -> None:
    store_traffic(engine, clock - 4 * WEEK, 600, seed=1, baseline=True)
    store_traffic(engine, clock, 90, seed=2, days=3, version="v1", changed_share=0.6)
    for number in (2, 3):
        start = clock + 3 * DAY
        store_traffic(engine, start, 90, seed=number + 2, days=4, version=f"v{number}")
    assessment = run(engine, clock).assessment
    assert [
        (version.version, version.is_serving, version.verdict) for version in assessment.versions
    ] == [
        ("v1", False, "not_enough_data"),
        ("v2 and v3", True, "no_drift"),
    ]
    assert assessment.verdict == "no_drift"


def test_window_and_versions_each_have_their_own_basis(replaced: Engine, clock: datetime) -> None:
    store_traffic(replaced, clock + 3 * DAY, 200, seed=6, days=4, version="v1")
    row = run(replaced, clock)
    basis, versions = row.assessment.basis, row.assessment.versions
    assert basis is not None
    assert (basis.seed, basis.levels) == (row.seed, SETTINGS.alarm_levels)
    assert basis.settings["false_alarms_a_year"] == 0.5
    assert basis.settings["n_permutations"] == SETTINGS.drift.n_permutations
    assert [version.levels for version in versions] == [SETTINGS.alarm_levels.share(2)] * 2
    assert len({basis.seed, *(version.seed for version in versions)}) == 3
    n_end_users = [version.n_end_users for version in versions]
    assert all(
        0 < n < n_end_user.n_current for n, n_end_user in zip(n_end_users, versions, strict=True)
    )
    assert max(n_end_users) < basis.current.n_end_users < sum(n_end_users)  # some wrote to both


def test_versions_with_too_few_exchanges_are_evaluated_together(
    engine: Engine, clock: datetime
) -> None:
    store_traffic(engine, clock - 4 * WEEK, 600, seed=1, baseline=True)
    for number in range(3):
        store_traffic(
            engine,
            clock + 2 * number * DAY,
            60,
            seed=2 + number,
            days=2,
            version=f"v{number}",
            changed_share=0.5,
        )
    assessment = run(engine, clock).assessment
    assert assessment.versions == ()
    assert assessment.verdict == "drift"
    assert any("v0 (60), v1 (60), v2 (60)" in remark for remark in assessment.remarks)


def test_a_vanished_metric_is_reported_for_its_version(any_engine: Engine, clock: datetime) -> None:
    store_traffic(any_engine, clock - 4 * WEEK, 600, seed=1, baseline=True)
    store_traffic(any_engine, clock, 400, seed=2, version="v1")
    store_traffic(any_engine, clock, 200, seed=3, version="v2", metric="isResolved")
    assessment = run(any_engine, clock).assessment
    assert next(version.version for version in assessment.versions if version.is_reported) == "v1"
    (remark,) = [remark for remark in assessment.remarks if "Metrics not compared" in remark]
    assert remark.startswith("Version v2, 200 exchanges, ")
    assert "`resolved` is no longer sent (600 values before, none now)" in remark
    assert "`isResolved` (0 in the baseline, 200 in the window)" in remark
    assert assessment.verdict == "not_enough_data"
    assert assessment.headline.startswith(
        "Not comparable: version v2 (200): `resolved` is no longer sent (600 values before"
    )


def test_versions_side_by_side_share_the_level(replaced: Engine, clock: datetime) -> None:
    drift = Drift(n_permutations=250)  # reaches the level of a window, not half of it
    store_traffic(replaced, clock + 3 * DAY, 200, seed=6, days=4, version="v1")
    row = run(replaced, clock, Settings(drift=drift))
    assert [version.is_serving for version in row.assessment.versions] == [True, True]
    assert row.verdict == "drift"


def test_registry_gives_the_version_without_a_field(any_engine: Engine, clock: datetime) -> None:
    store_traffic(any_engine, clock - 4 * WEEK, 600, seed=1, baseline=True)
    store_traffic(any_engine, clock, 300, seed=2, days=3)
    store_traffic(any_engine, clock + 3 * DAY, 400, seed=3, days=4, changed_share=0.3)
    first, second = register(any_engine, clock - WEEK), register(any_engine, clock - WEEK)
    move(any_engine, first, "production", clock - WEEK)
    move(any_engine, second, "production", clock + 3 * DAY)
    row = run(any_engine, clock)
    assert [(version.version, version.n_current) for version in row.assessment.versions] == [
        ("1", 300),
        ("2", 400),
    ]
    assert row.verdict == "drift"


def test_one_version_all_week_is_not_split(engine: Engine, clock: datetime) -> None:
    store_traffic(engine, clock - 4 * WEEK, 300, seed=1, baseline=True)
    store_traffic(engine, clock, 300, seed=2, version="v7")
    assessment = run(engine, clock).assessment
    assert assessment.versions == ()
    assert not assessment.headline.startswith("Version")


def test_a_field_that_names_requests_is_not_taken_for_versions(
    engine: Engine, clock: datetime
) -> None:
    store_traffic(engine, clock - 4 * WEEK, 300, seed=1, baseline=True)
    for part in range(9):
        store_traffic(engine, clock, 40, seed=10 + part, version=f"pod-{part}")
    assessment = run(engine, clock).assessment
    assert assessment.versions == ()
    assert assessment.verdict == "no_drift"
    assert any("version_field" in remark for remark in assessment.remarks)
    off = Settings(drift=SETTINGS.drift, model=ModelSection(version_field=""))
    assert not any("version" in remark for remark in run(engine, clock, off).assessment.remarks)


def test_registry_lists_the_serving_periods(any_engine: Engine, clock: datetime) -> None:
    versions = [register(any_engine, clock) for _ in range(3)]
    with transaction(any_engine) as connection:
        assert serving_periods(connection, "assistant") == []
    for day, version, stage in (
        (1, 0, "production"),
        (2, 1, "canary"),
        (4, 1, "production"),
        (5, 2, "canary"),
        (6, 2, "rejected"),
    ):
        move(any_engine, versions[version], stage, clock + day * DAY)
    with transaction(any_engine) as connection:
        roll_back(connection, "assistant", changed_by="lea", reason="", now=clock + 7 * DAY)
        assert serving_periods(connection, "another") == []
        periods = serving_periods(connection, "assistant")
    assert periods == [
        ServingPeriod(None, (1,)),
        ServingPeriod(clock + 2 * DAY, (1, 2)),
        ServingPeriod(clock + 4 * DAY, (2,)),
        ServingPeriod(clock + 5 * DAY, (2, 3)),
        ServingPeriod(clock + 6 * DAY, (2,)),
        ServingPeriod(clock + 7 * DAY, (1,)),
    ]
