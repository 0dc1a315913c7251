"""The real training child: a tiny model, LoRA and QLoRA on the CPU, and failures."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from safetensors import safe_open

from monitor.store.engine import transaction
from monitor.store.training import registry as versions
from retrain.data import TrainingSet, build_training_set, original_training_set
from retrain.evaluation.gates.training_record import changed_files
from retrain.evaluation.request import read_request
from retrain.identity.verification import compare
from retrain.jobs import local_launcher
from retrain.jobs.local_launcher import SubprocessLauncher
from retrain.jobs.process_identity import start_ticks
from retrain.jobs.progress import losses
from retrain.planning.checks.run_checks import check_run
from retrain.recipes.recipe import Recipe
from retrain.registry.stages import promote
from retrain.run_folder import read_json, read_lines, write_lines
from retrain.training.cancellation import cancel_run
from retrain.training.runs import poll_run, poll_running, start_run
from tests.services.warm_interpreter import warm_children  # noqa: F401
from tests.support.lazy_modules import LazyModule
from tests.support.present import utc_now
from tests.support.refusals import refusal
from tests.support.retrain.desks.training_desk import ENVIRONMENT, NOW, Desk, restart, training_desk
from tests.support.retrain.tiny_model import NEW, OLD, benchmark, example, examples, tiny_base  # noqa: F401

safetensors_torch: Any = LazyModule("safetensors.torch")

pytestmark = [
    pytest.mark.language_model,
    pytest.mark.timeout(240),
    pytest.mark.usefixtures("warm_children"),
]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, tiny_base: Path) -> Iterator[Desk]:  # noqa: F811
    with training_desk(tmp_path_factory.mktemp("desk"), tiny_base) as made:
        yield made


@dataclass(frozen=True)
class Runs:
    """Finished runs that several tests inspect."""

    lora: int
    again: int
    qlora: int
    too_long: int


@pytest.fixture(scope="module")
def runs(desk: Desk) -> Runs:
    rows = original_training_set(examples(OLD, 40), seed=1)
    long = examples(OLD, 2)
    long[1]["messages"][0]["content"] = "card " * 80
    return Runs(
        lora=desk.start(desk.recipe(), rows),
        again=desk.start(desk.recipe(), rows),
        qlora=desk.start(desk.recipe(method="qlora"), rows),
        too_long=desk.start(desk.recipe(), TrainingSet(long, rows.card)),
    )


def test_lora_trains_and_its_adapter_is_registered(desk: Desk, runs: Runs) -> None:
    state = desk.succeeded(runs.lora)
    files = desk.files(runs.lora)
    result = state.run.result or {}
    assert (result["n_examples"], result["steps"]) == (40, 20)
    seen = losses(files)
    assert [step for step, _ in seen] == list(range(1, 21))
    assert seen[-1][1] < seen[0][1] / 3
    card = (files.adapter / "README.md").read_text(encoding="utf-8")
    assert f"base_model: {desk.base}" in card
    assert "rank 16" in card
    assert state.version_id is not None
    with transaction(desk.engine) as connection:
        version = versions.version_by_id(connection, state.version_id)
    assert (version.stage, version.training_run_id) == ("candidate", runs.lora)
    assert (version.adapter_path, version.adapter_digest) == (
        str(files.adapter), result["adapter_digest"],
    )  # fmt: skip
    assert version.lineage["data_digest"] == (read_json(files.card) or {})["digest"]
    assert version.lineage["base_revision"].startswith("sha256:")
    assert version.identity is not None
    folders = version.identity.folders
    assert [folder.path for folder in folders] == [version.adapter_path, str(desk.base)]
    assert folders[1].acting == version.lineage["base_revision"]
    assert {"adapter_config.json", "tokenizer.json"} <= {file.name for file in folders[0].files}
    assert compare(version.identity, utc_now()).change is None
    assert version.lineage["versions"]["torch"]
    assert [entry["outcome"] for entry in result["checks"]] == ["ok"] * 4
    assert result["memory"]["measured_gib"] > 0.1
    assert result["n_response_tokens"] > 40


def test_the_adapter_is_one_that_vllm_loads(desk: Desk, runs: Runs) -> None:
    """vLLM's rules for LoRA: plain pairs of matrices, no bias, no whole modules."""
    files = desk.files(runs.lora)
    desk.succeeded(runs.lora)
    config = read_json(files.adapter / "adapter_config.json") or {}
    assert (config["peft_type"], config["r"], config["bias"]) == ("LORA", 16, "none")
    assert not config["use_dora"]
    assert not config["modules_to_save"]
    with safe_open(files.adapter / "adapter_model.safetensors", "numpy") as weights:
        names = set(weights.keys())
        ranks = {min(weights.get_slice(name).get_shape()) for name in names}
    assert ranks == {16}
    assert {name.split(".lora_")[1] for name in names} == {"A.weight", "B.weight"}
    assert all(name.startswith("base_model.model.model.layers.") for name in names)


