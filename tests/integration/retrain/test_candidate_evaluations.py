"""Candidate evaluations: run once despite kills, their consequences, and permitted rollouts."""

import threading
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine, select, update

from monitor.daemon.candidate_evaluations import CandidateEvaluations
from monitor.errors import (
    ConfigurationError,
    DatabaseUnavailableError,
    DatasetUnavailableError,
    RemoteServiceError,
    TrainingError,
    TransientError,
    WorkflowError,
)
from monitor.settings import Settings
from monitor.store.alerts.outbox import list_messages
from monitor.store.engine import transaction
from monitor.store.human_evaluation.closing import mark_locked, set_results
from monitor.store.human_evaluation.human_evaluations import human_evaluation_of_candidate
from monitor.store.tables import AuditEntry, CandidateEvaluation, TrainingRun
from monitor.store.training import candidate_evaluations as store
from monitor.store.training import registry as versions
from monitor.store.training.candidate_evaluations import CandidateEvaluationRow
from monitor.store.training.candidate_results import (
    CandidateResults,
    CheckOutcome,
    HumanEvaluationResults,
)
from retrain.evaluation.gate_result import approve
from retrain.evaluation.lifecycle import (
    FIRST_DELAY,
    cancel_evaluation,
    plan_evaluation,
    poll_running,
    start_evaluation,
)
from retrain.evaluation.report import report_lines
from retrain.evaluation.request import as_request, read_request, request_for
from retrain.evaluation.response_cache import KEY_VARIABLE
from retrain.planning.options import Option
from retrain.recipes.recipe import Recipe
from retrain.registry.stages import promote, register_version, roll_back
from retrain.rollout.transitions.promotion import roll_back_version
from retrain.rollout.transitions.start import start_rollout
from retrain.run_folder import RunFolder
from tests.support.refusals import refusal
from tests.support.retrain.candidates import (
    HUMAN,
    MODEL,
    PLAN,
    check,
    evaluated,
    make_candidate,
    make_request,
    make_results,
    make_serving,
    write_plan,
    write_results,
)
from tests.support.retrain.fake_launcher import FakeLauncher
from tests.support.review.roles import add_reviewer

WHY = "The two lost items have wrong reference answers."


class Desk:
    """A candidate with the daemon's step and a fake launcher."""

    def __init__(self, engine: Engine, now: datetime, folder: Path) -> None:
        self.engine = engine
        self.now = now
        self.folder = folder
        self.launcher = FakeLauncher()
        self.file = write_plan(folder)
        self.settings = Settings(
            model={"name": MODEL, "system_prompt": "Be brief."},
            retrain={"evaluation": str(self.file), "work_dir": str(folder / "runs")},
        )
        self.serving = make_serving(engine, now)
        self.version, self.run = make_candidate(engine, folder, now)

    def advance(self, later: timedelta = timedelta(0)) -> None:
        """Run one step of a new daemon, whose only memory is the database."""
        self.now += later
        steps = CandidateEvaluations(self.engine, self.settings, lambda _name: self.launcher)
        list(steps.steps(self.now))

    def rows(self) -> list[CandidateEvaluationRow]:
        with transaction(self.engine) as connection:
            return store.list_candidate_evaluations(connection)

    def row(self) -> CandidateEvaluationRow:
        (row,) = self.rows()
        return row

    def results(self) -> CandidateResults:
        results = self.row().results
        assert results is not None
        return results

    def files(self) -> RunFolder:
        return RunFolder(Path(self.rows()[0].work_dir))

    def end(self, results: CandidateResults, number: int = 1) -> None:
        write_results(self.files(), results)
        self.launcher.end(number, {"status": "succeeded", "evaluation_id": self.row().id})

    def stage(self) -> str:
        with transaction(self.engine) as connection:
            return versions.version_by_id(connection, self.version).stage

    def roll_out(self) -> int:
        with transaction(self.engine) as connection:
            rollout = start_rollout(connection, self.version, self.settings, self.now, by="lea")
            return rollout.id


@pytest.fixture
def desk(any_engine: Engine, clock: datetime, tmp_path: Path) -> Desk:
    return Desk(any_engine, clock, tmp_path)


