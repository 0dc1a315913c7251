"""Parser of benchmark files: an item per JSON line."""

import re
from typing import Any

import msgspec

from monitor.errors import InputError
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.json_lines import parse_lines


def parse_items(content: bytes, origin: str) -> list[BenchmarkItem]:
    """Parse a benchmark.

    Args:
        content: JSON lines.
        origin: Where they come from, for messages.

    Raises:
        InputError: There are no items, a line is malformed, or an id comes twice.
    """
    items = parse_lines(content, origin, _item)
    if not items:
        raise InputError(f"{origin}: holds no items")
    if len({item.id for item in items}) < len(items):
        raise InputError(f"{origin}: an id comes twice; ids pair the responses of two versions")
    return items


def _item(line: bytes) -> BenchmarkItem:
    item = msgspec.json.decode(line, type=BenchmarkItem)
    if not item.messages or item.messages[-1].get("role") != "user":
        raise InputError("the messages don't end with the user's turn")
    if any("role" not in message or "content" not in message for message in item.messages):
        raise InputError('a message without "role" or "content"')
    asks = (item.context, item.harmful, item.json_schema is not None, item.pattern)
    if item.expected is None and not any(asks):
        raise InputError(
            'nothing can be measured on it: give it "expected", "context", "harmful", '
            '"json_schema" or "pattern"'
        )
    if item.pattern:
        try:
            re.compile(item.pattern)
        except re.error as error:
            raise InputError(f"pattern: not a regular expression: {error}") from None
    if item.json_schema is not None:
        _check_schema(item.json_schema)
    return item


def _check_schema(schema: dict[str, Any]) -> None:
    from jsonschema.exceptions import SchemaError  # noqa: PLC0415 - slow to import
    from jsonschema.validators import validator_for  # noqa: PLC0415

    try:
        validator_for(schema).check_schema(schema)
    except SchemaError as error:
        raise InputError(f"json_schema: {error.message}") from None
