"""Definitions of tools of a request, in one attribute: names, parameters, and a short digest."""

import json
from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

from monitor.errors import RecordError
from monitor.traffic.parsing.json_text import parse_json

#: The attribute of an exchange.
TOOLS = "tools"
SEPARATOR = "; "
#: Tools that are named, and parameters of each.
MAX_TOOLS, MAX_PARAMETERS = 50, 10
MAX_NAME = 64


def describe_tools(definitions: Any) -> str | None:
    """Return the definitions of a request in any API's form as a text; ``None`` without any.

    A digest differs where a description or the type of a parameter does.

    Example:
        >>> describe_tools([{"function": {"name": "search"}}, {"name": "pay"}])
        'pay() 76a2; search() 07f0'
    """
    if isinstance(definitions, str):
        try:
            definitions = parse_json(definitions)
        except RecordError:
            return None
    if not isinstance(definitions, list):
        return None
    described = sorted({_describe(tool) for tool in definitions[:MAX_TOOLS] if tool})
    return SEPARATOR.join(described) or None


def split_tools(value: Any) -> Iterable[str]:
    """Return the tools of the attribute."""
    return value.split(SEPARATOR) if isinstance(value, str) and value else ()


def _describe(tool: Any) -> str:
    try:
        content = json.dumps(tool, sort_keys=True, default=str)
    except (RecursionError, ValueError):
        content = ""
    digest = blake2b(content.encode(), digest_size=2).hexdigest()
    own = tool if isinstance(tool, dict) else {}
    function = own.get("function")
    function = function if isinstance(function, dict) else own
    name = function.get("name") or own.get("type") or "tool"
    schema = function.get("parameters") or function.get("input_schema")
    properties = schema.get("properties") if isinstance(schema, dict) else None
    parameters = (
        sorted(map(str, properties))[:MAX_PARAMETERS] if isinstance(properties, dict) else []
    )
    named = ", ".join(parameter[:MAX_NAME] for parameter in parameters)
    return f"{str(name)[:MAX_NAME]}({named}) {digest}".replace(SEPARATOR, " ")