def test_candidate_is_evaluated_once_in_its_own_child(desk: Desk) -> None:
    for _ in range(3):
        desk.advance()
    assert desk.launcher.tasks == ["evaluate"]
    row = desk.row()
    assert (row.status, row.attempts, row.planned_by) == ("running", 1, "driftwarden")
    requested = as_request(row.request)
    assert requested.candidate.adapter == str(desk.files().adapter)
    assert requested.incumbent is not None
    # What serves is the incumbent, though the candidate wasn't trained from it.
    assert (requested.incumbent.base, requested.incumbent.adapter) == (
        "the-base",
        "serving/adapter",
    )
    assert (requested.base.adapter, requested.base_prompt, requested.seed) == ("", "Be brief.", 7)
    assert (requested.content, requested.plan.benchmarks[0].name) == (PLAN, "support")
    assert requested.data_rules == desk.settings.retrain.data
    assert "judge_api_key" not in str(row.request)
    assert row.file_digest == requested.file_digest
    evaluation, sent = read_request(desk.files())
    assert set(sent.identities) == {"candidate", "incumbent"}
    assert (evaluation, msgspec.structs.replace(sent, identities={})) == (row.id, requested)

    desk.end(make_results("promote"))
    for _ in range(3):
        desk.advance()
    row = desk.row()
    assert (row.status, row.gate_result, row.finished_at) == ("succeeded", "promote", desk.now)
    assert row.dataset_digests == {"support": "0" * 64}
    assert desk.launcher.tasks == ["evaluate"]
    assert desk.stage() == "candidate"
    with transaction(desk.engine) as connection:
        scores = versions.scores_of(connection, desk.version)
        actions = connection.execute(
            select(AuditEntry.action).where(AuditEntry.action.like("evaluation.%"))
        ).scalars()
        assert list(actions) == [
            "evaluation.planned",
            "evaluation.started",
            "evaluation.succeeded",
        ]
    assert [(s.benchmark, s.stratum, s.metric, s.value) for s in scores] == [
        ("support", "", "exact_match", 0.9),
        ("support", "task_type=cards", "exact_match", 0.9),
    ]


def test_a_rejected_candidate_leaves_the_running(desk: Desk) -> None:
    desk.advance()
    desk.end(make_results("reject"))
    desk.advance()
    assert (desk.row().gate_result, desk.stage()) == ("reject", "rejected")
    with transaction(desk.engine) as connection:
        (move,) = versions.stage_changes(connection, desk.version)
    assert move.changed_by == "gates"
    assert move.reason.endswith(": 0.90 -> 0.95")
    with refusal("not_candidate", match="rejected"):
        desk.roll_out()


def again(desk: Desk, content: str, reason: str) -> None:
    """Plan another evaluation of the version, by a file's content."""
    desk.file.write_text(content)
    with transaction(desk.engine) as connection:
        version = versions.version_by_id(connection, desk.version)
        request = request_for(connection, version, desk.settings, desk.file, reason=reason)
        plan_evaluation(connection, version, request, by="lea", now=desk.now)


def test_an_undecided_version_is_evaluated_again_by_no_weaker_rules(desk: Desk) -> None:
    desk.advance()
    desk.end(make_results("undecided"))
    desk.advance()
    with refusal("weaker_evaluation", match="exact_match"):
        again(desk, PLAN.replace("exact_match", "f1"), "")
    again(desk, PLAN.replace("exact_match", "exact_match, f1"), "")
    assert [row.status for row in desk.rows()] == ["planned", "succeeded"]


def test_a_child_reads_responses_that_the_database_vouches_for(desk: Desk) -> None:
    desk.advance()
    assert read_request(desk.files())[1].known_responses == ()
    desk.end(make_results("reject", responses_digest="a1"))
    desk.advance()
    again(desk, PLAN, "the metric was wrong")
    desk.advance()
    assert read_request(desk.files())[1].known_responses == ("a1",)
    write_results(desk.files(), make_results("reject"))
    desk.launcher.end(2, {"status": "succeeded", "evaluation_id": 2})
    desk.advance()
    with transaction(desk.engine) as connection:
        assert store.responses_digests(connection) == ["a1"]  # older results have none


