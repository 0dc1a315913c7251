"""Rows of fine-tuning files, in the forms that training reads."""

import json
from pathlib import Path
from typing import Any

import pytest

from monitor.errors import InputError
from monitor.review.export.file_examples import render_row
from monitor.review.export.training_examples import without_task_types
from monitor.traffic.files.shapes.training_rows import convert_training_row
from retrain.data import read_examples

FIXTURES = Path(__file__).parents[4] / "fixtures" / "shapes"
TAXONOMY = without_task_types("Be kind.")


def read(name: str) -> list[tuple[str, str]]:
    """Return the rendered examples of a fixture: roles and response."""
    rows = read_examples(
        FIXTURES / name, lambda row: render_row(convert_training_row(row), TAXONOMY)
    )
    return [
        ("".join(turn["role"][0] for turn in row["messages"]), row["messages"][-1]["content"])
        for row in rows
    ]


@pytest.mark.parametrize(
    ("name", "examples"),
    [
        ("alpaca.jsonl", [("sua", "Bonjour"), ("sua", "7"), ("suaua", "11")]),
        ("completions.jsonl", [("sua", "4"), ("sua", "Hi.")]),
        (
            "preferences.jsonl",
            [("sua", "Hi!"), ("sua", "Bye!"), ("sua", "You're welcome.")],
        ),
    ],
)
def test_rows_get_the_template_of_production(name: str, examples: list[tuple[str, str]]) -> None:
    assert examples == read(name)


def test_conversation_is_one_example() -> None:
    line = json.loads((FIXTURES / "sharegpt.jsonl").read_text().splitlines()[0])

    row = convert_training_row(line)

    assert [turn["role"] for turn in row["messages"]] == [
        "system",
        "user",
        "assistant",
        "user",
        "assistant",
    ]


@pytest.mark.parametrize(
    "row",
    [
        {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]},
        {"input": "q", "output": "a", "reasoning": "r"},
        [1],
    ],
)
def test_rows_of_the_own_forms_are_unchanged(row: Any) -> None:
    assert convert_training_row(row) is row


@pytest.mark.parametrize(
    "row",
    [
        {"conversations": [{"from": "human", "value": "q"}]},
        {"instruction": "q", "output": None},
        {"chosen": "a", "rejected": "b"},
    ],
)
def test_row_without_prompt_or_response_is_refused(row: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        convert_training_row(row)
