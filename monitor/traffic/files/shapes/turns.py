"""Messages of the shapes: OpenAI's, ShareGPT's, LangChain's and OpenInference's."""

import ast
from collections.abc import Iterator, Sequence
from typing import Any

from msgspec.structs import replace

from monitor.errors import RecordError
from monitor.traffic.exchange import Message
from monitor.traffic.formats.schemas.gen_ai_messages import read_chat_message
from monitor.traffic.formats.schemas.messages import as_text, read_message, read_role
from monitor.traffic.parsing.json_text import json_kind, parse_json

#: Roles of ShareGPT's and LangChain's messages -> the usual name.
_ROLES = {
    **dict.fromkeys(("human", "humanmessage", "humanmessagechunk", "prompter"), "user"),
    **dict.fromkeys(("gpt", "chatgpt", "bing", "bard", "ai", "bot", "chatbot"), "assistant"),
    **dict.fromkeys(("aimessage", "aimessagechunk", "function_call"), "assistant"),
    **dict.fromkeys(("observation", "tool_response", "toolmessage", "functionmessage"), "tool"),
    "systemmessage": "system",
}
#: A longer text is not read as a Python literal.
MAX_LITERAL_CHARACTERS = 1_000_000


def decode_text(value: Any) -> Any:
    """Return a text that holds a list or an object of JSON, or of Python, as that; else it."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    if not text.startswith(("[", "{")):
        return value
    try:
        return parse_json(text)
    except RecordError:
        pass
    if len(text) > MAX_LITERAL_CHARACTERS:
        return value
    try:
        decoded = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return value
    return decoded if isinstance(decoded, list | dict) else value


def is_turn(value: Any) -> bool:
    """Return whether a value is a message with a role."""
    return isinstance(value, dict) and (
        isinstance(value.get("role"), str)
        or ("from" in value and "value" in value)
        or (value.get("lc") is not None and "kwargs" in value)
        or (isinstance(value.get("type"), str) and ("content" in value or "data" in value))
        or "message.role" in value
        or is_turn(value.get("message"))
    )


def are_turns(value: Any) -> bool:
    """Return whether a value is a list of messages."""
    return isinstance(value, list) and bool(value) and all(is_turn(turn) for turn in value)


def read_turns(turns: Sequence[Any]) -> tuple[Message, ...]:
    """Return the messages of a conversation.

    Raises:
        RecordError: ``wrong_type``: an entry is no message.
    """
    return tuple(read_turn(turn) for turn in turns)


def read_turn(turn: Any) -> Message:
    """Return a message of any of the forms."""
    if not is_turn(turn):
        raise RecordError("wrong_type", f"expected a message with a role, got {json_kind(turn)}")
    if is_turn(turn.get("message")):
        return read_turn(turn["message"])
    if "from" in turn and "value" in turn:
        return Message(read_sender(as_text(turn["from"])), as_text(turn["value"]))
    if turn.get("lc") is not None and isinstance(turn.get("kwargs"), dict):
        name = turn["id"][-1] if isinstance(turn.get("id"), list) and turn["id"] else ""
        return _read_chat(turn["kwargs"], turn["kwargs"].get("type") or name)
    if "message.role" in turn:
        return _read_chat(_nested(turn), turn["message.role"])
    if isinstance(turn.get("data"), dict):
        return _read_chat(turn["data"], turn.get("type"))
    return _read_chat(turn, turn.get("role") or turn.get("type"))


def iter_exchanges(turns: Sequence[Message]) -> Iterator[tuple[tuple[Message, ...], str]]:
    """Yield the conversation before each turn of the assistant, and the turn.

    A turn before the first message of the user is no response.
    """
    has_prompt = False
    for number, turn in enumerate(turns):
        if turn.role == "assistant" and has_prompt:
            yield tuple(turns[:number]), turn.content
        has_prompt = has_prompt or turn.role == "user"


def read_sender(name: str) -> str:
    """Return the usual name of a role: ``gpt`` is ``assistant``."""
    lowered = name.strip().lower()
    return _ROLES.get(lowered) or read_role(lowered)


def _read_chat(content: dict[str, Any], role: Any) -> Message:
    message = read_message(read_chat_message({**content, "role": None}))
    return replace(message, role=read_sender(as_text(role) or "assistant"))


def _nested(turn: dict[str, Any]) -> dict[str, Any]:
    """Return OpenInference's dotted keys as a message in OpenAI's form."""
    message = {key.removeprefix("message."): value for key, value in turn.items()}
    parts = message.get("contents")
    if message.get("content") is None and isinstance(parts, list):
        message["content"] = [
            {key.removeprefix("message_content."): value for key, value in part.items()}
            for part in parts
            if isinstance(part, dict)
        ]
    calls = message.get("tool_calls")
    if isinstance(calls, list):
        message["tool_calls"] = [
            {
                "function": {
                    "name": call.get("tool_call.function.name"),
                    "arguments": call.get("tool_call.function.arguments"),
                }
            }
            for call in calls
            if isinstance(call, dict)
        ]
    return message
