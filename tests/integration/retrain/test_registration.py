"""Weights that another program trained: registered, promoted, evaluated and trained further."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from monitor.errors import ModelError, WorkflowError
from monitor.settings import Settings
from monitor.store.engine import transaction
from monitor.store.tables import AuditEntry
from monitor.store.training import registry as store
from monitor.store.training.registry import VersionRow
from monitor.store.training.runs import run_by_id
from retrain.evaluation.gate_result import require_gate_passed
from retrain.evaluation.request import request_for
from retrain.identity.record import take_identity
from retrain.models.base_model import BaseModel
from retrain.planning.starting_point import recipe_from
from retrain.recipes.recipe import Training, stored_recipe
from retrain.registry.registration import read_weights, register_weights
from retrain.registry.stages import promote
from retrain.run_folder import RunFolder, read_lines
from tests.support.refusals import refusal
from tests.support.retrain.tiny_model import OLD, examples
from tests.support.retrain.weights import write_adapter, write_base

BASE = BaseModel("org/base", "4f2c")


def register(engine: Engine, folder: Path, now: datetime, n_examples: int = 0) -> VersionRow:
    weights = read_weights(folder)
    identity = take_identity(weights.source_on(BASE), now)
    with transaction(engine) as connection:
        return register_weights(
            connection, weights, BASE, identity=identity, model="desk",
            work_dir=folder.parent / "runs", launcher="subprocess",
            rows=examples(OLD, n_examples), now=now, by="lea",
        )  # fmt: skip


def test_weights_of_another_program_become_a_candidate(
    any_engine: Engine, clock: datetime, tmp_path: Path
) -> None:
    adapter = write_adapter(tmp_path / "adapter")
    version = register(any_engine, adapter, clock)
    assert (version.version, version.stage) == (1, "candidate")
    assert version.adapter_path == str(adapter)
    with transaction(any_engine) as connection:
        run = run_by_id(connection, version.training_run_id or 0)
        assert run.status == "succeeded"
        recipe = stored_recipe(run.recipe)
        assert (recipe.rank, recipe.alpha, recipe.targets) == (8, 16, ("q_proj", "v_proj"))
        assert "learning_rate" not in run.recipe  # what is unknown isn't claimed
        promote(connection, version.id, changed_by="lea", reason="serves", now=clock)
        entry = select(AuditEntry.actor).where(AuditEntry.action == "version.registered")
        assert connection.execute(entry).scalar_one() == "lea"


def test_later_weights_need_a_gate_result_and_can_get_one(
    any_engine: Engine, clock: datetime, tmp_path: Path
) -> None:
    first = register(any_engine, write_adapter(tmp_path / "first"), clock)
    second = register(any_engine, write_adapter(tmp_path / "second", seed=1), clock)
    file = tmp_path / "evaluation.yaml"
    file.write_text(
        "evaluation:\n  benchmarks:\n    - {name: a, dataset: a.jsonl, metrics: [exact_match]}\n",
        encoding="utf-8",
    )
    with transaction(any_engine) as connection:
        promote(connection, first.id, changed_by="lea", reason="serves", now=clock)
        with refusal("no_gate_result"):
            require_gate_passed(connection, second)
        request = request_for(connection, second, Settings(), file)
    assert request.candidate.adapter == second.adapter_path
    assert request.incumbent is not None
    assert request.incumbent.adapter == first.adapter_path
    assert request.base.base == BASE.location


def test_registered_training_data_is_checked(
    any_engine: Engine, clock: datetime, tmp_path: Path
) -> None:
    version = register(any_engine, write_adapter(tmp_path / "adapter"), clock, n_examples=7)
    with transaction(any_engine) as connection:
        folder = RunFolder(Path(run_by_id(connection, version.training_run_id or 0).work_dir))
    rows = list(read_lines(folder.training_data))
    assert len(rows) == 7
    assert {row["metadata"]["source"] for row in rows} == {"original"}
    assert version.lineage["data_digest"].startswith("sha256:")
    assert folder.data_card.is_file()


def test_a_run_continues_from_external_weights_of_its_shape(
    any_engine: Engine, clock: datetime, tmp_path: Path
) -> None:
    version = register(any_engine, write_adapter(tmp_path / "adapter"), clock)
    same = recipe_from(Training(method="lora", rank=8, alpha=16), BASE, version)
    other = recipe_from(Training(method="lora", rank=16, alpha=16), BASE, version)
    assert (same.start_adapter, other.start_adapter) == (version.adapter_path, "")


def test_a_whole_model_is_a_base_of_its_own(
    any_engine: Engine, clock: datetime, tmp_path: Path
) -> None:
    folder = write_base(tmp_path / "model")
    version = register(any_engine, folder, clock)
    assert version.lineage["method"] == "full"
    assert recipe_from(Training(), BASE, version).base == version.adapter_path


def test_the_same_weights_are_registered_once(
    any_engine: Engine, clock: datetime, tmp_path: Path
) -> None:
    register(any_engine, write_adapter(tmp_path / "adapter"), clock)
    copies = (
        write_adapter(tmp_path / "copy"),
        write_adapter(tmp_path / "with metadata", metadata={"format": "pt", "run": "2"}),
    )
    for copy in copies:
        with refusal("known_weights", WorkflowError, match="desk version 1"):
            register(any_engine, copy, clock)
    with transaction(any_engine) as connection:
        assert len(store.list_versions(connection, "desk")) == 1


def test_the_same_tensors_with_another_scale_are_a_version(
    any_engine: Engine, clock: datetime, tmp_path: Path
) -> None:
    first = register(any_engine, write_adapter(tmp_path / "adapter"), clock)
    second = register(any_engine, write_adapter(tmp_path / "stronger", lora_alpha=64), clock)
    assert first.adapter_digest == second.adapter_digest
    assert first.identity is not None
    assert second.identity is not None
    assert first.identity.acting != second.identity.acting


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda folder: (folder / "adapter_model.safetensors").unlink(), "no_weights"),
        (lambda folder: (folder / "adapter_config.json").unlink(), "no_weights"),
        (lambda folder: (folder / "adapter_config.json").write_text("{"), "no_weights"),
        (lambda folder: (folder / "adapter_config.json").write_text('{"peft_type": "IA3"}'),
         "not_lora"),
        (lambda folder: (folder / "adapter_config.json").write_text('{"peft_type": "LORA"}'),
         "no_weights"),
    ],
)  # fmt: skip
def test_a_folder_that_is_no_version_is_refused(tmp_path: Path, spoil: Any, code: str) -> None:
    folder = write_adapter(tmp_path / "adapter")
    spoil(folder)
    with refusal(code, ModelError):
        read_weights(folder)
