"""Chat messages in OpenAI's form: content, refusal and tool calls as one text."""

import json
from typing import Any

import msgspec

from monitor.errors import RecordError
from monitor.traffic.exchange import Message
from monitor.traffic.parsing.json_text import json_kind

#: Other names of roles in newer, older and other APIs.
ROLES = {"developer": "system", "function": "tool", "model": "assistant", "human": "user"}


class Function(msgspec.Struct):
    """The function that a tool call names."""

    name: str | None = None
    #: JSON text; in some logs the parsed object.
    arguments: Any = None


class CustomTool(msgspec.Struct):
    """A tool with free-text input."""

    name: str | None = None
    input: str | None = None


class ToolCall(msgspec.Struct):
    """A tool call."""

    #: Index of the call that a part of a stream belongs to.
    index: Any = None
    function: Function | None = None
    custom: CustomTool | None = None

    def __str__(self) -> str:
        """Return ``name(arguments)``; empty without a name."""
        if self.function:
            return f"{self.function.name or ''}({as_text(self.function.arguments)})"
        return f"{self.custom.name or ''}({self.custom.input or ''})" if self.custom else ""


class Audio(msgspec.Struct):
    """A spoken response."""

    transcript: str | None = None


class ChatMessage(msgspec.Struct):
    """A message of a request or response."""

    role: str | None = None
    content: str | list[Any] | None = None
    refusal: str | None = None
    tool_calls: list[ToolCall] | None = None
    #: The older form of a single tool call.
    function_call: Function | None = None
    audio: Audio | None = None

    @property
    def text(self) -> str:
        """The content, else the refusal, and any tool calls."""
        calls = [*(self.tool_calls or [])]
        if self.function_call:
            calls.append(ToolCall(function=self.function_call))
        text = read_content(self.content) or self.refusal or ""
        if not text and self.audio:
            text = self.audio.transcript or ""
        lines = [text, *(str(call) for call in calls)]
        return "\n".join(line for line in lines if line)

    @property
    def refuses(self) -> bool:
        """Whether the message is marked as a refusal."""
        parts = self.content if isinstance(self.content, list) else []
        return bool(self.refusal) or any(
            isinstance(part, dict) and bool(part.get("refusal")) for part in parts
        )


def read_message(message: ChatMessage) -> Message:
    """Return a turn of the conversation."""
    role = read_role(message.role or "assistant")
    return msgspec.structs.replace(content_message(role, message.content), content=message.text)


def content_message(role: str, content: Any) -> Message:
    """Return a turn with the text of a content, and the number of parts that are none.

    Raises:
        RecordError: ``wrong_type``.
    """
    parts = content if isinstance(content, list) else []
    return Message(role, read_content(content), sum(_part_text(part) is None for part in parts))


def read_role(role: str) -> str:
    """Return a role under its usual name."""
    return ROLES.get(role, role)


def read_content(content: Any) -> str:
    """Return the text of a message's content: a string, or a list of parts.

    Parts that aren't text are left out; a content of nothing else is ``[image_url]``,
    ``[input_audio]`` and the like, since it isn't empty.

    Raises:
        RecordError: ``wrong_type``.
    """
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise RecordError(
            "wrong_type", f"a message's content is text or parts, not {json_kind(content)}"
        )
    texts = [_part_text(part) for part in content]
    return "\n".join(text for text in texts if text is not None) or "\n".join(
        _mark(part) for part, text in zip(content, texts, strict=True) if text is None
    )


def as_text(value: Any) -> str:
    """Return a text unchanged, null as empty, anything else as JSON."""
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _part_text(part: Any) -> str | None:
    """Return the text of a part; ``None`` of a part that is none."""
    if isinstance(part, str):
        return part
    if not isinstance(part, dict):
        raise RecordError("wrong_type", f"a part of a content is {json_kind(part)}")
    for key in ("text", "refusal"):
        if isinstance(part.get(key), str):
            return str(part[key])
    return None


def _mark(part: dict[str, Any]) -> str:
    kind = part.get("type", "text")
    return f"[{kind if isinstance(kind, str) else 'part'}]"
