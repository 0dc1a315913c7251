"""Bodies of requests and responses of several APIs, as objects or text."""

import re
from typing import Any

import msgspec

from monitor.errors import RecordError
from monitor.traffic.formats.schemas.chat_completions import read_completion
from monitor.traffic.formats.schemas.messages import as_text, read_content
from monitor.traffic.formats.schemas.response_content import ResponseContent
from monitor.traffic.formats.schemas.responses_api import is_response, read_response
from monitor.traffic.parsing.json_text import parse_json
from monitor.traffic.parsing.raw_exchange import CallMetadata, convert

#: Keys of the bodies of APIs, in a text that is not whole JSON.
KEYS_OF_APIS = re.compile(r'"(?:choices|output|object|stop_reason)"\s*:')
#: Characters in which a body has one of them.
MAX_HEAD = 1_000
#: What a body of Anthropic's API has besides its content.
BESIDE_CONTENT = {"role", "type", "stop_reason", "usage"}


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


def read_response_body(body: Any) -> Any:
    """Return the JSON of a response's body; the text itself where that is the model's response.

    A model that responds in JSON gives texts that start like a body, and that are cut where its
    tokens end.

    Raises:
        RecordError: The text is a body of an API, and not whole.
    """
    if not isinstance(body, str):
        return body
    try:
        value = read_body(body)
    except RecordError:
        if KEYS_OF_APIS.search(body, 0, MAX_HEAD):
            raise
        return body
    is_stream = body.lstrip().startswith(("data:", "event:"))
    return value if is_stream or _is_api_body(value) else body


def _is_api_body(value: Any) -> bool:
    keys = _keys(value)
    return (
        is_completion(value)
        or "error" in keys
        or keys == {"text"}
        or ("content" in keys and bool(keys & BESIDE_CONTENT))
    )


def is_completion(body: Any) -> bool:
    """Return whether a body is a response of a chat-completions or Responses API."""
    first = body[0] if isinstance(body, list) and body else body
    return is_response(body) or (isinstance(first, dict) and "choices" in first)


def is_api_response(body: Any) -> bool:
    """Return whether a body is a whole response of an API, and no JSON of the model's own.

    A quiz has ``choices``, too.
    """
    if not isinstance(body, dict):
        return False
    choices = body.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    return (
        body.get("object") == "response"
        or bool(_keys(choice) & {"message", "delta", "finish_reason"})
        or ("content" in body and body.get("type") == "message" and "stop_reason" in body)
    )


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
