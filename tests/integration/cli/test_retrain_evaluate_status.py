"""Exit status of `driftwarden retrain evaluate` by gate result, with a fake child."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner, Result

from monitor.cli.app import app
from monitor.store.engine import make_engine, transaction
from monitor.store.training.candidate_evaluations import latest_candidate_evaluation
from retrain.jobs.launcher import Handle
from retrain.run_folder import RunFolder, Task
from tests.support.migrated_copy import migrate
from tests.support.retrain.candidates import (
    HUMAN,
    PLAN,
    make_candidate,
    make_results,
    write_plan,
    write_results,
)
from tests.support.retrain.fake_launcher import FakeLauncher

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)


class QuickLauncher(FakeLauncher):
    """A launcher whose children return a gate result at once."""

    def __init__(self, verdict: dict[str, Any]) -> None:
        super().__init__()
        self.verdict = verdict

    def submit(
        self, folder: RunFolder, environment: dict[str, str], task: Task = "train"
    ) -> Handle:
        handle = super().submit(folder, environment, task)
        write_results(folder, self.verdict)
        self.end(handle["number"], {"status": "succeeded"})
        return handle


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    url = f"sqlite:///{tmp_path / 'd.db'}"
    (tmp_path / "config.toml").write_text(f'[database]\nurl = "{url}"\n', encoding="utf-8")
    engine = make_engine(url)
    migrate(engine)
    make_candidate(engine, tmp_path, NOW)
    return engine


def evaluate(
    folder: Path, monkeypatch: pytest.MonkeyPatch, decision: str, *more: str, plan: str = PLAN
) -> Result:
    launcher = QuickLauncher(make_results(decision))
    monkeypatch.setattr("retrain.jobs.factory.create_launcher", lambda *_arguments: launcher)
    file = write_plan(folder, plan)
    arguments = ["--evaluation", str(file), "--config", str(folder / "config.toml"), *more]
    return CliRunner().invoke(app, ["retrain", "evaluate", "1", *arguments])


@pytest.mark.parametrize(("decision", "status"), [("promote", 0), ("reject", 3), ("undecided", 4)])
def test_the_exit_status_is_the_decision(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, decision: str, status: int
) -> None:
    done = evaluate(tmp_path, monkeypatch, decision)
    assert done.exit_code == status, done.output
    assert done.output.rstrip().endswith(f"gate result: {decision}")


def test_promotion_is_in_json_too(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = evaluate(tmp_path, monkeypatch, "promote", "--json")
    assert (done.exit_code, json.loads(done.stdout)["gate_result"]) == (0, "promote")


def test_a_dry_run_scores_trivial_systems_and_plans_nothing(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = evaluate(tmp_path, monkeypatch, "promote", "--dry-run")
    assert done.exit_code == 0, done.output
    (row,) = [line for line in done.output.splitlines() if "support, old items" in line]
    assert row.endswith("1.000, most frequent reference answer")
    with transaction(engine) as connection:
        assert latest_candidate_evaluation(connection, 1) is None


def test_a_candidate_awaiting_ratings_is_not_promoted(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):  # asked again, it waits still
        done = evaluate(tmp_path, monkeypatch, "promote", plan=PLAN + HUMAN)
        assert done.exit_code == 4, done.output
        assert "awaiting human evaluation" in done.output
    with transaction(engine) as connection:
        row = latest_candidate_evaluation(connection, 1)
    assert row is not None
    assert (row.id, row.status, row.gate_result) == (1, "awaiting_ratings", None)


def test_a_failed_candidate_is_rejected_without_ratings(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert evaluate(tmp_path, monkeypatch, "reject", plan=PLAN + HUMAN).exit_code == 3
