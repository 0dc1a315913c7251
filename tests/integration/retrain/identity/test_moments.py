"""Weights swapped at each moment from evaluation to promotion, and honest changes at each."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, update

from monitor.daemon.candidate_evaluations import CandidateEvaluations
from monitor.daemon.readiness.weights import weights_findings
from monitor.settings import Settings
from monitor.store.engine import transaction
from monitor.store.human_evaluation.closing import mark_locked, set_results
from monitor.store.human_evaluation.human_evaluations import human_evaluation_of_candidate
from monitor.store.tables import ModelVersion
from monitor.store.training import candidate_evaluations as store
from monitor.store.training import registry as versions
from monitor.store.training.candidate_results import HumanEvaluationResults
from retrain.evaluation.gate_result import approve
from retrain.identity.record import take_identity
from retrain.models.source import Source
from retrain.registry.stages import register_version
from retrain.rollout.transitions.promotion import promote_version, roll_back_version
from retrain.run_folder import RunFolder
from tests.support.present import utc_now
from tests.support.refusals import refusal
from tests.support.retrain.candidates import (
    HUMAN,
    MODEL,
    PLAN,
    check,
    evaluated,
    make_candidate,
    make_results,
    make_serving,
    write_plan,
    write_results,
)
from tests.support.retrain.fake_launcher import FakeLauncher
from tests.support.retrain.weights import write_adapter, write_base
from tests.support.review.roles import add_reviewer

#: Later than each file by more than a tick of the file system's clock.
LATER = utc_now() + timedelta(hours=1)
WHY = "I read the responses and they are right."
WEIGHTS = "adapter_model.safetensors"


@dataclass
class Desk:
    """A candidate on disk, the version in production, and the daemon's step."""

    engine: Engine
    folder: Path
    settings: Settings
    launcher: FakeLauncher
    serving: int
    version: int
    run: int

    @property
    def files(self) -> RunFolder:
        return RunFolder(self.folder / "runs" / f"run-{self.run:05d}")

    def advance(self, n: int = 1) -> None:
        for _ in range(n):
            steps = CandidateEvaluations(self.engine, self.settings, lambda _name: self.launcher)
            list(steps.steps(LATER))

    def evaluation(self) -> store.CandidateEvaluationRow:
        with transaction(self.engine) as connection:
            (row,) = store.list_candidate_evaluations(connection)
            return row

    def rate(self) -> None:
        """End the human evaluation with a passed check."""
        ratings = HumanEvaluationResults(
            systems=(), comparisons=(), overall=(), remarks=(), n_items=0, n_ratings=0,
            scale=(1, 5), margin=0.25, checks=(check("accuracy not worse"),),
        )  # fmt: skip
        evaluation = self.evaluation().id
        with transaction(self.engine) as connection:
            human = human_evaluation_of_candidate(connection, evaluation)
            assert human is not None
            mark_locked(connection, human.id, add_reviewer(connection, "ada", LATER, "lead"), LATER)
            set_results(connection, human.id, ratings, LATER)

    def pass_gates(self, gate_result: str = "promote") -> int:
        with transaction(self.engine) as connection:
            return evaluated(connection, self.version, LATER, gate_result).id  # type: ignore[arg-type]

    def approve(self, evaluation: int) -> None:
        with transaction(self.engine) as connection:
            approve(connection, evaluation, by="lea", reason=WHY, now=LATER)

    def promote(self, version: int | None = None, *, without_gate: bool = False) -> None:
        with transaction(self.engine) as connection:
            row = versions.version_by_id(connection, version or self.version)
            promote_version(connection, row, LATER, by="lea", reason=WHY, without_gate=without_gate)

    def roll_back(self) -> None:
        with transaction(self.engine) as connection:
            roll_back_version(connection, MODEL, LATER, by="lea", reason="worse")

    def stage(self, version: int | None = None) -> str:
        with transaction(self.engine) as connection:
            return versions.version_by_id(connection, version or self.version).stage

    def forget_record(self, version: int) -> None:
        with transaction(self.engine) as connection:
            statement = update(ModelVersion).where(ModelVersion.id == version)
            connection.execute(statement.values(identity=None))