def test_a_run_that_ended_is_registered_once(desk: Desk, runs: Runs) -> None:
    first = desk.succeeded(runs.lora)
    assert desk.poll(runs.lora).version_id == first.version_id
    assert poll_run(desk.engine, runs.lora, restart(), NOW).version_id == first.version_id
    with refusal("not_planned", match="succeeded"):
        start_run(desk.engine, runs.lora, desk.launcher, NOW)
    with refusal("ended", match="succeeded"):
        cancel_run(desk.engine, runs.lora, desk.launcher, NOW, cancelled_by="lea")


def test_the_same_seed_gives_the_same_bits(desk: Desk, runs: Runs) -> None:
    states = (desk.succeeded(runs.lora), desk.wait(runs.again), desk.succeeded(runs.qlora))
    first, again, other = ((state.run.result or {})["adapter_digest"] for state in states)
    assert first == again != other
    assert (states[1].run.status, states[1].version_id) == ("failed", None)
    assert "the same weights as desk version" in (states[1].run.error or "")


def test_qlora_trains_on_four_bits(desk: Desk, runs: Runs) -> None:
    state = desk.succeeded(runs.qlora)
    assert (state.run.result or {})["lineage"]["method"] == "qlora"
    seen = losses(desk.files(runs.qlora))
    assert seen[-1][1] < seen[0][1] / 3
    card = (desk.files(runs.qlora).adapter / "README.md").read_text(encoding="utf-8")
    assert "QLoRA adapter" in card


def test_overlong_example_is_refused_with_its_line(desk: Desk, runs: Runs) -> None:
    state = desk.wait(runs.too_long)
    assert (state.run.status, state.version_id) == ("failed", None)
    for figure in ("1 of 2 examples", "max_length = 64 ", "line 2 ("):
        assert figure in str(state.run.error)
    log = "\n".join(desk.launcher.logs(desk.files(runs.too_long), 50))
    assert "examples: refused: 1 of 2 " in log
    assert "Traceback" in log


def test_an_example_that_is_held_back_is_not_cut_either(tiny_base: Path) -> None:  # noqa: F811
    long = example(OLD, 1)
    long["messages"][0]["content"] = "card " * 100
    recipe = Recipe(base=str(tiny_base), max_length=64)
    findings = check_run(recipe, examples(NEW, 4), None, [example(OLD, 2), long]).findings
    (refused,) = [finding for finding in findings if finding.outcome == "refused"]
    assert refused.name == "validation"
    for figure in ("1 of 2 examples", "max_length = 64 ", "line 2 ("):
        assert figure in refused.text


@pytest.mark.parametrize(("top_layers", "outcome"), [(2, []), (3, ["layers"])])
def test_more_layers_than_the_base_has_are_refused(
    tiny_base: Path,  # noqa: F811
    top_layers: int,
    outcome: list[str],
) -> None:
    recipe = Recipe(base=str(tiny_base), max_length=64, top_layers=top_layers)
    findings = check_run(recipe, examples(NEW, 4), None).findings
    assert [finding.name for finding in findings if finding.outcome == "refused"] == outcome


def test_run_with_an_undefined_loss_fails(desk: Desk, tmp_path: Path) -> None:
    spoiled = tmp_path / "spoiled"
    shutil.copytree(desk.base, spoiled)
    weights = safetensors_torch.load_file(spoiled / "model.safetensors")
    name = next(name for name in weights if "down_proj" in name)
    weights[name][0, 0] = float("nan")
    safetensors_torch.save_file(weights, spoiled / "model.safetensors", metadata={"format": "pt"})
    run = desk.start(
        desk.recipe(base=str(spoiled)), original_training_set(examples(OLD, 16), seed=1)
    )
    state = desk.wait(run)
    assert (state.run.status, state.version_id) == ("failed", None)
    assert "diverged at step 1: " in str(state.run.error)
    assert not desk.files(run).adapter.exists()
    assert losses(desk.files(run)) == []  # no loss of 0


