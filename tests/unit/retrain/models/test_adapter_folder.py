"""Files of an adapter's folder: model card, lineage and scores."""

from pathlib import Path

import msgspec
import pytest

from monitor.store.training.candidate_results import StratumScore
from retrain.models.adapter_folder import add_scores, complete_adapter, model_card
from retrain.recipes.recipe import Recipe
from retrain.run_folder import RunFolder, read_json, write_json

TRAINING = {
    "n_examples": 400, "n_validation": 20, "steps": 50, "loss": 0.512345, "validation_loss": 0.25,
    "dtype": "bfloat16", "stored_dtype": "float32",
}  # fmt: skip
LINEAGE = {
    "base": "org/base", "base_revision": "0f3c", "method": "qlora", "seed": 7,
    "data_digest": "sha256:d", "parent_adapter": "", "versions": {"torch": "2.15", "peft": "0.21"},
    "training": TRAINING,
}  # fmt: skip
RECIPE = Recipe(base="org/base", base_revision="0f3c", method="qlora", rank=8, seed=7)


def score(stratum: str, value: float) -> StratumScore:
    return StratumScore(stratum, "exact_match", value, value - 0.1, value + 0.1, 40)


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    write_json(tmp_path / "lineage.json", LINEAGE)
    write_json(tmp_path / "recipe.json", msgspec.to_builtins(RECIPE))
    return tmp_path


class Tokenizer:
    """Writes nothing."""

    def save_pretrained(self, folder: Path) -> None:
        assert folder.is_dir()


@pytest.mark.parametrize(
    ("base", "expected"),
    [("bases/tiny", "{here}/bases/tiny"), ("org/base", "org/base"), ("", ""), (None, None)],
)
def test_adapter_names_a_folder_as_base_absolutely(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, base: str | None, expected: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bases" / "tiny").mkdir(parents=True)
    folder = RunFolder(Path("runs") / "run-1")
    folder.adapter.mkdir(parents=True)
    config = folder.adapter / "adapter_config.json"
    write_json(config, {"r": 8, "base_model_name_or_path": base})
    complete_adapter(folder.adapter, Tokenizer())
    named = expected and expected.format(here=tmp_path.resolve())
    assert read_json(config) == {"r": 8, "base_model_name_or_path": named}


def test_whole_model_has_no_adapter_configuration(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.adapter.mkdir()
    complete_adapter(folder.adapter, Tokenizer())
    assert not (folder.adapter / "adapter_config.json").exists()


def test_the_card_is_our_own() -> None:
    card = model_card(RECIPE, LINEAGE)
    for message in (
        "base_model: org/base", "QLoRA adapter", "revision `0f3c`", "digest `sha256:d`",
        "seed 7", "torch 2.15, peft 0.21", "No scores yet",
    ):  # fmt: skip
        assert message in card, message


@pytest.mark.parametrize("validation", [0.25, None])
def test_card_has_examples_losses_and_formats(validation: float | None) -> None:
    held_out = {"n_validation": 20 if validation else 0, "validation_loss": validation}
    card = model_card(RECIPE, {**LINEAGE, "training": TRAINING | held_out})
    for figure in ("400 examples", "0.5123", "50 steps", "bfloat16", "float32"):
        assert figure in card, figure
    assert ("20 for validation" in card) == ("0.2500" in card) == (validation is not None)
    assert "None" not in card


def test_scores_are_added_and_replaced(adapter: Path) -> None:
    add_scores(adapter, "acceptance", [score("", 0.5), score("split=new", 0.25)])
    add_scores(adapter, "safety", [score("", 0.9)])
    add_scores(adapter, "acceptance", [score("", 0.75)])
    card = (adapter / "README.md").read_text(encoding="utf-8")
    assert "| acceptance | all | exact_match | 0.750 | 0.650 to 0.850 | 40 |" in card
    assert "| safety | all | exact_match | 0.900 |" in card
    assert "split=new" not in card
    assert "No scores yet" not in card
    assert set(read_json(adapter / "scores.json") or {}) == {"acceptance", "safety"}


def test_a_folder_that_somebody_else_made_is_left_alone(tmp_path: Path) -> None:
    add_scores(tmp_path, "acceptance", [score("", 0.5)])
    assert list(tmp_path.iterdir()) == []


def test_a_name_cannot_break_the_table(adapter: Path) -> None:
    add_scores(adapter, "a|b", [score("x\ny", 0.5)])
    assert r"| a\|b | x y |" in (adapter / "README.md").read_text(encoding="utf-8")
