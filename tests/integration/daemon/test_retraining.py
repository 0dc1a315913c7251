"""From a confirmed decision to a training run: started once, or ended with a reason."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
from sqlalchemy import Engine

from monitor.errors import (
    ConfigurationError,
    DatabaseUnavailableError,
    DatasetUnavailableError,
    ModelError,
    RemoteServiceError,
    TrainingError,
    TransientError,
)
from monitor.store.engine import transaction
from monitor.store.training import registry as versions
from monitor.store.training.runs import run_by_id, run_of_decision
from monitor.telemetry import configure_logging
from retrain.recipes.recipe import read_recipe
from retrain.registry.stages import promote, register_version
from retrain.run_folder import RunFolder, read_json, read_lines
from retrain.training.cancellation import cancel_run
from tests.support.encoders.word_encoder import word_encoder  # noqa: F401 - a fixture
from tests.support.retrain.candidates import make_results, write_plan, write_results
from tests.support.retrain.desks.decision_desk import SYSTEM, Desk, with_long_context
from tests.support.retrain.fake_launcher import success
from tests.support.retrain.tiny_model import NEW, OLD, examples, tiny_base  # noqa: F401
from tests.support.review.review_world import make_world


@pytest.fixture
def encoding_desk(
    engine: Engine,
    clock: datetime,
    tmp_path: Path,
    tiny_base: Path,  # noqa: F811
) -> Desk:
    return Desk(engine, clock, tmp_path, with_long_context(tiny_base, tmp_path / "base"))


@pytest.fixture
def desk(encoding_desk: Desk, word_encoder: None) -> Desk:  # noqa: F811
    """Return a desk that finds near duplicates without a model."""
    return encoding_desk


def test_a_confirmed_decision_becomes_one_run_with_its_data(encoding_desk: Desk) -> None:
    desk = encoding_desk
    items = desk.gold(30)
    decision = desk.decide()
    for _ in range(3):
        desk.advance()
    (run,) = desk.runs()
    assert (run.status, run.decision_id, run.model) == ("running", decision, "assistant")
    (folder,) = desk.launcher.submitted
    assert folder.root == Path(run.work_dir)
    recipe = read_recipe(folder.recipe.read_bytes())
    assert (recipe.rank, recipe.start_adapter) == (4, "")
    rows = list(read_lines(folder.training_data))
    gold = [row for row in rows if row["metadata"]["source"] == "gold"]
    assert {row["metadata"]["item_id"] for row in gold} == set(items)
    assert {row["messages"][-1]["content"] for row in gold} == {f"answer {i}" for i in items}
    assert {row["messages"][0]["content"] for row in gold} == {SYSTEM}
    card = read_json(folder.card) or {}
    assert (card["n_gold"], card["n_replay"]) == (30, 13)  # 30% of the whole


@pytest.mark.parametrize(
    ("recommendation", "confirmed"),
    [
        ("retrain", False),
        ("keep", True),
        ("undecided", True),
        ("fix_guidelines", True),
        ("fix_context", True),
    ],
)
def test_nothing_happens_without_a_confirmed_recommendation(
    desk: Desk, recommendation: str, confirmed: bool
) -> None:
    desk.gold(30)
    desk.decide(recommendation, confirmed=confirmed)
    desk.advance()
    assert desk.runs() == []
    assert desk.launcher.submitted == []


def test_without_required_confirmation_the_recommendation_is_enough(desk: Desk) -> None:
    desk.configure(require_confirmation=False)
    desk.gold(30)
    desk.decide(confirmed=False)
    desk.advance()
    assert [run.status for run in desk.runs()] == ["running"]


def test_too_little_gold_is_refused_until_there_is_enough(desk: Desk) -> None:
    desk.gold(7)
    decision = desk.decide()
    for _ in range(2):
        desk.advance()
    refusal = desk.refusal(decision)
    assert refusal.startswith("7 different gold examples, 20 are needed: 13 more reviews")
    assert (desk.runs(), desk.launcher.submitted) == ([], [])
    desk.gold(30, first=7)
    desk.advance()
    assert [run.status for run in desk.runs()] == ["running"]
    assert desk.refusal(decision) == ""


@pytest.mark.parametrize(
    "broken",
    [
        '{"messages": [{"role": "user", "content": "zqk"}, {"role": "assistant", "content": 7}]}',
        '{"messages": [{"role": "zqk", "content": "zqk"}]}',
        '{"messages": [{"role": "user", "content": "zqk"}',
        '{"messages": [{"role": "user", "content": "zqk"}], "metadata": "zqk"}',
        '["zqk"]',
    ],
)
def test_a_failed_preparation_is_logged_without_texts(
    desk: Desk, capsys: pytest.CaptureFixture[str], broken: str
) -> None:
    desk.original.write_text(broken + "\n", encoding="utf-8")
    desk.gold(30)
    desk.decide()
    with restored_logging():
        configure_logging(json=True)
        desk.advance()
    assert desk.runs() == []
    logged = capsys.readouterr().err
    assert "training_run_not_planned" in logged
    assert "zqk" not in logged


@contextmanager
def restored_logging() -> Iterator[None]:
    """Restore the loggers of the tests at the end of the block."""
    root = logging.getLogger()
    handlers, level, before = root.handlers[:], root.level, structlog.get_config()
    yield
    structlog.configure(**before)
    root.handlers[:], root.level = handlers, level


def test_missing_originals_are_refused_with_the_file_named(desk: Desk) -> None:
    desk.original.unlink()
    desk.gold(30)
    decision = desk.decide()
    desk.advance()
    assert (desk.runs(), desk.refusal(decision)) == ([], f"{desk.original}: no such file")


def write_adapter(folder: Path) -> Path:
    """Write the configuration of an adapter for the tiny base."""
    from peft import LoraConfig

    config = LoraConfig(r=4, lora_alpha=32, target_modules=["q_proj"], task_type="CAUSAL_LM")
    config.save_pretrained(folder)
    return folder


def test_a_run_starts_from_the_production_adapter_and_is_evaluated(desk: Desk) -> None:
    desk.configure(evaluation=str(write_plan(desk.folder)))
    first = write_adapter(desk.folder / "first")
    with transaction(desk.engine) as connection:
        serving = register_version(
            connection, model="assistant", adapter_path=str(first), adapter_digest="d",
            lineage={}, now=desk.now,
        )  # fmt: skip
        promote(connection, serving, changed_by="lea", reason="first", now=desk.now)
    desk.gold(30)
    decision = desk.decide()
    desk.advance()
    (folder,) = desk.launcher.submitted
    assert read_recipe(folder.recipe.read_bytes()).start_adapter == str(first)
    with transaction(desk.engine) as connection:  # another one serves by the time it ends
        hotfix = register_version(
            connection, model="assistant", adapter_path="hotfix", adapter_digest="e",
            lineage={}, now=desk.now,
        )  # fmt: skip
        promote(connection, hotfix, changed_by="lea", reason="urgent", now=desk.now)
    desk.launcher.end(1, success(folder))
    desk.advance()
    with transaction(desk.engine) as connection:
        run = run_of_decision(connection, decision)
        assert run is not None
        version = versions.version_of_run(connection, run.id)
    assert version is not None
    assert (run.status, version.stage, version.parent_id) == ("succeeded", "candidate", serving)
    desk.advance()
    assert desk.launcher.tasks == ["train", "evaluate"]
    write_results(folder, make_results("reject"))
    desk.launcher.end(2, {"status": "succeeded"})
    desk.advance()
    with transaction(desk.engine) as connection:
        assert versions.version_by_id(connection, version.id).stage == "rejected"
    desk.advance()
    assert desk.launcher.tasks == ["train", "evaluate"]


def test_a_daemon_that_died_plans_the_run_now(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.gold(30)
    desk.decide()
    with monkeypatch.context() as patch:
        patch.setattr(
            "monitor.daemon.training_data.build_training_set",
            lambda *_arguments, **_named: (_ for _ in ()).throw(KeyboardInterrupt),
        )
        with pytest.raises(KeyboardInterrupt):
            desk.advance()
    assert desk.runs() == []
    desk.advance()
    (run,) = desk.runs()
    assert run.status == "running"
    assert RunFolder(Path(run.work_dir)).training_data.is_file()


def test_unavailable_database_fails_no_run(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.gold(30)
    desk.decide()

    def away(*_arguments: Any, **_named: Any) -> None:
        raise DatabaseUnavailableError("the database is away")

    with monkeypatch.context() as patch:
        patch.setattr("monitor.daemon.training_data.read_gold", away)
        with pytest.raises(DatabaseUnavailableError):
            desk.advance()
    assert desk.runs() == []
    desk.advance()
    assert [run.status for run in desk.runs()] == ["running"]


def test_an_unavailable_data_set_delays_only_its_run(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Running children are polled, and other evaluations continue."""
    desk.gold(30)
    desk.decide()
    desk.advance()
    desk.launcher.end(1, success(desk.launcher.submitted[0]))
    other = make_world(desk.engine, desk.now, n=8, users=False, weeks_ago=-1)
    desk.world = replace(desk.world, batch_id=other.batch_id)
    decision = desk.decide()
    desk.configure(evaluation=str(write_plan(desk.folder)))

    def away(*_arguments: Any) -> None:
        raise DatasetUnavailableError("s3://bucket/benchmark.jsonl: can't be read now")

    monkeypatch.setattr("monitor.daemon.training_data.benchmark_texts", away)
    for _ in range(2):
        desk.advance()
    assert [(run.status, run.error) for run in desk.runs()] == [("succeeded", None)]
    assert desk.refusal(decision) == "", "it is tried again"
    assert desk.launcher.tasks == ["train", "evaluate"]