@pytest.mark.timeout(480)
def test_run_continues_from_incumbent_and_is_compared_with_it(desk: Desk, runs: Runs) -> None:
    before = desk.succeeded(runs.lora)
    assert before.version_id is not None
    with transaction(desk.engine) as connection:
        promote(connection, before.version_id, changed_by="lea", reason="first", now=NOW)
    rows = build_training_set(examples(NEW, 30), examples(OLD, 40), replay_share=0.4, seed=1)
    adapter = str(desk.files(runs.lora).adapter)
    # At the desk's learning rate, some processors' rounding makes the run forget all old examples.
    recipe = desk.recipe(start_adapter=adapter, epochs=8.0, learning_rate=2e-3)
    run = desk.start(recipe, rows)
    version_id = desk.succeeded(run).version_id
    assert version_id is not None
    row = desk.evaluate(version_id)
    assert row.status == "succeeded", row.error
    results = row.results
    assert results is not None
    # With one label for each split, a constant does as well: nothing else is undecided.
    open_checks = {
        check.code: check.outcome for check in results.checks if check.outcome != "passed"
    }
    assert open_checks == {"better": "undecided", "retention": "undecided"}
    value = {
        system: {
            score.stratum: score.value
            for score in results.scores_of(system)
            if score.metric == "exact_match"
        }
        for system in results.systems
    }
    assert value["incumbent"]["split=new"] == 0.0
    assert value["candidate"]["split=new"] >= 0.9
    assert value["candidate"]["split=new"] >= 0.9
    assert value["candidate"]["split=old"] >= 0.9
    _, requested = read_request(desk.files(run))
    assert requested.trained_on.training == rows.card.digest
    write_lines(desk.files(run).training_data, rows.rows[1:])
    assert changed_files(desk.files(run), requested.trained_on) == ["train.jsonl"]
    adapter_card = (desk.files(run).adapter / "README.md").read_text(encoding="utf-8")
    assert "| desk | split=new | exact_match | " in adapter_card
    responses = list(read_lines(desk.files(run).evaluation_responses(row.id)))
    assert len(responses) == 4 * 104
    right = [a for a in responses if a["by"] == "incumbent" and a["id"].startswith("old")]
    assert {a["response"] for a in right} == {OLD[1]}
    with transaction(desk.engine) as connection:
        version = versions.version_by_id(connection, version_id)
        stored = versions.scores_of(connection, version_id)
    assert (version.stage, version.parent_id) == ("candidate", before.version_id)
    assert {(s.benchmark, s.stratum): s.value for s in stored if s.metric == "exact_match"} == {
        ("desk", stratum): share for stratum, share in value["candidate"].items()
    }
    assert version.lineage["parent_adapter"] == adapter


def test_running_child_is_adopted_and_killed_child_fails(desk: Desk) -> None:
    rows = original_training_set(examples(OLD, 40), seed=1)
    run = desk.start(desk.recipe(epochs=100.0, learning_rate=1e-4), rows)
    state = desk.wait(run, lambda state: "loss" in state.progress)
    assert state.run.status == "running"
    handle = state.run.handle or {}

    # The daemon restarts: a fresh launcher finds the child, and starts no other.
    fresh = restart()
    assert fresh.adopt(desk.files(run)) == handle
    assert fresh.submit(desk.files(run), {}) == handle
    start_run(desk.engine, run, fresh, NOW)
    assert [(s.run.id, s.run.status) for s in poll_running(desk.engine, lambda _: fresh, NOW)] == [
        (run, "running")
    ]
    assert desk.row(run).handle == handle

    os.kill(handle["pid"], signal.SIGKILL)
    state = desk.wait(run)
    assert (state.run.status, state.version_id) == ("failed", None)
    assert state.run.error
    assert not desk.files(run).result.exists()


def test_child_of_a_dead_starter_is_adopted(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The starter died between the start of the child and the row, so the row is planned."""
    # From a new interpreter, which is still importing when the note is removed.
    monkeypatch.setattr(local_launcher, "subprocess", subprocess)
    run = desk.plan(desk.recipe(epochs=100.0), original_training_set(examples(OLD, 40), seed=1))
    files = desk.files(run)
    handle = desk.launcher.submit(files, ENVIRONMENT)
    files.child.unlink()  # not even the note was written; the child itself writes it
    deadline = time.monotonic() + 60
    while not files.child.is_file():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    start_run(desk.engine, run, restart(), NOW)
    assert desk.row(run).handle == handle
    cancel_run(desk.engine, run, SubprocessLauncher(), NOW, cancelled_by="lea")
    assert start_ticks(handle["pid"]) is None


def test_cancelling_ends_the_child(desk: Desk) -> None:
    run = desk.start(desk.recipe(epochs=100.0), original_training_set(examples(OLD, 40), seed=1))
    pid = (desk.row(run).handle or {})["pid"]
    assert start_ticks(pid) is not None
    cancel_run(desk.engine, run, desk.launcher, NOW, cancelled_by="lea")
    assert start_ticks(pid) is None
    state = desk.poll(run)
    assert (state.run.status, state.run.error) == ("cancelled", "cancelled by lea")
    assert state.version_id is None
    with refusal("ended", match="cancelled"):
        cancel_run(desk.engine, run, desk.launcher, NOW, cancelled_by="lea")


def test_cancelling_finds_a_child_that_the_row_does_not_know(desk: Desk) -> None:
    run = desk.plan(desk.recipe(epochs=100.0), original_training_set(examples(OLD, 40), seed=1))
    handle = desk.launcher.submit(desk.files(run), ENVIRONMENT)
    cancel_run(desk.engine, run, desk.launcher, NOW, cancelled_by="lea")
    assert start_ticks(handle["pid"]) is None
