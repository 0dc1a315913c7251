"""Objects of each shape with a value of a wrong type: an error with a reason, or exchanges."""

import json
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from monitor.errors import InputError
from monitor.traffic.decoder import REASONS
from monitor.traffic.files.shapes.training_rows import convert_training_row
from tests.support.traffic.hostile_records import WRONG_VALUES, check_exchange, paths, replaced
from tests.support.traffic.objects import read_objects

FIXTURES = Path(__file__).parents[4] / "fixtures" / "shapes"
NAMES = sorted(path.name for path in FIXTURES.glob("*.jsonl"))


def objects_of(name: str) -> list[dict[str, Any]]:
    """Return the objects of a fixture."""
    return [json.loads(line) for line in (FIXTURES / name).read_text().splitlines()]


def code_of(call: Callable[[], object]) -> str:
    """Return the code of the refusal of a call; ``none`` where there is none."""
    try:
        call()
    except InputError as error:
        return error.code
    return "none"


def read(objects: list[Any]) -> None:
    """Read objects; reasons are documented, and exchanges fit the databases."""
    content = read_objects(objects)
    assert {bad.reason for bad in content.bad_lines} <= set(REASONS)
    for exchange in content.exchanges:
        check_exchange(exchange)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_wrong_values_give_reasons_or_exchanges(name: str) -> None:
    objects = objects_of(name)
    mutants = [
        replaced(content, path, value)
        for content in objects
        for path in paths(content)
        for value in WRONG_VALUES
    ]
    for mutant in random.Random(20).sample(mutants, min(len(mutants), 200)):
        assert code_of(partial(read, [*objects, mutant]))
        assert code_of(partial(read, [mutant]))
        assert code_of(partial(convert_training_row, mutant))
