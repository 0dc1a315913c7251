"""Starting point of a run, and the source of replay."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from monitor.store.training.registry import VersionRow
from retrain.models.base_model import BaseModel
from retrain.models.source import Source, source_of
from retrain.planning.starting_point import recipe_from, serving_source, starts_from_serving
from retrain.recipes.recipe import Method, Training
from retrain.run_folder import write_json

BASE = BaseModel("bases/small", "r1")
ABSOLUTE = str(Path("bases/small").resolve())


def version(**lineage: Any) -> VersionRow:
    return VersionRow(
        id=3, model="desk", version=3, stage="production", parent_id=None, training_run_id=2,
        adapter_path="runs/2/adapter", adapter_digest="sha256:2", lineage=lineage,
        created_at=datetime(2026, 11, 2, tzinfo=UTC),
    )  # fmt: skip


SERVES = version(method="lora", base="bases/small", base_revision="r1")


@pytest.mark.parametrize(
    ("method", "base", "serving", "start", "expected"),
    [
        ("lora", BASE, None, ("bases/small", ""), True),
        ("lora", BASE, SERVES, ("bases/small", "runs/2/adapter"), True),
        ("lora", BaseModel("moved/small", "r1"), SERVES, ("moved/small", "runs/2/adapter"), True),
        (
            "lora", BaseModel(ABSOLUTE, ""), SERVES,
            (ABSOLUTE, "runs/2/adapter"), True,
        ),
        ("qlora", BaseModel("bases/large", "r7"), SERVES, ("bases/large", ""), False),
        ("full", BASE, SERVES, ("bases/small", ""), False),
        ("lora", BASE, version(method="full"), ("runs/2/adapter", ""), True),
    ],
    ids=["first", "same-base", "moved-base", "absolute-path", "another-base", "full", "after-full"],
)  # fmt: skip
def test_run_continues_from_adapter_of_the_same_base(
    method: Method,
    base: BaseModel,
    serving: VersionRow | None,
    start: tuple[str, str],
    expected: bool,
) -> None:
    recipe = recipe_from(Training(method=method), base, serving)
    assert (recipe.base, recipe.start_adapter) == start
    assert starts_from_serving(recipe, serving) is expected


@pytest.mark.parametrize(
    ("requested", "expected"),
    [
        ({}, True),
        ({"rank": 32}, False),
        ({"alpha": 16}, False),
        ({"dora": True}, False),
        ({"rank_stabilised": True}, False),
        ({"dropout": 0.1}, True),
        ({"modules_to_save": ("lm_head",)}, False),
        ({"targets": ("v_proj", "q_proj")}, True),
        ({"targets": ("q_proj",)}, False),
    ],
    ids=str,
)
def test_an_adapter_of_another_shape_is_made_anew(
    tmp_path: Path, requested: dict[str, Any], expected: bool
) -> None:
    """Further training would keep the old shape, regardless of the recipe."""
    config = {"r": 16, "lora_alpha": 32, "use_dora": False, "target_modules": ["q_proj", "v_proj"]}
    write_json(tmp_path / "adapter_config.json", config)
    serving = replace(SERVES, adapter_path=str(tmp_path))
    recipe = recipe_from(Training(**requested), BASE, serving)
    assert starts_from_serving(recipe, serving) is expected
    assert recipe.start_adapter == (str(tmp_path) if expected else "")
    # It answers all the same.
    assert serving_source(BASE, serving).adapter == str(tmp_path)


@pytest.mark.parametrize(
    ("base", "serving", "expected"),
    [
        (BASE, None, Source(base="bases/small", revision="r1")),
        (
            BaseModel("moved/small", "r1"), SERVES,
            Source(base="moved/small", revision="r1", adapter="runs/2/adapter"),
        ),
        (
            BaseModel("bases/large", "r7"), SERVES,
            Source(base="bases/small", revision="r1", adapter="runs/2/adapter"),
        ),
        (BASE, version(method="full"), Source(base="runs/2/adapter")),
    ],
    ids=["none", "moved-base", "another-base", "full"],
)  # fmt: skip
def test_serving_source_does_not_depend_on_the_trained_base(
    base: BaseModel, serving: VersionRow | None, expected: Source
) -> None:
    assert serving_source(base, serving) == expected


def test_template_of_a_version_is_that_of_its_lineage() -> None:
    alone = Source(base="bases/small", revision="r1", chat_template="{{ other }}")
    for method, base in (("lora", "bases/small"), ("full", "runs/2/adapter")):
        lineage = {"method": method, "base": "bases/small", "chat_template": "{{ own }}"}
        source = source_of(version(**lineage), alone)
        assert (source.base, source.chat_template) == (base, "{{ own }}")
    assert source_of(SERVES, alone).chat_template == ""


def test_run_with_another_template_starts_anew() -> None:
    serving = version(method="lora", base="bases/small", chat_template="{{ own }}")
    for template, start in (("{{ own }}", "runs/2/adapter"), ("{{ other }}", ""), ("", "")):
        base = BaseModel("bases/small", "r1", template)
        recipe = recipe_from(Training(), base, serving)
        assert (recipe.start_adapter, recipe.chat_template) == (start, template)
        assert starts_from_serving(recipe, serving) is bool(start)
