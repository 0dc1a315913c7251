"""Options of a recipe, each by its effect on the training of a tiny model."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monitor.errors import TrainingError
from retrain.recipes.recipe import Recipe
from retrain.run_folder import RunFolder, read_lines, write_lines
from tests.support.refusals import refusal
from tests.support.retrain.tiny_model import NEW, OLD, examples, tiny_base  # noqa: F401

# TRL 1.16 and peft 0.21 still use the name that transformers 5.24 deprecates.
pytestmark = [
    pytest.mark.language_model,
    pytest.mark.filterwarnings("ignore:.*gradient_checkpointing.*:FutureWarning"),
]

ROWS = [*examples(OLD, 8), *examples(NEW, 8)]


class Trainings:
    """Trainings of the tiny base, each in a folder of its own."""

    def __init__(self, folder: Path, base: Path) -> None:
        self.folder = folder
        self.base = base

    def train(
        self, name: str, *, rows: Any = ROWS, validation: Any = (), **recipe: Any
    ) -> tuple[RunFolder, dict[str, Any]]:
        from retrain.training.fine_tuning import train

        run = RunFolder(self.folder / name)
        run.root.mkdir(parents=True)
        if validation:
            write_lines(run.validation_data, validation)
        values = {"base": str(self.base), "epochs": 1.0, "batch_size": 8, "max_length": 64}
        return run, train(run, Recipe(**{**values, **recipe}), rows, {})


@pytest.fixture(scope="module")
def trainings(tmp_path_factory: pytest.TempPathFactory, tiny_base: Path) -> Trainings:  # noqa: F811
    return Trainings(tmp_path_factory.mktemp("options"), tiny_base)


@pytest.fixture(scope="module")
def plain(trainings: Trainings) -> RunFolder:
    return trainings.train("plain")[0]


def weights(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return dict(load_file(folder / "adapter_model.safetensors"))


def config(run: RunFolder) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((run.adapter / "adapter_config.json").read_text())
    return content


def losses(run: RunFolder) -> list[float]:
    return [line["loss"] for line in read_lines(run.progress) if "loss" in line]


def test_adapter_options_and_trackers(
    trainings: Trainings, plain: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One training shows dropout, the scale of rsLoRA and the losses that a tracker gets."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, TrainerCallback
    from transformers.integrations import integration_utils

    logged: list[float] = []

    class Tracker(TrainerCallback):  # type: ignore[misc]
        def on_log(self, *_: Any, logs: Any = None, **__: Any) -> None:
            logged.extend([logs["loss"]] if "loss" in logs else [])

    monkeypatch.setitem(integration_utils.INTEGRATION_TO_CALLBACK, "notebook", Tracker)
    run, _ = trainings.train("options", dropout=0.5, rank_stabilised=True, report_to=("notebook",))
    assert [config(entry)["lora_dropout"] for entry in (plain, run)] == [0.0, 0.5]
    assert logged == losses(run)
    base = AutoModelForCausalLM.from_pretrained(trainings.base)
    scales = {
        module.scaling["default"]
        for module in PeftModel.from_pretrained(base, run.adapter).modules()
        if isinstance(getattr(module, "scaling", None), dict)
    }
    assert scales == {32 / math.sqrt(16)}


def test_dropout_applies_to_a_continued_adapter(trainings: Trainings, plain: RunFolder) -> None:
    whole, dropped = (
        trainings.train(f"again-{dropout}", dropout=dropout, start_adapter=str(plain.adapter))[0]
        for dropout in (0.0, 0.25)
    )
    assert [config(run)["lora_dropout"] for run in (whole, dropped)] == [0.0, 0.25]
    assert losses(whole)[0] != losses(dropped)[0]


def test_unknown_tracker_is_refused() -> None:
    from retrain.planning.checks.trackers import tracker_callbacks

    with refusal("tracker", TrainingError, match="nosuch"):
        tracker_callbacks(("nosuch",))


def test_plan_checks_trackers_where_training_runs() -> None:
    from retrain.planning.checks.trackers import check_trackers

    for name, here, outcome in (
        ("nosuch", True, "refused"),
        ("nosuch", False, "refused"),
        ("swanlab", True, "refused"),  # not installed here
        ("swanlab", False, "note"),
    ):
        finding = check_trackers((name,), here=here)
        assert (finding.outcome, name in finding.text.lower()) == (outcome, True)


def test_packed_examples_do_not_see_each_other(trainings: Trainings) -> None:
    """The loss of the first step, over all examples, is that of separate rows."""
    apart, packed = (
        trainings.train(f"packing-{packing}", batch_size=16, packing=packing)[0]
        for packing in (False, True)
    )
    assert len(losses(apart)) == len(losses(packed)) == 1
    assert losses(packed) == pytest.approx(losses(apart), rel=1e-4)


def test_rows_are_counted_as_trl_packs_them() -> None:
    from datasets import Dataset
    from trl import pack_dataset

    from retrain.planning.checks.example_sizes import ExampleSize, ExampleSizes

    lengths = np.random.default_rng(1).integers(1, 65, 200).tolist()
    rows = pack_dataset(Dataset.from_dict({"input_ids": [[1] * n for n in lengths]}), 64, "bfd")
    sizes = ExampleSizes(tuple(ExampleSize(n, 1, n - 1) for n in lengths))
    assert sizes.n_rows(Recipe(base="b", max_length=64, packing=True)) == len(rows) < 200
    assert sizes.n_rows(Recipe(base="b", max_length=64)) == 200


def test_gradients_accumulate_over_micro_batches(trainings: Trainings, plain: RunFolder) -> None:
    import torch

    parts, _ = trainings.train("parts", micro_batch_size=2)
    assert losses(parts) == pytest.approx(losses(plain), rel=1e-3)
    for name, value in weights(plain.adapter).items():
        torch.testing.assert_close(weights(parts.adapter)[name], value, atol=2e-4, rtol=0.05)


@pytest.mark.parametrize("method", ["lora", pytest.param("qlora", marks=pytest.mark.drill)])
def test_best_checkpoint_is_kept_and_training_stops(trainings: Trainings, method: str) -> None:
    """The validation examples have other responses, so that their loss soon rises."""
    import torch

    wrong = [
        {**row, "messages": [row["messages"][0], {"role": "assistant", "content": NEW[1]}]}
        for row in examples(OLD, 12)
    ]
    run, result = trainings.train(
        method, rows=[*examples(NEW, 4), *examples(OLD, 12)], validation=wrong, epochs=30.0,
        learning_rate=1e-2, checkpoint_steps=2, best_checkpoint=True, early_stopping=2,
        method=method,
    )  # fmt: skip
    validated = {
        line["step"]: line["validation_loss"]
        for line in read_lines(run.progress)
        if "validation_loss" in line
    }
    best = result["best_checkpoint"]
    assert best["loss"] == result["validation_loss"] == min(validated.values())
    assert best["step"] == min(validated, key=lambda step: validated[step])
    assert result["steps"] == best["step"] + 2 * 2 < 60
    saved = weights(run.checkpoints / f"checkpoint-{best['step']}")
    for name, value in weights(run.adapter).items():
        assert torch.equal(value, saved[name])
