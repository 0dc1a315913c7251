"""Bodies of requests and responses of several APIs, as objects or text."""

from typing import Any

import msgspec

from monitor.errors import RecordError
from monitor.traffic.formats.schemas.chat_completions import read_completion
from monitor.traffic.formats.schemas.messages import as_text, read_content
from monitor.traffic.formats.schemas.response_content import ResponseContent
from monitor.traffic.formats.schemas.responses_api import is_response, read_response
from monitor.traffic.parsing.json_text import parse_json
from monitor.traffic.parsing.raw_exchange import CallMetadata, convert


class AnthropicMessage(msgspec.Struct):
    """The body of a response of Anthropic's Messages API."""

    content: str | list[Any] | None = None
    id: str | None = None
    model: str | None = None
    stop_reason: Any = None
    usage: dict[str, Any] | None = None


def read_body(body: Any) -> Any:
    """Return the JSON of a body that is JSON text or a server-sent event stream.

    Raises:
        RecordError: The text starts like JSON or a stream and is neither.
    """
    if not isinstance(body, str):
        return body
    text = body.lstrip()
    if text.startswith(("data:", "event:")):
        lines = (line[5:].strip() for line in text.splitlines() if line.startswith("data:"))
        return [parse_json(line) for line in lines if line and line != "[DONE]"]
    return parse_json(text) if text.startswith(('{"', "[{")) else body


def is_completion(body: Any) -> bool:
    """Return whether a body is a response of a chat-completions or Responses API."""
    first = body[0] if isinstance(body, list) and body else body
    return is_response(body) or (isinstance(first, dict) and "choices" in first)


def read_response_content(body: Any) -> ResponseContent:
    """Read a response of any supported API; a missing one if there was none.

    Raises:
        RecordError: ``wrong_type``.
    """
    if body is None or body in ([], {}):
        return ResponseContent(missing=True)
    if isinstance(body, str):
        return ResponseContent(text=body)
    if is_response(body):
        return read_response(body)
    if isinstance(body, list) or {"choices", "error"} & _keys(body):
        return read_completion(body)
    if "content" in _keys(body):
        return _read_anthropic(convert(body, AnthropicMessage))
    if isinstance(body, dict) and isinstance(body.get("text"), str):
        return ResponseContent(text=body["text"])
    raise RecordError(
        "wrong_type",
        "the response is neither text nor an object with `choices`, `output` or `content`",
    )


def _keys(body: Any) -> set[str]:
    return set(body) if isinstance(body, dict) else set()


def _read_anthropic(message: AnthropicMessage) -> ResponseContent:
    parts = message.content if isinstance(message.content, list) else []
    calls = [
        f"{as_text(part.get('name'))}({as_text(part.get('input'))})"
        for part in parts
        if isinstance(part, dict) and part.get("type") == "tool_use"
    ]
    text_parts: Any = [
        part
        for part in parts
        if not isinstance(part, dict) or part.get("type") not in ("tool_use", "thinking")
    ]
    text = read_content(message.content if isinstance(message.content, str) else text_parts)
    usage = message.usage or {}
    return ResponseContent(
        text="\n".join(line for line in (text, *calls) if line),
        missing=message.content is None,
        id=message.id or "",
        model=message.model or "",
        call_metadata=CallMetadata(
            finish_reason=message.stop_reason,
            refusal=message.stop_reason == "refusal",
            prompt_tokens=usage.get("input_tokens"),
            completion_tokens=usage.get("output_tokens"),
        ),
    )
