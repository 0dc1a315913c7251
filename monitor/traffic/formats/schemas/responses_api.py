"""Items of OpenAI's Responses API."""

from typing import Any

import msgspec

from monitor.errors import RecordError
from monitor.traffic.exchange import Message
from monitor.traffic.formats.schemas.messages import (
    ChatMessage,
    as_text,
    content_message,
    read_role,
)
from monitor.traffic.formats.schemas.response_content import ResponseContent, read_error
from monitor.traffic.parsing.json_text import json_kind
from monitor.traffic.parsing.raw_exchange import CallMetadata, convert

#: Final events of a stream; each has the whole response.
FINAL_EVENTS = ("response.completed", "response.incomplete", "response.failed")


class Item(msgspec.Struct):
    """A message, function call, function output or reasoning."""

    type: str = "message"
    role: str | None = None
    content: str | list[Any] | None = None
    name: str | None = None
    arguments: Any = None
    #: Output of a function.
    output: Any = None


class Incomplete(msgspec.Struct):
    """Reason of an incomplete response."""

    reason: Any = None


class Usage(msgspec.Struct):
    """Numbers of tokens."""

    input_tokens: Any = None
    output_tokens: Any = None


class ResponseObject(msgspec.Struct):
    """The body of a response."""

    id: str | None = None
    created_at: str | float | None = None
    model: str | None = None
    output: list[Item] | None = None
    status: Any = None
    incomplete_details: Incomplete | None = None
    usage: Usage | None = None
    error: Any = None


def read_items(items: Any) -> tuple[Message, ...]:
    """Return the conversation of a request's ``input``.

    Raises:
        RecordError: ``wrong_type``.
    """
    if isinstance(items, str):
        return (Message("user", items),)
    if not isinstance(items, list):
        raise RecordError("wrong_type", f"`input` is {json_kind(items)}, not text or a list")
    messages = (_read_item(item) for item in convert(items, list[Item | str]))
    return tuple(message for message in messages if message)


def read_response(body: Any) -> ResponseContent:
    """Read a response: an object, or the list of a stream's events.

    Raises:
        RecordError: ``wrong_type``.
    """
    response = convert(_final(body) if isinstance(body, list) else body, ResponseObject)
    items = response.output or []
    texts = [message.content for item in items if (message := _read_item(item))]
    usage = response.usage or Usage()
    incomplete = response.incomplete_details or Incomplete()
    contents = [ChatMessage(content=item.content) for item in items if item.type == "message"]
    return ResponseContent(
        text="\n".join(texts),
        missing=response.output is None,
        id=response.id or "",
        model=response.model or "",
        created=response.created_at,
        call_metadata=CallMetadata(
            finish_reason=incomplete.reason or response.status,
            refusal=any(content.refuses for content in contents) if contents else None,
            prompt_tokens=usage.input_tokens,
            completion_tokens=usage.output_tokens,
            error=read_error(response.error),
        ),
    )


def is_response(body: Any) -> bool:
    """Return whether a body is a response of this API, or its stream."""
    if isinstance(body, list):
        return any(
            isinstance(event, dict) and str(event.get("type", "")).startswith("response.")
            for event in body[:1]
        )
    return isinstance(body, dict) and (body.get("object") == "response" or "output" in body)


def _final(events: list[Any]) -> Any:
    """Return the response from a stream's final event; ``RecordError`` without one."""
    for event in reversed(events):
        if isinstance(event, dict) and event.get("type") in FINAL_EVENTS:
            return event.get("response")
    raise RecordError("wrong_type", f"the stream ends without one of {', '.join(FINAL_EVENTS)}")


def _read_item(item: Item | str) -> Message | None:
    """Return an item as a message; ``None`` for reasoning."""
    if isinstance(item, str):
        return Message("user", item)
    match item.type:
        case "message":
            return content_message(read_role(item.role or "user"), item.content)
        case "reasoning":
            return None
        case "function_call" | "custom_tool_call":
            return Message("assistant", f"{item.name or ''}({as_text(item.arguments)})")
        case "function_call_output" | "custom_tool_call_output":
            return Message("tool", as_text(item.output))
        case other:
            return Message("assistant", f"[{other}]")
