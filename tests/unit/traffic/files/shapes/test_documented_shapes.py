"""The examples of docs/reference/file-shapes.md."""

import json
import re
from pathlib import Path

import pytest

from monitor.traffic.files.shapes import detect_shape
from monitor.traffic.files.shapes.column_names import PROMPTS, RESPONSES, TIMES, USERS
from monitor.traffic.files.shapes.detection import KNOWN
from tests.support.traffic.objects import read_objects

PAGE = (Path(__file__).parents[5] / "docs/reference/file-shapes.md").read_text(encoding="utf-8")
SECTIONS = [section.partition("\n") for section in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]]
EXAMPLES = {
    name: json.loads(example)
    for name, _, text in SECTIONS
    for example in re.findall(r"^```json\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_documented_example_has_its_shape_and_is_read(name: str) -> None:
    shape = detect_shape([EXAMPLES[name]])
    content = read_objects([EXAMPLES[name]])

    expected = {"OpenAI chat": "exchanges", "OpenAI batch": "input of an OpenAI batch"}
    assert expected.get(name, name) == shape.name
    assert content.bad_lines == []
    assert all(exchange.prompt for exchange in content.exchanges)
    assert (name == "OpenAI batch") is not bool(content.exchanges[0].response)


def test_each_shape_has_an_example() -> None:
    documented = {*EXAMPLES, "input of an OpenAI batch", "output of an OpenAI batch"}

    assert {shape.name for shape in KNOWN} <= documented


def test_documented_names_of_columns_are_known() -> None:
    known = {*USERS, *TIMES, *(name for tier in (*PROMPTS, *RESPONSES) for name in tier)}
    rows = re.findall(r"^\| (?:prompt|response|user|timestamp) \| (.*) \|$", PAGE, re.MULTILINE)

    assert len(rows) == 4
    assert set(re.findall(r"`(\w+)`", " ".join(rows))) <= known
