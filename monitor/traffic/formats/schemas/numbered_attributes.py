"""Messages in numbered attributes: ``gen_ai.prompt.0.role``, ``gen_ai.prompt.0.content``.

OpenLLMetry writes this form; OpenInference writes ``llm.input_messages.0.message.content``.
"""

from typing import Any

from monitor.traffic.formats.schemas.gen_ai_messages import read_chat_message
from monitor.traffic.formats.schemas.messages import ChatMessage

#: Digits of a number in an attribute's name.
MAX_DIGITS = 6


def read_flattened(attributes: dict[str, Any], prefix: str) -> list[dict[str, Any]]:
    """Return the messages under a prefix, in the order of their numbers, as objects.

    >>> read_flattened({"p.1.content": "b", "p.0.content": "a", "p.0.tool.0.name": "t"}, "p")
    [{'content': 'a', 'tool': [{'name': 't'}]}, {'content': 'b'}]
    """
    tree: dict[str, Any] = {}
    for name, value in attributes.items():
        if name.startswith(f"{prefix}."):
            _plant(tree, name[len(prefix) + 1 :].split("."), value)
    messages = _lists(tree)
    return (
        [message for message in messages if isinstance(message, dict)]
        if isinstance(messages, list)
        else []
    )


def flattened_message(entry: dict[str, Any]) -> ChatMessage:
    """Return a message of OpenLLMetry or OpenInference in OpenAI's form."""
    message = entry.get("message", entry)
    message = message if isinstance(message, dict) else {}
    content = message.get("content")
    if content is None and isinstance(message.get("contents"), list):
        content = [_unwrap(part, "message_content") for part in message["contents"]]
    calls = message.get("tool_calls")
    if isinstance(calls, list):
        calls = [_as_call(_unwrap(call, "tool_call")) for call in calls]
    return read_chat_message({**message, "content": content, "tool_calls": calls})


def _plant(tree: dict[str, Any], path: list[str], value: Any) -> None:
    for part in path[:-1]:
        below = tree.setdefault(part, {})
        if not isinstance(below, dict):
            return  # the attribute is both a value and a prefix of others
        tree = below
    tree.setdefault(path[-1], value)


def _lists(tree: Any) -> Any:
    """Turn objects whose keys are all numbers into lists."""
    if not isinstance(tree, dict):
        return tree
    if tree and all(key.isdecimal() and len(key) <= MAX_DIGITS for key in tree):
        return [_lists(tree[key]) for key in sorted(tree, key=int)]
    return {key: _lists(value) for key, value in tree.items()}


def _unwrap(part: Any, name: str) -> Any:
    return part.get(name, part) if isinstance(part, dict) else part


def _as_call(call: Any) -> Any:
    if isinstance(call, dict) and "function" not in call:
        return {"function": {"name": call.get("name"), "arguments": call.get("arguments")}}
    return call
