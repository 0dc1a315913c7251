"""The JSON Schema of an assessment, from its structs and the comments at their fields."""

import inspect
import json
import re
from typing import Any

import msgspec

from monitor.store.windows import assessment

DIALECT = "https://json-schema.org/draft/2020-12/schema"
FIELD = re.compile(r"    (\w+): ")


def assessment_schema() -> str:
    """Return the schema as it is published."""
    schema = msgspec.json.schema(assessment.Assessment)
    for name, definition in schema["$defs"].items():
        _describe(getattr(assessment, name), definition)
    whole = schema["$defs"].pop("Assessment")
    published = {"$schema": DIALECT, **whole, "title": "driftwarden assessment"}
    published["$defs"] = dict(sorted(schema["$defs"].items()))
    return json.dumps(published, indent=2, ensure_ascii=False) + "\n"


def _describe(struct: type[msgspec.Struct], definition: dict[str, Any]) -> None:
    definition["description"] = _plain(inspect.cleandoc(struct.__doc__ or ""))
    for field, comment in _comments(struct).items():
        definition["properties"][field]["description"] = comment


def _comments(struct: type[msgspec.Struct]) -> dict[str, str]:
    """Return what is said of each field in the ``#:`` lines above it."""
    comments: dict[str, str] = {}
    above: list[str] = []
    for line in inspect.getsource(struct).splitlines():
        if line.startswith("    #: "):
            above.append(line.removeprefix("    #: "))
            continue
        field = FIELD.match(line)
        if field and above:
            comments[field[1]] = _plain(" ".join(above))
        above = []
    return comments


def _plain(text: str) -> str:
    """Return a comment as a reader of JSON expects it."""
    return text.replace("``None``", "null").replace("``", "`").replace("*", "")