def test_results_of_a_cancelled_evaluation_count(desk: Desk) -> None:
    """Otherwise whoever has read them could cancel, and evaluate by weaker rules."""
    write_plan(desk.folder, PLAN + HUMAN)
    desk.advance()
    desk.end(make_results("undecided"))
    poll_running(desk.engine, lambda _name: desk.launcher, desk.now)
    assert desk.row().status == "awaiting_ratings"
    cancel_evaluation(desk.engine, desk.row().id, desk.launcher, desk.now, cancelled_by="lea")
    with refusal("weaker_evaluation", match="human_eval"):
        again(desk, PLAN, "")


def test_a_rejected_version_is_evaluated_again_on_the_record(desk: Desk) -> None:
    desk.advance()
    desk.end(make_results("reject"))
    desk.advance()
    with refusal("rejected", match="--reason"):
        again(desk, PLAN, " ")
    with refusal("weaker_evaluation", match="exact_match"):
        again(desk, PLAN.replace("exact_match", "f1"), "the metric was wrong")
    again(desk, PLAN, "the metric was wrong")
    desk.advance()
    first, second = sorted(desk.rows(), key=lambda row: row.id)
    assert desk.stage() == first.stage == "rejected"  # until it has a result
    planned = as_request(second.request)
    assert (planned.evaluation_before, planned.digests_before) == (first.id, {"support": "0" * 64})
    write_results(RunFolder(Path(second.work_dir)), make_results("promote"))
    desk.launcher.end(2, {"status": "succeeded", "evaluation_id": second.id})
    desk.advance()
    assert desk.stage() == "candidate"
    with transaction(desk.engine) as connection:
        *_, move = versions.stage_changes(connection, desk.version)
        reason = connection.execute(
            select(AuditEntry.details).where(
                AuditEntry.action == "evaluation.planned",
                AuditEntry.subject == f"candidate_evaluations/{second.id}",
            )
        ).scalar_one()["reason"]
    assert (move.changed_by, move.reason) == ("lea", "evaluated again: the metric was wrong")
    assert reason == "the metric was wrong"
    desk.roll_out()
    assert desk.stage() == "canary"


def test_a_canary_rolled_back_may_roll_out_again(desk: Desk) -> None:
    desk.advance()
    desk.end(make_results("promote"))
    desk.advance()
    first = desk.roll_out()
    with transaction(desk.engine) as connection:
        roll_back_version(connection, MODEL, desk.now, by="lea", reason="Envoy is down")
    assert desk.stage() == "candidate"
    assert desk.roll_out() == first + 1
    assert desk.stage() == "canary"


@pytest.mark.parametrize(
    ("code", "step"),
    [
        ("better", "lora on the-base (about 10.0 GiB)"),
        ("retention", "only earlier abilities"),
        ("threshold", "better than the incumbent: add gold"),
    ],
)
def test_a_rejection_names_what_to_try_next(desk: Desk, code: str, step: str) -> None:
    recipe = Recipe(base="the-base", method="qlora")
    options = [
        Option(
            method=method, base="the-base", n_parameters=8_000_000_000, n_trained=40_000_000,
            needed_gib=10.0, fits=True, servable=True,
        )
        for method in ("qlora", "lora", "full")
    ]  # fmt: skip
    with transaction(desk.engine) as connection:
        connection.execute(
            update(TrainingRun)
            .where(TrainingRun.id == desk.run)
            .values(
                recipe=msgspec.to_builtins(recipe),
                plan={"options": msgspec.to_builtins(options)},
            )
        )
    desk.advance()
    failed = msgspec.structs.replace(check(outcome="failed"), code=code)
    desk.end(make_results("reject", checks=(failed,)))
    desk.advance()
    results = desk.results()
    assert results.next_step.startswith(step)
    assert f"next step: {results.next_step}" in list(report_lines(results))


def test_undecided_candidate_awaits_approval(desk: Desk) -> None:
    desk.advance()
    desk.end(make_results("undecided"))
    desk.advance()
    assert (desk.row().gate_result, desk.stage()) == ("undecided", "candidate")
    with refusal("not_promoted", match="undecided"):
        desk.roll_out()
    evaluation = desk.row().id
    with transaction(desk.engine) as connection:
        approve(connection, evaluation, by="lea", reason=WHY, now=desk.now)
    with transaction(desk.engine) as connection, refusal("approved", match="lea"):
        approve(connection, evaluation, by="ben", reason=WHY, now=desk.now)
    assert (desk.row().approved_by, desk.row().approved_reason) == ("lea", WHY)
    desk.roll_out()
    assert desk.stage() == "canary"