@pytest.fixture
def desk(any_engine: Engine, tmp_path: Path) -> Desk:
    launcher = FakeLauncher()
    settings = Settings(
        model={"name": MODEL},
        retrain={"evaluation": str(write_plan(tmp_path)), "work_dir": str(tmp_path / "runs")},
    )
    serving = make_serving(any_engine, LATER)
    version, run = make_candidate(any_engine, tmp_path, LATER)
    return Desk(any_engine, tmp_path, settings, launcher, serving, version, run)


def swap(desk: Desk) -> None:
    write_adapter(desk.files.adapter, seed=99)


def swap_base(desk: Desk) -> None:
    write_base(desk.folder / "base", seed=99)


def honest(desk: Desk) -> None:
    """Touch the weights, edit the card, add scores."""
    os.utime(desk.files.adapter / WEIGHTS)
    (desk.files.adapter / "README.md").write_text("# Desk")
    (desk.files.adapter / "lineage.json").write_text("{}")
    (desk.files.adapter / "scores.json").write_text(json.dumps({"support": []}))


# ---- evaluation --------------------------------------------------------------------------------


@pytest.mark.parametrize("cheat", [swap, swap_base])
def test_a_swapped_candidate_is_not_evaluated(desk: Desk, cheat: Callable[[Desk], None]) -> None:
    cheat(desk)
    desk.advance(2)
    row = desk.evaluation()
    assert (row.status, desk.launcher.tasks) == ("failed", [])
    assert "the candidate, desk version 2: not what was recorded" in (row.error or "")
    assert ".safetensors" in (row.error or "")


def test_an_honest_candidate_is_evaluated(desk: Desk) -> None:
    honest(desk)
    desk.advance(2)
    assert (desk.evaluation().status, desk.launcher.tasks) == ("running", ["evaluate"])


def test_a_swapped_incumbent_stops_the_evaluation(desk: Desk) -> None:
    desk.pass_gates()
    desk.promote()
    swap(desk)
    source = Source(base=str(desk.folder / "base"), adapter=str(desk.files.adapter))
    identity = take_identity(source, LATER)
    with transaction(desk.engine) as connection:  # what is there now is another version
        register_version(
            connection, model=MODEL, adapter_path=source.adapter, adapter_digest=identity.tensors,
            lineage={}, now=LATER, identity=identity,
        )  # fmt: skip
    candidate, _ = make_candidate(desk.engine, desk.folder, LATER)
    desk.advance(2)
    with transaction(desk.engine) as connection:
        rows = store.list_candidate_evaluations(connection)
    (row,) = (row for row in rows if row.version_id == candidate)
    assert row.status == "failed"
    assert (row.error or "").startswith("the incumbent, desk version 2: not what was recorded")


# ---- human evaluation --------------------------------------------------------------------------


def begin_human_evaluation(desk: Desk) -> None:
    write_plan(desk.folder, PLAN + HUMAN)
    desk.advance()
    write_results(desk.files, make_results("promote"))
    desk.launcher.end(1, {"status": "succeeded", "evaluation_id": desk.evaluation().id})


def test_a_swapped_candidate_is_not_rated(desk: Desk) -> None:
    begin_human_evaluation(desk)
    swap(desk)
    desk.advance(2)
    row = desk.evaluation()
    assert (row.status, row.gate_result) == ("succeeded", "undecided")
    assert row.results is not None
    assert [check.code for check in row.results.checks if check.outcome != "passed"] == ["weights"]
    with transaction(desk.engine) as connection:
        assert human_evaluation_of_candidate(connection, row.id) is None
    with refusal("weights_changed"):
        desk.approve(row.id)


def test_ratings_of_a_swapped_candidate_promote_nothing(desk: Desk) -> None:
    begin_human_evaluation(desk)
    desk.advance(2)
    original = (desk.files.adapter / WEIGHTS).read_bytes()
    swap(desk)
    desk.rate()
    desk.advance()
    row = desk.evaluation()
    assert row.gate_result == "undecided"
    with refusal("weights_changed"):
        desk.approve(row.id)
    write_adapter(desk.files.adapter)
    (desk.files.adapter / WEIGHTS).write_bytes(original)
    desk.approve(row.id)
    desk.promote()
    assert desk.stage() == "production"


def test_ratings_of_an_honest_candidate_count(desk: Desk) -> None:
    begin_human_evaluation(desk)
    honest(desk)
    desk.advance(2)
    honest(desk)
    desk.rate()
    desk.advance()
    assert desk.evaluation().gate_result == "promote"


