"""Single checks before training."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from monitor.errors import TrainingError
from retrain.planning.checks.example_sizes import ExampleSize, ExampleSizes, check_examples
from retrain.planning.checks.finding import Finding, raise_refusals
from retrain.planning.checks.memory_fit import check_memory
from retrain.planning.checks.serving import check_serving
from retrain.planning.memory.device import GIB, Device
from retrain.planning.memory.estimate import Batch, MemoryEstimate
from retrain.recipes.recipe import Recipe, Serving


def sizes(*lengths: int) -> ExampleSizes:
    return ExampleSizes(tuple(ExampleSize(length, 5, length - 6) for length in lengths))


def test_no_example_is_cut() -> None:
    matches = check_examples(sizes(10, 64, 30), 64)
    assert matches.outcome == "ok"
    assert matches.text == (
        "3 examples with 104 tokens, 15 of them in responses; the longest has 64 of at "
        "most 64 tokens"
    )


def test_those_that_are_too_long_are_named_with_their_lines() -> None:
    matches = check_examples(sizes(10, 65, 30, 90), 64)
    assert matches.outcome == "refused"
    assert matches.text == (
        "2 of 4 examples are longer than max_length = 64 tokens: line 2 (65), line 4 (90); raise "
        "max_length in the recipe to 90, or shorten them"
    )


def test_ten_are_named_and_the_rest_counted() -> None:
    text = check_examples(sizes(*[65] * 13), 64).text
    assert text.count("line ") == 10
    assert "and 3 more; " in text


def test_the_model_s_own_limit_counts_too() -> None:
    matches = check_examples(sizes(10, 100), 128, max_positions=64)
    assert matches.outcome == "refused"
    assert "the model's limit of 64 tokens: line 2 (100); shorten them: the model reads" in (
        matches.text
    )


def test_an_example_without_a_response_teaches_nothing() -> None:
    silent = ExampleSizes((ExampleSize(10, 5, 4), ExampleSize(12, 0, 12)))
    matches = check_examples(silent, 64)
    assert (matches.outcome, matches.text[:47]) == (
        "refused",
        "1 of 2 examples have no response token: line 2;",
    )
    assert check_examples(ExampleSizes(()), 64).text == "train.jsonl holds no examples"


def test_the_heaviest_batch_is_that_of_the_longest() -> None:
    matches = ExampleSizes(
        (
            ExampleSize(10, 2, 8),
            ExampleSize(40, 30, 10),
            ExampleSize(50, 5, 44),
            ExampleSize(9, 1, 8),
        )
    )
    assert matches.heaviest_batch(2) == Batch(examples=2, length=50, response_columns=40)
    assert matches.heaviest_batch(9).examples == 4


@pytest.mark.parametrize(
    ("values", "outcome", "message"),
    [
        ({}, "ok", "an adapter of rank 16 can be loaded"),
        ({"rank": 32}, "refused", "rank 32 is above serving.max_lora_rank = 16; start vLLM with "),
        ({"rank": 32, "serving": Serving(max_lora_rank=64)}, "ok", "rank 32 can be loaded"),
        ({"dora": True}, "refused", "vLLM can't load DoRA"),
        ({"dora": True, "serving": Serving(dora=True)}, "ok", "can be loaded"),
        ({"modules_to_save": ("lm_head",)}, "refused", "vLLM can't load modules_to_save (lm_head)"),
        (
            {"modules_to_save": ("lm_head",), "serving": Serving(modules_to_save=True)},
            "ok",
            "can be loaded",
        ),
        ({"method": "qlora"}, "note", "trained on a 4-bit base but served on the full-precision"),
        ({"method": "qlora", "serving": Serving(quantised=True)}, "ok", "can be loaded"),
        ({"method": "full", "rank": 200}, "note", "the result is a whole model"),
    ],
    ids=str,
)
def test_only_what_can_be_served_is_trained(
    values: dict[str, Any], outcome: str, message: str
) -> None:
    matches = check_serving(Recipe(base="b", **values))
    assert (matches.outcome, message in matches.text) == (outcome, True), matches


def test_everything_that_stands_against_it_is_said_at_once() -> None:
    matches = check_serving(Recipe(base="b", rank=64, dora=True, modules_to_save=("lm_head",)))
    assert len(matches.text.splitlines()) == 3


def test_an_adapter_that_is_gone_on_from_keeps_its_form(tmp_path: Path) -> None:
    recipe = Recipe(base="b", rank=8, start_adapter=str(tmp_path))
    assert "adapter_config.json is missing" in check_serving(recipe).text
    config = {"r": 8, "rank_pattern": {"q_proj": 32}, "use_dora": True, "modules_to_save": None}
    (tmp_path / "adapter_config.json").write_text(json.dumps(config), encoding="utf-8")
    matches = check_serving(recipe)
    assert re.match(rf"rank 32 \(of {tmp_path}\) is above", matches.text)
    assert "DoRA" in matches.text


def estimate(gib: float) -> MemoryEstimate:
    return MemoryEstimate(gib * GIB, 0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("needed", "available", "outcome", "message"),
    [
        (8, 20, "ok", "about 8.0 GiB; a card has 24.0 GiB"),
        (8, 6, "note", "but only 6.0 GiB are free"),
        (22, 24, "note", "with little margin"),
        (25, 24, "refused", "about 25.0 GiB are needed (weights 25.0, "),
    ],
)
def test_the_device_must_hold_it(
    needed: float, available: float, outcome: str, message: str
) -> None:
    device = Device("cuda", "a card", 24 * GIB, int(available * GIB))
    matches = check_memory(estimate(needed), device)
    assert (matches.outcome, message in matches.text) == (outcome, True), matches


def test_where_the_device_is_elsewhere_the_child_compares() -> None:
    matches = check_memory(estimate(25), None)
    assert (matches.outcome, matches.text) == (
        "note", "about 25.0 GiB; the child compares the estimate with its device",
    )  # fmt: skip


def test_every_refusal_is_told() -> None:
    findings = [Finding("a", "refused", "one"), Finding("b", "note", "two"),
                Finding("c", "refused", "three")]  # fmt: skip
    with pytest.raises(TrainingError, match=r"^one\nthree$"):
        raise_refusals(findings)
    raise_refusals(findings[1:2])