def test_only_undecided_results_can_be_approved(desk: Desk) -> None:
    for decision in ("promote", "reject"):
        version, _ = make_candidate(desk.engine, desk.folder, desk.now)
        with transaction(desk.engine) as connection:
            row = evaluated(connection, version, desk.now, decision)
        with transaction(desk.engine) as connection, refusal("not_undecided", match=decision):
            approve(connection, row.id, by="lea", reason=WHY, now=desk.now)


def test_no_rollout_starts_without_a_gate_result(desk: Desk) -> None:
    with refusal("no_gate_result", match=f"retrain evaluate {desk.run}"):
        desk.roll_out()
    desk.advance()
    with refusal("evaluation_not_finished", match="running"):
        desk.roll_out()
    desk.end(make_results("promote"))
    desk.advance()
    desk.roll_out()
    assert desk.stage() == "canary"


def test_result_against_a_replaced_version_promotes_nothing(desk: Desk) -> None:
    desk.advance()
    desk.end(make_results("promote"))
    desk.advance()
    with transaction(desk.engine) as connection:
        other = register_version(
            connection, model=MODEL, adapter_path="other/adapter", adapter_digest="sha256:2",
            lineage={"method": "lora", "base": "the-base"}, now=desk.now,
        )  # fmt: skip
        promote(connection, other, changed_by="lea", reason="better", now=desk.now)
    with refusal("other_incumbent", match="version 3"):
        desk.roll_out()
    with transaction(desk.engine) as connection:
        roll_back(connection, MODEL, changed_by="lea", reason="worse", now=desk.now)
    desk.roll_out()


def test_no_evaluation_is_planned_without_an_evaluation_file(desk: Desk) -> None:
    retrain = desk.settings.retrain.model_copy(update={"evaluation": ""})
    desk.settings = desk.settings.model_copy(update={"retrain": retrain})
    desk.advance()
    assert desk.rows() == []


def test_invalid_file_plans_nothing(desk: Desk) -> None:
    desk.file.write_text(PLAN.replace("metrics", "metric"))
    desk.advance()
    assert desk.rows() == []
    desk.file.write_text(PLAN)
    desk.advance()
    assert desk.row().status == "running"


