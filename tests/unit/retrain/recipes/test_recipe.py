"""Validation of recipes."""

import math
from typing import Any

import msgspec
import pytest

from monitor.errors import ConfigurationError
from retrain.recipes.recipe import Recipe, Serving, Training, read_recipe, recipe_for


@pytest.mark.parametrize(
    "bad",
    [
        {"base": ""},
        {"rank": 0},
        {"rank": 257},
        {"alpha": 0},
        {"targets": "some-linear"},
        {"targets": ()},
        {"targets": ("q_proj", "")},
        {"epochs": 0.0},
        {"epochs": math.nan},
        {"learning_rate": 0.0},
        {"learning_rate": 0.2},
        {"warmup_share": 0.6},
        {"batch_size": 0},
        {"max_length": 8},
        {"top_layers": -1},
        {"method": "full", "top_layers": 1},
        {"method": "full", "dora": True},
        {"method": "full", "modules_to_save": ("lm_head",)},
        {"modules_to_save": ("",)},
        {"micro_batch_size": 3},
        {"micro_batch_size": -1},
        {"checkpoint_steps": -1},
        {"dropout": -0.1},
        {"dropout": 1.0},
        {"method": "full", "dropout": 0.1},
        {"method": "full", "rank_stabilised": True},
        {"early_stopping": 2},
        {"best_checkpoint": True, "early_stopping": -1},
        {"report_to": ("",)},
        {"replay_share": 1.0},
        {"seed": -1},
        {"seed": 2**32},
        {"method": "full", "start_adapter": "runs/1/adapter"},
    ],
    ids=str,
)
def test_invalid_recipe_value_is_refused_by_name(bad: dict[str, Any]) -> None:
    name = next(reversed(bad))
    with pytest.raises(ConfigurationError, match=rf"^recipe\.{name} = .*: must be "):
        Recipe(**{"base": "b", **bad})


def test_every_bad_value_gets_its_line() -> None:
    with pytest.raises(ConfigurationError) as error:
        Recipe(base="", rank=0, epochs=-1)
    lines = str(error.value).splitlines()
    assert [line.split(" = ")[0] for line in lines] == [
        "recipe.base",
        "recipe.rank",
        "recipe.epochs",
    ]


@pytest.mark.parametrize("targets", ["all-linear", ("q_proj", "v_proj")])
def test_a_recipe_survives_its_file(targets: str | tuple[str, ...]) -> None:
    recipe = Recipe(base="b", method="qlora", targets=targets, epochs=1.5, start_adapter="a")
    assert read_recipe(msgspec.json.encode(recipe)) == recipe
    # It is also kept in a JSON column, from which the parent writes the child's file.
    stored = msgspec.json.decode(msgspec.json.encode(msgspec.to_builtins(recipe)))
    assert read_recipe(msgspec.json.encode(stored)) == recipe


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"^r\.json: "),
        (b'{"base": "b"', r"^r\.json: "),
        (b'{"rank": 16}', "missing required field `base`"),
        (b'{"base": "b", "ranks": 16}', "unknown field `ranks`"),
        (b'{"base": "b", "rank": "16"}', r"Expected `int`, got `str` - at `\$\.rank`"),
        (b'{"base": "b", "method": "dora"}', "Invalid enum value 'dora'"),
        (b'{"base": "b", "rank": 0}', r"recipe\.rank = 0: must be between 1 and 256"),
    ],
)
def test_a_bad_file_is_refused_with_what_is_wrong(content: bytes, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        read_recipe(content, "r.json")


def test_a_recipe_is_applied_to_a_base() -> None:
    requested = Training(method="qlora", rank=4, alpha=8, top_layers=3, serving=Serving(dora=True))
    recipe = recipe_for(requested, base="b", base_revision="r", start_adapter="a")
    for name in Training.__struct_fields__:
        assert getattr(recipe, name) == getattr(requested, name), name
    assert (recipe.base, recipe.base_revision, recipe.start_adapter) == ("b", "r", "a")


def test_full_fine_tuning_goes_on_from_no_adapter() -> None:
    recipe = recipe_for(Training(method="full"), base="b", start_adapter="a")
    assert recipe.start_adapter == ""
    assert len(recipe.warnings()) == 1


def test_risky_values_are_warned_of() -> None:
    assert Recipe(base="b").warnings() == []
    warnings = Recipe(base="b", batch_size=64, replay_share=0).warnings()
    assert [line.split(":")[0] for line in warnings] == [
        "replay_share 0",
        "batch_size 64",
    ]


@pytest.mark.parametrize(
    ("n", "batch", "epochs", "steps"), [(1, 16, 1, 1), (33, 16, 2, 6), (32, 16, 0.1, 1)]
)
def test_steps(n: int, batch: int, epochs: float, steps: int) -> None:
    assert Recipe(base="b", batch_size=batch, epochs=epochs).steps(n) == steps
