"""Messages of OpenTelemetry's GenAI conventions: roles, and parts of several types."""

from typing import Any

import msgspec

from monitor.errors import RecordError
from monitor.traffic.exchange import Message
from monitor.traffic.formats.schemas.messages import ChatMessage, as_text, read_role
from monitor.traffic.parsing.json_text import json_kind, parse_json
from monitor.traffic.parsing.raw_exchange import convert


class GenAiMessage(msgspec.Struct):
    """A message; without ``parts`` it may have OpenAI's fields."""

    role: str | None = None
    parts: list[Any] | None = None
    content: Any = None
    tool_calls: Any = None
    finish_reason: Any = None


class Output(msgspec.Struct, frozen=True):
    """A response."""

    text: str
    finish_reason: Any = None
    refuses: bool = False


def read_inputs(value: Any) -> tuple[Message, ...]:
    """Return the conversation of ``gen_ai.input.messages``, structured or as JSON text.

    Raises:
        RecordError: It is neither.
    """
    return tuple(
        Message(
            read_role(message.role or "user"),
            _text(message),
            sum(_part_text(part) is None for part in message.parts or ()),
        )
        for message in _messages(value)
    )


def read_outputs(value: Any) -> list[Output]:
    """Return the responses of ``gen_ai.output.messages``, structured or as JSON text."""
    return [
        Output(_text(message), message.finish_reason, _refuses(message))
        for message in _messages(value)
    ]


def read_instructions(value: Any) -> tuple[Message, ...]:
    """Return ``gen_ai.system_instructions`` as a system message, if any."""
    text = _parts_text(_structured(value, list[Any])) if value else ""
    return (Message("system", text),) if text else ()


def read_chat_message(content: dict[str, Any]) -> ChatMessage:
    """Return a message in OpenAI's form; its structures may be JSON texts."""
    text, calls = content.get("content"), content.get("tool_calls")
    return convert(
        {
            "role": content.get("role"),
            "content": as_text(text) if isinstance(text, dict) else text,
            "refusal": content.get("refusal"),
            "tool_calls": parse_json(calls) if isinstance(calls, str) else calls,
        },
        ChatMessage,
    )


def _messages(value: Any) -> list[GenAiMessage]:
    messages: list[GenAiMessage] = _structured(value, list[GenAiMessage])
    return messages


def _structured(value: Any, shape: Any) -> Any:
    if isinstance(value, str):
        value = parse_json(value) if value.lstrip().startswith(("[", "{")) else [{"content": value}]
    return convert([value] if isinstance(value, dict) else value, shape)


def _text(message: GenAiMessage) -> str:
    if message.parts is not None:
        return _parts_text(message.parts)
    return read_chat_message({"content": message.content, "tool_calls": message.tool_calls}).text


def _refuses(message: GenAiMessage) -> bool:
    return message.finish_reason == "refusal" or any(
        isinstance(part, dict) and part.get("type") == "refusal" for part in message.parts or ()
    )


def _parts_text(parts: list[Any]) -> str:
    lines = [_part_text(part) for part in parts]
    return "\n".join(line for line in lines if line) or "\n".join(
        _mark(part) for part, line in zip(parts, lines, strict=True) if line is None
    )


def _mark(part: dict[str, Any]) -> str:
    kind = part.get("modality") or part.get("type")
    return f"[{kind if isinstance(kind, str) else 'part'}]"


def _part_text(part: Any) -> str | None:
    """Return the text of a part: empty for reasoning, ``None`` for media."""
    if isinstance(part, str):
        return part
    if not isinstance(part, dict):
        raise RecordError("wrong_type", f"a part of a message is {json_kind(part)}")
    kind, content = part.get("type", "text"), part.get("content")
    match kind:
        case "reasoning":
            return ""
        case "tool_call" | "server_tool_call":
            arguments = part.get("arguments", part.get("server_tool_call"))
            return f"{as_text(part.get('name'))}({as_text(arguments)})"
        case "tool_call_response" | "server_tool_call_response":
            names = ("response", "result", "server_tool_call_response", "content")
            return as_text(next((part[name] for name in names if name in part), None))
        case "blob" | "file" | "uri":
            return None
        case _:
            text = content if isinstance(content, str) else part.get("text")
            return text if isinstance(text, str) else None