def test_unstored_handle_starts_no_second_child(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A child started before its handle was stored is adopted."""
    with monkeypatch.context() as patch:
        patch.setattr(
            "monitor.store.training.children.advance",
            lambda *_arguments, **_named: (_ for _ in ()).throw(KeyboardInterrupt),
        )
        with pytest.raises(KeyboardInterrupt):
            desk.advance()
    assert desk.row().status == "planned"
    monkeypatch.setattr(
        desk.launcher, "submit", lambda *_arguments: {"number": len(desk.launcher.submitted)}
    )  # as the launchers do that find a child
    desk.advance()
    assert (desk.row().status, desk.row().handle) == ("running", {"number": 1})
    desk.end(make_results("promote"))
    desk.advance()
    assert desk.row().status == "succeeded"


def test_killed_evaluation_child_restarts_until_the_limit(desk: Desk) -> None:
    desk.launcher.output = ["Killed"]
    desk.advance()
    for attempt in (1, 2):
        desk.launcher.end(attempt, None)
        desk.advance()
        row = desk.row()
        assert (row.status, row.attempts, row.handle) == ("planned", attempt, None)
        assert str(row.error).endswith(": Killed")
        desk.advance(FIRST_DELAY * attempt - timedelta(seconds=1))
        assert len(desk.launcher.submitted) == attempt  # not yet
        desk.advance(timedelta(seconds=1))
        assert len(desk.launcher.submitted) == attempt + 1
    desk.launcher.end(3, None)
    desk.advance()
    assert (desk.row().status, desk.row().gate_result) == ("failed", None)
    assert desk.stage() == "candidate"
    desk.advance(timedelta(days=1))
    assert len(desk.rows()) == 1  # nobody tries for ever


def test_a_second_attempt_finds_nothing_of_the_first(desk: Desk) -> None:
    desk.advance()
    unavailable = {"status": "failed", "error": "s3://b/k: 503", "transient": True}
    desk.launcher.end(1, unavailable)
    desk.advance()
    assert (desk.row().status, desk.row().error) == ("planned", "s3://b/k: 503")
    desk.advance(FIRST_DELAY)
    assert not desk.files().task("evaluate").result.exists()
    desk.end(make_results("promote"), 2)
    desk.advance()
    assert (desk.row().status, desk.row().attempts) == ("succeeded", 2)


def test_attempts_have_a_key_that_the_folder_lacks(desk: Desk) -> None:
    desk.advance()
    desk.launcher.end(1, None)
    desk.advance()
    desk.advance(FIRST_DELAY)
    first, second = (known[KEY_VARIABLE] for known in desk.launcher.environments)
    assert first == second
    assert len(first) == 64
    files = [path.read_bytes() for path in desk.files().root.rglob("*") if path.is_file()]
    assert not any(first.encode() in content for content in files)


def test_a_permanent_failure_is_not_retried(desk: Desk) -> None:
    desk.advance()
    desk.launcher.end(1, {"status": "failed", "error": "a.jsonl: 404", "transient": False})
    desk.advance()
    assert (desk.row().status, desk.row().error) == ("failed", "a.jsonl: 404")


def test_refused_start_fails_and_unavailable_engine_waits(desk: Desk) -> None:
    desk.launcher.error = RemoteServiceError("Ray doesn't answer")
    desk.advance()
    assert desk.row().status == "planned"
    desk.launcher.error = TrainingError("no memory")
    desk.advance()
    assert (desk.row().status, desk.row().error) == ("failed", "no memory")


def test_unavailable_launcher_fails_nothing(desk: Desk) -> None:
    desk.advance()
    desk.launcher.away = RemoteServiceError("Ray doesn't answer")
    desk.advance()
    assert desk.row().status == "running"


def test_unconfigured_launcher_delays_no_other_evaluation(desk: Desk) -> None:
    desk.advance()
    desk.end(make_results("promote"))
    other, _ = make_candidate(desk.engine, desk.folder, desk.now)
    with transaction(desk.engine) as connection:
        version = versions.version_by_id(connection, other)
        request = make_request(desk.folder)
        left = plan_evaluation(connection, version, request, by="test", now=desk.now)
        store.mark_running(connection, left, {"number": 0}, desk.now)
        connection.execute(
            update(CandidateEvaluation)
            .where(CandidateEvaluation.id == left)
            .values(launcher="kubernetes")
        )

    def launcher_of(name: str) -> FakeLauncher:
        if name == "kubernetes":
            raise ConfigurationError("it needs retrain.kubernetes.api")
        return desk.launcher

    list(CandidateEvaluations(desk.engine, desk.settings, launcher_of).steps(desk.now))
    assert [row.status for row in desk.rows()] == ["running", "succeeded"]


def test_an_evaluation_out_of_reach_is_not_cancelled(desk: Desk) -> None:
    """Otherwise its child would run on without supervision."""
    desk.advance()
    desk.launcher.away = RemoteServiceError("Ray doesn't answer")
    with pytest.raises(RemoteServiceError):
        cancel_evaluation(desk.engine, desk.row().id, desk.launcher, desk.now, cancelled_by="Lea")
    assert desk.row().status == "running"


def test_success_without_results_fails_the_evaluation(desk: Desk) -> None:
    desk.advance()
    desk.launcher.end(1, {"status": "succeeded"})
    desk.advance()
    assert desk.row().status == "failed"
    assert "evaluation.json" in str(desk.row().error)


def test_two_daemons_plan_one_evaluation(desk: Desk) -> None:
    with transaction(desk.engine) as connection:
        version = versions.version_by_id(connection, desk.version)
    planned: list[int] = []
    start = threading.Barrier(2)

    def plan() -> None:
        start.wait()
        with transaction(desk.engine) as connection:
            request = make_request(desk.folder)
            planned.append(
                plan_evaluation(connection, version, request, by="one of two", now=desk.now)
            )

    both = [threading.Thread(target=plan) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert planned == [desk.row().id] * 2


def test_cancelling_ends_the_child_and_its_result_is_ignored(desk: Desk) -> None:
    desk.advance()
    cancel_evaluation(desk.engine, desk.row().id, desk.launcher, desk.now, cancelled_by="lea")
    assert desk.launcher.cancelled == [{"number": 1}]
    desk.end(make_results("promote"))
    desk.advance()
    assert (desk.row().status, desk.row().gate_result) == ("cancelled", None)
    with refusal("ended", match="cancelled"):
        cancel_evaluation(desk.engine, desk.row().id, desk.launcher, desk.now, cancelled_by="lea")


def test_daemon_retries_to_terminate_a_child(desk: Desk) -> None:
    desk.advance()
    desk.launcher.refusal = RemoteServiceError("Kubernetes refuses DELETE (403)")
    for _ in range(2):
        why = cancel_evaluation(
            desk.engine, desk.row().id, desk.launcher, desk.now, cancelled_by="lea"
        )
        assert why == desk.row().termination_error == "Kubernetes refuses DELETE (403)"
        assert (desk.row().status, desk.row().handle) == ("cancelled", {"number": 1})
    desk.launcher.refusal = TrainingError("not yet either")
    desk.advance()
    assert desk.row().termination_error == "not yet either"
    desk.launcher.refusal = None
    desk.advance()
    assert (desk.row().termination_error, desk.launcher.cancelled) == (None, [{"number": 1}])
    with refusal("ended", match="cancelled"):
        cancel_evaluation(desk.engine, desk.row().id, desk.launcher, desk.now, cancelled_by="lea")


def test_child_without_a_stored_handle_is_ended_too(desk: Desk) -> None:
    """The process that started it died before storing the handle."""
    desk.launcher.error = RemoteServiceError("no answer")
    desk.advance()
    desk.launcher.adopted = {"number": 7}
    assert desk.row().status == "planned"
    cancel_evaluation(desk.engine, desk.row().id, desk.launcher, desk.now, cancelled_by="lea")
    assert desk.launcher.cancelled == [{"number": 7}]


def test_another_evaluation_waits_for_the_child_of_a_cancelled_one(desk: Desk) -> None:
    """Otherwise it would adopt the child in the same folder, with another request."""
    desk.advance()
    first = desk.row().id
    desk.launcher.refusal = RemoteServiceError("Kubernetes refuses DELETE (403)")
    cancel_evaluation(desk.engine, first, desk.launcher, desk.now, cancelled_by="lea")
    with transaction(desk.engine) as connection:
        version = versions.version_by_id(connection, desk.version)
        second = plan_evaluation(
            connection, version, make_request(desk.folder), by="shell", now=desk.now
        )
    desk.advance()
    assert [row.status for row in desk.rows()] == ["planned", "cancelled"]
    with refusal("child_running", TransientError, match=rf"{first} .*\(403\)"):
        start_evaluation(desk.engine, second, desk.launcher, desk.now)
    desk.launcher.refusal = None
    desk.advance()
    assert [row.status for row in desk.rows()] == ["running", "cancelled"]
    assert len(desk.launcher.submitted) == 2


def test_evaluation_with_unreadable_status_delays_no_other(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_candidate(desk.engine, desk.folder, desk.now)
    desk.advance()
    status = desk.launcher.status

    def look(handle: Any) -> Any:
        if handle["number"] == 1:
            raise WorkflowError("odd")
        return status(handle)

    monkeypatch.setattr(desk.launcher, "status", look)
    desk.launcher.end(2, {"status": "failed", "error": "no such data set"})
    desk.advance()
    assert sorted(row.status for row in desk.rows()) == ["failed", "running"]
    monkeypatch.undo()
    desk.launcher.away = DatabaseUnavailableError("no connection")
    with pytest.raises(DatabaseUnavailableError):
        desk.advance()


def test_a_result_that_cannot_be_read_fails_its_evaluation(desk: Desk) -> None:
    desk.advance()
    desk.files().evaluation.write_text("{", encoding="utf-8")
    desk.launcher.end(1, {"status": "succeeded"})
    desk.advance()
    assert desk.row().status == "failed"
    assert "evaluation.json: " in str(desk.row().error)


@pytest.mark.parametrize("step", ["request_for", "start_evaluation"])
def test_unavailable_service_delays_one_evaluation_only(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    make_candidate(desk.engine, desk.folder, desk.now)
    place = f"monitor.daemon.candidate_evaluations.{step}"
    really = request_for if step == "request_for" else start_evaluation
    away: list[Exception] = [DatasetUnavailableError("s3://b/k: can't be read now")]

    def once(*arguments: Any, **options: Any) -> Any:
        if away:
            raise away.pop()
        return really(*arguments, **options)

    monkeypatch.setattr(place, once)
    desk.advance()
    assert "running" in {row.status for row in desk.rows()}
    desk.advance()
    assert [row.status for row in desk.rows()] == ["running", "running"]
    away.append(DatabaseUnavailableError("no connection"))
    make_candidate(desk.engine, desk.folder, desk.now)
    with pytest.raises(DatabaseUnavailableError):
        desk.advance()


def test_each_outcome_is_reported_once(desk: Desk) -> None:
    desk.advance()
    desk.end(make_results("undecided"))
    for _ in range(2):
        desk.advance()
    with transaction(desk.engine) as connection:
        (message,) = list_messages(connection)
    assert message.dedupe_key == f"verdict:{desk.row().id}:succeeded"


def test_human_evaluation_opens_unless_rejected(desk: Desk) -> None:
    write_plan(desk.folder, PLAN + HUMAN)
    desk.advance()
    desk.end(make_results("promote"))
    desk.advance()
    row = desk.row()
    assert (row.status, row.gate_result, row.finished_at) == ("awaiting_ratings", None, None)
    with refusal("evaluation_not_finished", match="awaiting ratings"):
        desk.roll_out()


@pytest.mark.parametrize(
    ("outcome", "decision", "stage"),
    [("passed", "promote", "candidate"), ("failed", "reject", "rejected")],
)
def test_results_are_final_after_the_human_evaluation(
    desk: Desk, outcome: CheckOutcome, decision: str, stage: str
) -> None:
    write_plan(desk.folder, PLAN + HUMAN)
    desk.advance()
    preferences = {f"support/q{number}": "candidate" for number in range(6)}
    desk.end(make_results("promote", judge_preferences=preferences))
    for _ in range(2):
        desk.advance()
    evaluation = desk.row().id
    with transaction(desk.engine) as connection:
        human_evaluation = human_evaluation_of_candidate(connection, evaluation)
        assert human_evaluation is not None
        assert (
            human_evaluation.is_open,
            human_evaluation.raters_per_item,
            human_evaluation.n_available,
        ) == (True, 2, 6)
        assert len(list_messages(connection)) == 1  # that people are asked
        rater = add_reviewer(connection, "ada", desk.now, "lead")
        mark_locked(connection, human_evaluation.id, rater, desk.now)
        ratings = HumanEvaluationResults(
            systems=(), comparisons=(), overall=(), remarks=("few",), n_items=0, n_ratings=0,
            scale=(1, 5), margin=0.25, checks=(check("accuracy not worse", outcome),),
        )  # fmt: skip
        set_results(connection, human_evaluation.id, ratings, desk.now)
    for _ in range(2):
        desk.advance()
    row = desk.row()
    assert (row.status, row.gate_result, desk.stage()) == ("succeeded", decision, stage)
    results = desk.results()
    assert results.checks[-1].name == "accuracy not worse"
    assert (results.human_evaluation_id, results.human_evaluation) == (human_evaluation.id, ratings)
    assert "few" in results.remarks
    assert "0 items" in results.judge_agreement
    with transaction(desk.engine) as connection:
        assert len(list_messages(connection)) == 2


@pytest.mark.parametrize(
    ("n_lines", "problem"), [(0, " base, candidate, incumbent"), (12, " base")],
)  # fmt: skip
def test_missing_responses_leave_the_result_undecided(
    desk: Desk, n_lines: int, problem: str
) -> None:
    write_plan(desk.folder, PLAN + HUMAN)
    desk.advance()
    desk.end(make_results("promote"))
    responses = desk.files().evaluation_responses(desk.row().id)
    lines = responses.read_text().splitlines(keepends=True)
    responses.write_text("".join(lines[:n_lines]))
    for _ in range(2):
        desk.advance()
    row = desk.row()
    assert (row.status, row.gate_result) == ("succeeded", "undecided")
    last = desk.results().checks[-1]
    assert (last.code, last.outcome) == ("human_evaluation", "undecided")
    assert last.observed.endswith(problem)
    with refusal("not_promoted", match="undecided"):
        desk.roll_out()
    with transaction(desk.engine) as connection:
        approve(connection, row.id, by="lea", reason=WHY, now=desk.now)
    desk.roll_out()
    assert desk.stage() == "canary"
