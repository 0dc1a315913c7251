"""Parser of the output formats that a taxonomy declares."""

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
from monitor.setting_types.pattern_check import check_pattern

#: The format, and the problems as lines of the declaration, from 0, with messages.
Parsed = tuple[OutputFormat | None, list[tuple[int, str]]]


def parse_format(kind: str, body: str) -> Parsed:
    """Parse the declaration of an output format.

    Return the format, and its problems; line -1 is the one before the body.
    """
    parse = _PARSERS.get(kind)
    if parse is None:
        known = "`json schema`, `regex`, `labels`, `code` or `text`"
        return None, [(-1, f"unknown output format: {kind!r}; begin the block with {known}")]
    return parse(body)


def _parse_regex(body: str) -> Parsed:
    try:
        return Regex(check_pattern(body.strip())), []
    except ValueError as error:
        return None, [(0, str(error))]


def _parse_code(body: str) -> Parsed:
    return (
        (None, [(0, "the block `code` has content; leave it empty")])
        if body.strip()
        else (Code(), [])
    )


def _parse_text(body: str) -> Parsed:
    return (
        (None, [(0, "the block `text` has content; leave it empty")])
        if body.strip()
        else (FreeText(), [])
    )


def _parse_labels(body: str) -> Parsed:
    problems: list[tuple[int, str]] = []
    seen: dict[str, str] = {}
    for number, line in enumerate(body.splitlines()):
        if not (label := line.strip()):
            continue
        if same_label(label) in seen:
            problems.append((number, f"duplicate label: {label!r}; remove one"))
        seen.setdefault(same_label(label), label)
    if len(seen) < 2:
        problems.append((0, "too few labels; write at least two, one per line"))
    return (None, problems) if problems else (Labels(tuple(seen.values())), [])


def _parse_schema(body: str) -> Parsed:
    from jsonschema.exceptions import SchemaError  # noqa: PLC0415 - where a schema is used
    from jsonschema.validators import Draft202012Validator, validator_for  # noqa: PLC0415

    try:
        schema = json.loads(body, parse_constant=reject_constant)
    except json.JSONDecodeError as error:
        return None, [(error.lineno - 1, f"the schema is no valid JSON: {error.msg}")]
    except (ValueError, RecursionError) as error:
        return None, [(0, f"the schema is no valid JSON: {error}")]
    if not isinstance(schema, dict | bool):
        return None, [(0, "the schema is no JSON object; write a JSON Schema")]
    try:
        validator_for(schema, default=Draft202012Validator).check_schema(schema)
    except SchemaError as error:
        return None, [(0, f"invalid JSON Schema: {error.json_path}: {error.message}")]
    problems = [
        (0, f"unresolved reference: {reference!r}; add its definition under $defs")
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
        for element in schema:
            yield from _references(element)


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
