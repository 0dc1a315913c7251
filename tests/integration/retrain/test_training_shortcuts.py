"""Equivalence of faster training: the loss on a CPU, and training of the last layers."""

from pathlib import Path
from typing import Any

import pytest

from monitor.errors import ModelError
from retrain.recipes.recipe import Recipe
from retrain.run_folder import RunFolder
from tests.support.retrain.tiny_model import NEW, OLD, examples, tiny_base  # noqa: F401

# TRL 1.16 and peft 0.21 still use the name that transformers 5.24 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:.*gradient_checkpointing.*:FutureWarning")


#: Longer than what is computed at once without it.
SYSTEM = "card coin sell now was lost cards crypto block " * 3


def train_on(folder: Path, recipe: Recipe, system: str = "") -> RunFolder:
    from retrain.training.fine_tuning import train

    run = RunFolder(folder)
    run.root.mkdir(parents=True)
    rows = [*examples(OLD, 8), *examples(NEW, 8)]
    if system:
        for row in rows:
            row["messages"].insert(0, {"role": "system", "content": system})
    train(run, recipe, rows, {})
    return run


def weights(run: RunFolder) -> dict[str, Any]:
    from safetensors.torch import load_file

    return dict(load_file(run.adapter / "adapter_model.safetensors"))


def test_a_base_of_the_hub_is_loaded_in_its_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import AutoModelForCausalLM

    from retrain.training import fine_tuning

    requested: dict[str, Any] = {}

    class Model:
        class config:  # noqa: N801
            use_cache = True

    def load(name: str, **arguments: Any) -> Model:
        requested.update(name=name, **arguments)
        return Model()

    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", load)
    fine_tuning._load_model(Recipe(base="org/model", base_revision="4f2c"))
    assert (requested["name"], requested["revision"]) == ("org/model", "4f2c")


@pytest.fixture
def prefixes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Tokens of each beginning that a training computes once."""
    from retrain.training import response_loss

    n_tokens: list[int] = []
    compute = response_loss.compute_prefix

    def counted(model: Any, prefix: list[int], n: int) -> Any:
        n_tokens.append(len(prefix))
        return compute(model, prefix, n)

    monkeypatch.setattr(response_loss, "compute_prefix", counted)
    return n_tokens


@pytest.mark.parametrize(
    ("system", "top_layers"), [("", 0), (SYSTEM, 0), (SYSTEM, 1)],
    ids=["no common beginning", "a common beginning", "a common beginning, last layers"],
)  # fmt: skip
def test_the_loss_and_its_gradients_are_those_of_the_parent(
    tmp_path: Path,
    tiny_base: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    prefixes: list[int],
    system: str,
    top_layers: int,
) -> None:
    import torch
    from trl import SFTTrainer

    from retrain.models.shared_prefix import MIN_PREFIX
    from retrain.training.response_loss import ResponseTrainer

    ours = ResponseTrainer.compute_loss
    seen = []

    def both(self: Any, model: Any, inputs: dict[str, Any], *rest: Any, **named: Any) -> Any:
        gradients = []
        trained = [p for p in model.parameters() if p.requires_grad]
        for compute in (SFTTrainer.compute_loss, ours):
            loss = compute(self, model, dict(inputs), *rest, **named)
            gradients.append((loss.detach(), torch.autograd.grad(loss, trained)))
        seen.append(gradients)
        return ours(self, model, inputs, *rest, **named)

    monkeypatch.setattr(ResponseTrainer, "compute_loss", both)
    recipe = Recipe(base=str(tiny_base), epochs=1.0, batch_size=8, top_layers=top_layers)
    train_on(tmp_path / "run", recipe, system)
    assert len(seen) == 2
    # Two batches, each with the loss that is compared and the one that is trained.
    assert len(prefixes) == (4 if system else 0)
    assert all(n >= MIN_PREFIX for n in prefixes)
    for (expected, expected_gradients), (actual, gradients) in seen:
        torch.testing.assert_close(actual, expected)
        torch.testing.assert_close(gradients, expected_gradients)


def test_each_example_has_its_own_dropout(
    tmp_path: Path,
    tiny_base: Path,  # noqa: F811
    prefixes: list[int],
) -> None:
    recipe = Recipe(base=str(tiny_base), epochs=1.0, batch_size=8, dropout=0.1)
    train_on(tmp_path / "run", recipe, SYSTEM)
    assert prefixes == []


def test_only_the_last_layers_get_an_adapter(tmp_path: Path, tiny_base: Path) -> None:  # noqa: F811
    recipe = Recipe(base=str(tiny_base), epochs=1.0, batch_size=8, top_layers=1)
    names = weights(train_on(tmp_path / "run", recipe))
    assert names
    assert [name for name in names if ".layers.1." not in name] == []


def test_going_on_leaves_the_lower_layers_as_they_were(
    tmp_path: Path,
    tiny_base: Path,  # noqa: F811
) -> None:
    import torch

    first = Recipe(base=str(tiny_base), epochs=1.0, batch_size=8, learning_rate=1e-2)
    before = train_on(tmp_path / "first", first)
    again = Recipe(
        base=str(tiny_base), epochs=1.0, batch_size=8, learning_rate=1e-2, top_layers=1,
        start_adapter=str(before.adapter),
    )  # fmt: skip
    old, new = weights(before), weights(train_on(tmp_path / "again", again))
    assert set(new) == set(old)
    changed = {name for name in old if not torch.equal(old[name], new[name])}
    assert changed == {name for name in old if ".layers.1." in name}


def test_layers_without_numbers_are_refused() -> None:
    import torch

    from retrain.models.adapter_config import lower_layers

    model = torch.nn.Sequential(torch.nn.Linear(2, 2))
    model.config = type("Config", (), {"num_hidden_layers": 4})()
    with pytest.raises(ModelError, match="set it to 0"):
        lower_layers(Recipe(base="b", top_layers=2), model)