# ---- approval and promotion --------------------------------------------------------------------


def test_a_swapped_candidate_is_not_approved(desk: Desk) -> None:
    evaluation = desk.pass_gates("undecided")
    swap(desk)
    with refusal("weights_changed", match=WEIGHTS):
        desk.approve(evaluation)
    assert not desk.evaluation().may_roll_out


def test_an_honest_candidate_is_approved(desk: Desk) -> None:
    evaluation = desk.pass_gates("undecided")
    honest(desk)
    desk.approve(evaluation)
    assert desk.evaluation().may_roll_out


@pytest.mark.parametrize("without_gate", [False, True])
@pytest.mark.parametrize("cheat", [swap, swap_base])
def test_a_swapped_candidate_is_not_promoted(
    desk: Desk, cheat: Callable[[Desk], None], *, without_gate: bool
) -> None:
    desk.pass_gates()
    cheat(desk)
    with refusal("weights_changed"):
        desk.promote(without_gate=without_gate)
    assert desk.stage() == "candidate"


def test_a_candidate_without_its_folder_is_not_promoted(desk: Desk) -> None:
    desk.pass_gates()
    desk.files.adapter.rename(desk.folder / "elsewhere")
    with refusal("weights_missing"):
        desk.promote()


def test_a_candidate_without_a_record_is_not_promoted(desk: Desk) -> None:
    desk.pass_gates()
    desk.forget_record(desk.version)
    with refusal("weights_not_recorded", match=f"retrain evaluate {desk.run}"):
        desk.promote()


def test_an_honest_candidate_is_promoted(desk: Desk) -> None:
    desk.pass_gates()
    honest(desk)
    desk.promote()
    assert desk.stage() == "production"


# ---- rollback ----------------------------------------------------------------------------------


def follow(desk: Desk) -> None:
    """Let another version serve after the candidate."""
    desk.pass_gates()
    desk.promote()
    desk.promote(desk.serving)
    desk.promote(make_candidate(desk.engine, desk.folder, LATER)[0], without_gate=True)
    desk.promote(desk.version)
    desk.promote(make_candidate(desk.engine, desk.folder, LATER)[0], without_gate=True)


def test_a_swapped_version_is_not_returned_to(desk: Desk) -> None:
    follow(desk)
    swap(desk)
    with refusal("weights_changed", match=WEIGHTS):
        desk.roll_back()
    assert desk.stage() == "archived"


def test_rows_follow_a_gateway_that_serves_a_swapped_version(desk: Desk) -> None:
    follow(desk)
    swap(desk)
    with transaction(desk.engine) as connection:
        roll_back_version(
            connection, MODEL, LATER, by="driftwarden", reason="reverted", serves_already=True
        )
    assert desk.stage() == "production"


def test_an_honest_version_is_returned_to(desk: Desk) -> None:
    follow(desk)
    honest(desk)
    desk.roll_back()
    assert desk.stage() == "production"


def test_a_version_without_a_record_returns_with_a_remark(desk: Desk) -> None:
    follow(desk)
    desk.forget_record(desk.version)
    desk.roll_back()
    with transaction(desk.engine) as connection:
        assert "digest" in versions.stage_changes(connection, desk.version)[-1].reason


# ---- check -------------------------------------------------------------------------------------


def test_check_tells_each_version_that_changed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "monitor.daemon.readiness.weights.open_connection", lambda _: transaction(desk.engine)
    )
    settings = Settings(model={"name": MODEL})
    honest(desk)
    (fine,) = weights_findings(settings)
    assert (fine.status, "2, as registered" in fine.message) == ("ok", True)
    swap(desk)
    (changed,) = weights_findings(settings)
    assert changed.status == "fail"
    assert changed.message.startswith("desk version 2, candidate: not what was recorded")
    desk.files.adapter.rename(desk.folder / "elsewhere")
    assert [finding.status for finding in weights_findings(settings)] == ["note"]
    desk.forget_record(desk.serving)
    assert [finding.status for finding in weights_findings(settings)] == ["note", "note"]
    desk.pass_gates()
    with transaction(desk.engine) as connection:
        version = versions.version_by_id(connection, desk.version)
        versions.set_stage(
            connection, version, "canary", changed_by="lea", reason="", changed_at=LATER
        )
    assert [finding.status for finding in weights_findings(settings)] == ["fail", "note"]