@pytest.mark.parametrize("error", [TransientError("the hub is away"), DatabaseUnavailableError("")])
def test_unavailable_service_during_planning_of_a_run(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    desk.gold(30)
    desk.decide()

    def away(*_arguments: Any) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr("monitor.daemon.run_plan.prepare_bases", away)
        if isinstance(error, DatabaseUnavailableError):
            with pytest.raises(DatabaseUnavailableError):
                desk.advance()
        else:
            desk.advance()
    assert desk.runs() == []
    desk.advance()
    assert [run.status for run in desk.runs()] == ["running"]


def test_ending_a_child_is_retried_at_each_step(desk: Desk) -> None:
    desk.gold(30)
    desk.decide()
    desk.advance()
    (run,) = desk.runs()
    desk.launcher.refusal = RemoteServiceError("Kubernetes refuses DELETE (403)")
    cancel_run(desk.engine, run.id, desk.launcher, desk.now, cancelled_by="Lea")
    desk.advance()
    assert [run.termination_error for run in desk.runs()] == ["Kubernetes refuses DELETE (403)"]
    desk.launcher.refusal = None
    desk.advance()
    assert [run.termination_error for run in desk.runs()] == [None]
    assert desk.launcher.cancelled == [{"number": 1}]


def test_a_child_that_cannot_be_started_ends_the_run(desk: Desk) -> None:
    desk.gold(30)
    desk.decide()
    desk.launcher.error = TrainingError("no memory")
    desk.advance()
    (run,) = desk.runs()
    assert (run.status, run.error) == ("failed", "no memory")


def test_an_unavailable_launcher_is_waited_for(desk: Desk) -> None:
    """A planned run waits, a running run stays unchanged, and the rest of the step continues."""
    desk.gold(30)
    desk.decide()
    desk.launcher.error = RemoteServiceError("Ray doesn't answer")
    desk.advance()
    assert [(run.status, run.error) for run in desk.runs()] == [("planned", None)]
    desk.launcher.error = None
    desk.advance()
    desk.launcher.away = RemoteServiceError("Ray doesn't answer")
    desk.advance()
    assert [(run.status, run.error) for run in desk.runs()] == [("running", None)]
    desk.launcher.away = ConfigurationError("retrain.ray.address is empty now")
    desk.advance()
    assert [(run.status, run.error) for run in desk.runs()] == [("running", None)]
    desk.launcher.away = None
    desk.launcher.exit_reason = "OOMKilled"
    desk.configure(max_resumptions=0)
    desk.launcher.end(1, None)
    desk.advance()
    (run,) = desk.runs()
    assert run.status == "failed"
    assert "(OOMKilled)" in str(run.error)


def test_a_run_is_planned_for_the_launcher_that_is_configured(desk: Desk) -> None:
    desk.configure(launcher="kubernetes")
    desk.gold(30)
    desk.decide()
    desk.advance()
    assert [run.launcher for run in desk.runs()] == ["kubernetes"]


def test_a_missing_base_stops_no_other_run(desk: Desk) -> None:
    """A running run finishes although a new run can't be planned."""
    desk.gold(30)
    gold = desk.world.batch_id
    desk.decide()
    desk.advance()
    desk.launcher.end(1, success(desk.launcher.submitted[0]))
    other = make_world(desk.engine, desk.now, n=8, users=False, weeks_ago=-1)
    desk.world = replace(desk.world, batch_id=other.batch_id)
    decision = desk.decide(batches=[gold])
    desk.cook(desk.folder / "nowhere" / "base")
    desk.advance()
    assert [run.status for run in desk.runs()] == ["succeeded"]
    assert "nowhere" in desk.refusal(decision)
    desk.cook(read_recipe_base(desk))
    desk.advance()
    assert [run.status for run in desk.runs()] == ["running", "succeeded"]


def read_base(desk: Desk) -> str:
    import tomllib

    return str(tomllib.loads((desk.folder / "recipe.toml").read_text(encoding="utf-8"))["base"])


def read_recipe_base(desk: Desk) -> str:
    return read_recipe(desk.launcher.submitted[0].recipe.read_bytes()).base


def test_full_fine_tuning_needs_the_name_of_the_model(desk: Desk) -> None:
    desk.cook(read_base(desk), method="full")
    desk.gold(30)
    desk.decide()
    desk.advance()
    assert desk.runs() == []
    desk.configure(full_fine_tuning_of="another")
    desk.advance()
    assert desk.runs() == []
    desk.configure(full_fine_tuning_of="assistant")
    desk.advance()
    (run,) = desk.runs()
    assert (run.status, run.recipe["method"]) == ("running", "full")


def test_recipe_without_a_method_starts_with_qlora(desk: Desk) -> None:
    desk.cook(read_base(desk), method=None)
    desk.gold(30)
    desk.decide()
    desk.advance()
    assert [run.recipe["method"] for run in desk.runs()] == ["qlora"]


def test_a_child_that_died_is_started_again_by_the_daemon(desk: Desk) -> None:
    desk.configure(max_resumptions=1)
    desk.gold(30)
    desk.decide()
    desk.advance()
    desk.launcher.end(1, None)
    desk.advance()
    (run,) = desk.runs()
    assert (run.status, run.resumptions) == ("running", 1)
    desk.launcher.end(2, None)
    desk.advance()
    assert [run.status for run in desk.runs()] == ["failed"]


def test_a_running_training_is_a_metric(desk: Desk) -> None:
    from monitor.telemetry import render_metrics
    from retrain.run_folder import write_json

    desk.gold(30)
    desk.decide()
    desk.advance()
    beat = {"step": 5, "steps": 20, "loss": 0.5, "tokens_per_second": 100.0}
    write_json(desk.launcher.submitted[0].heartbeat, beat)
    desk.advance()
    metrics = render_metrics().decode()
    assert 'driftwarden_training_loss{model="assistant"} 0.5' in metrics
    assert 'driftwarden_training_progress_ratio{model="assistant"} 0.25' in metrics
    assert 'driftwarden_training_tokens_per_second{model="assistant"} 100.0' in metrics
    desk.launcher.end(1, {"status": "failed", "error": "x"})
    desk.advance()
    metrics = render_metrics().decode()
    assert "driftwarden_training_loss{" not in metrics
    assert 'driftwarden_training_runs_finished_total{model="assistant",status="failed"}' in metrics


def test_the_end_that_a_lead_asked_for_comes(desk: Desk) -> None:
    from monitor.store.training.runs import request_cancel

    desk.gold(30)
    desk.decide()
    desk.advance()
    (run,) = desk.runs()
    with transaction(desk.engine) as connection:
        request_cancel(connection, run.id, "Lea")
    desk.advance()
    (run,) = desk.runs()
    assert (run.status, run.error) == ("cancelled", "cancelled by Lea")
    assert len(desk.launcher.cancelled) == 1


def test_planned_run_keeps_its_training_options(desk: Desk) -> None:
    from retrain.planning.next_step import next_step_after

    desk.gold(30)
    desk.decide()
    desk.advance()
    (run,) = desk.runs()
    assert {(option["method"], option["fits"]) for option in (run.plan or {})["options"]} == {
        ("qlora", True), ("lora", True), ("full", True),
    }  # fmt: skip
    with transaction(desk.engine) as connection:
        step = next_step_after(connection, run)
    assert step is not None
    # LoRA at full precision has failed on the only base: four bits wouldn't help.
    assert (step.method, step.base) == (None, "")
    assert " tokens" in step.text  # too few for full fine-tuning


def test_run_planned_by_hand_is_not_started_by_the_daemon(desk: Desk) -> None:
    from retrain.data import build_training_set
    from retrain.recipes.recipe import Recipe
    from retrain.training.runs import plan_run, prepare_run

    rows = build_training_set(examples(NEW, 20), [], replay_share=0.0, seed=1)
    with transaction(desk.engine) as connection:
        run = plan_run(
            connection, model="assistant", recipe=Recipe(base="b"), work_dir=desk.folder / "runs",
            now=desk.now,
        )  # fmt: skip
        prepare_run(connection, run, rows)
    desk.advance()
    assert desk.launcher.submitted == []
    with transaction(desk.engine) as connection:
        assert run_by_id(connection, run).status == "planned"


def test_a_cancelled_run_is_not_started_again(desk: Desk) -> None:
    desk.gold(30)
    desk.decide()
    desk.advance()
    (run,) = desk.runs()
    cancel_run(desk.engine, run.id, desk.launcher, desk.now, cancelled_by="Lea")
    desk.advance()
    assert [run.status for run in desk.runs()] == ["cancelled"]
    assert len(desk.launcher.submitted) == 1


def test_missing_base_model_is_a_model_error(desk: Desk) -> None:
    """The daemon's logged error names the path."""
    from retrain.models.base_model import prepare_base

    with pytest.raises(ModelError, match="nowhere"):
        prepare_base(str(desk.folder / "nowhere" / "base"), desk.folder)
