"""An output format as a taxonomy declares it, and what is wrong with the declaration."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from monitor.review.guidelines.output_formats import (
    Code,
    FreeText,
    JsonSchema,
    Labels,
    OutputFormat,
    Regex,
    reject_constant,
    same_label,
)
from monitor.settings.pattern_check import check_pattern

#: The format, and what is wrong: lines of the declaration, from 0, and messages.
Parsed = tuple[OutputFormat | None, list[tuple[int, str]]]


def parse_format(kind: str, body: str) -> Parsed:
    """Read what a taxonomy declares.

    Returns:
        The format, and what is wrong; -1 is the line before the body.
    """
    parse = _PARSERS.get(kind)
    if parse is None:
        known = "`json schema`, `regex`, `labels`, `code` or `text`"
        return None, [(-1, f"{kind!r} is no output format; begin the block with {known}")]
    return parse(body)


def _parse_regex(body: str) -> Parsed:
    try:
        return Regex(check_pattern(body.strip())), []
    except ValueError as error:
        return None, [(0, str(error))]


def _parse_code(body: str) -> Parsed:
    return (None, [(0, "leave the block `code` empty")]) if body.strip() else (Code(), [])


def _parse_text(body: str) -> Parsed:
    return (None, [(0, "leave the block `text` empty")]) if body.strip() else (FreeText(), [])


def _parse_labels(body: str) -> Parsed:
    problems: list[tuple[int, str]] = []
    seen: dict[str, str] = {}
    for number, line in enumerate(body.splitlines()):
        if not (label := line.strip()):
            continue
        if same_label(label) in seen:
            problems.append((number, f"the label {label!r} is there twice"))
        seen.setdefault(same_label(label), label)
    if len(seen) < 2:
        problems.append((0, "write at least two labels, one a line"))
    return (None, problems) if problems else (Labels(tuple(seen.values())), [])


def _parse_schema(body: str) -> Parsed:
    from jsonschema.exceptions import SchemaError  # noqa: PLC0415 - where a schema is used
    from jsonschema.validators import Draft202012Validator, validator_for  # noqa: PLC0415

    try:
        schema = json.loads(body, parse_constant=reject_constant)
    except json.JSONDecodeError as error:
        return None, [(error.lineno - 1, f"the schema isn't JSON: {error.msg}")]
    except (ValueError, RecursionError) as error:
        return None, [(0, f"the schema isn't JSON: {error}")]
    if not isinstance(schema, dict | bool):
        return None, [(0, "a JSON Schema is an object")]
    try:
        validator_for(schema, default=Draft202012Validator).check_schema(schema)
    except SchemaError as error:
        return None, [(0, f"not a JSON Schema: {error.json_path}: {error.message}")]
    problems = [
        (0, f"the schema refers to {reference!r}, which isn't in it; write it out under $defs")
        for reference in _references(schema)
        if not _resolves(schema, reference)
    ]
    return (None, problems) if problems else (JsonSchema(schema), [])


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key in {"$ref", "$dynamicRef"} and isinstance(value, str):
                yield value
            else:
                yield from _references(value)
    elif isinstance(schema, list):
        for one in schema:
            yield from _references(one)


def _resolves(schema: Any, reference: str) -> bool:
    from referencing import Registry  # noqa: PLC0415 - where a schema is used
    from referencing.exceptions import Unresolvable  # noqa: PLC0415
    from referencing.jsonschema import DRAFT202012  # noqa: PLC0415

    resource = DRAFT202012.create_resource(schema)
    registry: Registry[Any] = Registry().with_resource("urn:schema", resource)
    try:
        registry.resolver("urn:schema").lookup(reference)
    except Unresolvable:
        return False
    return True


_PARSERS: dict[str, Callable[[str], Parsed]] = {
    "json schema": _parse_schema,
    "regex": _parse_regex,
    "labels": _parse_labels,
    "code": _parse_code,
    "text": _parse_text,
}
