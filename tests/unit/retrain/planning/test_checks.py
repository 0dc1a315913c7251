"""Single checks before training."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from monitor.errors import TrainingError
from retrain.planning.checks.example_sizes import (
    ExampleSize,
    ExampleSizes,
    check_examples,
    measure_examples,
)
from retrain.planning.checks.finding import PlanFinding, raise_refusals
from retrain.planning.checks.memory_fit import check_memory
from retrain.planning.checks.serving import check_serving
from retrain.planning.memory.device import GIB, Device
from retrain.planning.memory.estimate import Batch, MemoryEstimate
from retrain.recipes.recipe import Recipe, Serving
from tests.support.refusals import refusal


def sizes(*lengths: int) -> ExampleSizes:
    return ExampleSizes(tuple(ExampleSize(length, 5, length - 6) for length in lengths))


def test_no_example_is_cut() -> None:
    finding = check_examples(sizes(10, 64, 30), 64)
    assert finding.outcome == "ok"
    assert re.findall(r"\d+", finding.text) == ["3", "104", "15", "64", "64"]


def test_too_long_examples_are_named_with_their_lines() -> None:
    finding = check_examples(sizes(10, 65, 30, 90), 64)
    assert finding.outcome == "refused"
    for figure in (
        "2 of 4 ", "max_length = 64 ", ": line 2 (65), line 4 (90);", " 90,",
    ):  # fmt: skip
        assert figure in finding.text


def test_examples_are_named_as_in_the_data_card() -> None:
    class Tokenizer:
        chat_template = "{% generation %}{% endgeneration %}"

        def apply_chat_template(self, batch: Any, **_: Any) -> Any:
            lengths = [len(turns[0]["content"]) for turns in batch]
            return {
                "input_ids": [[1] * n for n in lengths],
                "assistant_masks": [[0] * (n - 1) + [n > 1] for n in lengths],
            }

    metadata = [{"source": "gold", "item_id": 7}, {"source": "file", "id": "a-3"}, {}]
    for length, expected in ((9, ["9, item 7", "9, a-3", "9"]), (1, ["item 7", "a-3"])):
        rows = [{"messages": [{"content": "x" * length}], "metadata": own} for own in metadata]
        finding = check_examples(measure_examples(Tokenizer(), rows), 4)
        assert finding.outcome == "refused"
        assert re.findall(r"line \d \(([^)]+)\)", finding.text) == expected


def test_ten_are_named_and_the_rest_counted() -> None:
    text = check_examples(sizes(*[65] * 13), 64).text
    assert text.count("line ") == 10
    assert "and 3 more; " in text


def test_the_model_s_own_limit_counts_too() -> None:
    finding = check_examples(sizes(10, 100), 128, max_positions=64)
    assert finding.outcome == "refused"
    assert " 64 tokens: line 2 (100);" in finding.text
    assert "max_length" not in finding.text  # raising it would not help


def test_an_example_without_a_response_teaches_nothing() -> None:
    silent = ExampleSizes((ExampleSize(10, 5, 4), ExampleSize(12, 0, 12)))
    finding = check_examples(silent, 64)
    assert (finding.outcome, finding.text[:7]) == ("refused", "1 of 2 ")
    assert ": line 2;" in finding.text
    assert check_examples(ExampleSizes(()), 64).outcome == "refused"


def test_the_heaviest_batch_is_that_of_the_longest() -> None:
    examples = ExampleSizes(
        (
            ExampleSize(10, 2, 8),
            ExampleSize(40, 30, 10),
            ExampleSize(50, 5, 44),
            ExampleSize(9, 1, 8),
        )
    )
    assert examples.heaviest_batch(2) == Batch(examples=2, length=50, response_columns=40)
    assert examples.heaviest_batch(9).examples == 4


@pytest.mark.parametrize(
    ("values", "outcome", "message"),
    [
        ({}, "ok", "rank 16 "),
        ({"rank": 32}, "refused", "serving.max_lora_rank = 16;"),
        ({"rank": 32, "serving": Serving(max_lora_rank=64)}, "ok", "rank 32 "),
        ({"dora": True}, "refused", "DoRA"),
        ({"dora": True, "serving": Serving(dora=True)}, "ok", ""),
        ({"modules_to_save": ("lm_head",)}, "refused", "modules_to_save (lm_head)"),
        (
            {"modules_to_save": ("lm_head",), "serving": Serving(modules_to_save=True)},
            "ok",
            "",
        ),
        ({"method": "qlora"}, "note", "4-bit"),
        ({"method": "qlora", "serving": Serving(quantised=True)}, "ok", ""),
        ({"method": "full", "rank": 200}, "note", ""),
    ],
    ids=str,
)
def test_adapters_that_cannot_be_served_are_refused(
    values: dict[str, Any], outcome: str, message: str
) -> None:
    finding = check_serving(Recipe(base="b", **values))
    assert (finding.outcome, message in finding.text) == (outcome, True), finding


def test_every_reason_is_a_line_of_one_refusal() -> None:
    finding = check_serving(Recipe(base="b", rank=64, dora=True, modules_to_save=("lm_head",)))
    assert len(finding.text.splitlines()) == 3


def test_an_adapter_that_is_gone_on_from_keeps_its_form(tmp_path: Path) -> None:
    recipe = Recipe(base="b", rank=8, start_adapter=str(tmp_path))
    assert "adapter_config.json" in check_serving(recipe).text
    config = {"r": 8, "rank_pattern": {"q_proj": 32}, "use_dora": True, "modules_to_save": None}
    (tmp_path / "adapter_config.json").write_text(json.dumps(config), encoding="utf-8")
    finding = check_serving(recipe)
    assert finding.outcome == "refused"
    assert f"rank 32 (of {tmp_path})" in finding.text
    assert "DoRA" in finding.text


def estimate(gib: float) -> MemoryEstimate:
    return MemoryEstimate(gib * GIB, 0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("needed", "available", "outcome", "message"),
    [
        (8, 20, "ok", r"\b8\.0 GiB; a card .*\b24\.0 GiB"),
        (8, 6, "note", r"\b6\.0 GiB"),
        (22, 24, "note", r"\b22\.0 GiB"),
        (25, 24, "refused", r"\b25\.0 GiB .*\(weights 25\.0, "),
    ],
)
def test_the_device_must_hold_it(
    needed: float, available: float, outcome: str, message: str
) -> None:
    device = Device("cuda", "a card", 24 * GIB, int(available * GIB))
    finding = check_memory(estimate(needed), device)
    assert finding.outcome == outcome
    assert re.search(message, finding.text)


def test_memory_of_a_remote_device_is_a_note() -> None:
    finding = check_memory(estimate(25), None)
    assert (finding.outcome, "25.0 GiB" in finding.text) == ("note", True)


def test_every_refusal_is_raised() -> None:
    findings = [PlanFinding("a", "refused", "one"), PlanFinding("b", "note", "two"),
                PlanFinding("c", "refused", "three")]  # fmt: skip
    with refusal("checks", TrainingError, match=r"^one\nthree$"):
        raise_refusals(findings)
    raise_refusals(findings[1:2])
