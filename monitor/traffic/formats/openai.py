"""OpenAI's chat completions and Responses API: ``{"request": {...}, "response": {...}}``.

The form in which a proxy logs a call. The record may also have ``id``, ``timestamp``, ``user``,
``task_type``, ``latency_seconds`` and ``metadata``; the fields of a chat request or of a response
may be at the top level. The response is an object or the list of a stream's chunks; bodies may be
JSON texts. A record with only one of the two is one half, except ``{"messages": [...]}`` that ends
with the assistant's message: the fine-tuning format, which holds both.
"""

from typing import Any

import msgspec

from monitor.traffic.exchange import Message
from monitor.traffic.formats.schemas.bodies import (
    is_completion,
    read_body,
    read_response_body,
    read_response_content,
)
from monitor.traffic.formats.schemas.messages import ChatMessage, read_message
from monitor.traffic.formats.schemas.response_content import ResponseContent
from monitor.traffic.formats.schemas.responses_api import read_items
from monitor.traffic.parsing.payload import Payload
from monitor.traffic.parsing.raw_exchange import (
    CallMetadata,
    RawExchange,
    convert,
    reported_version_metadata,
    to_text,
)
from monitor.traffic.parsing.tools import describe_tools

#: A record without any of these keys has neither request nor response.
_KEYS = ("request", "response", "messages", "choices", "output")


class _Request(msgspec.Struct):
    """The body of a request."""

    messages: list[ChatMessage] | None = None
    #: Of the Responses API.
    input: str | list[Any] | None = None
    instructions: str | None = None
    #: Of the older text completions.
    prompt: str | list[str] | None = None
    model: str | None = None
    user: str | int | None = None
    safety_identifier: str | None = None
    metadata: dict[str, Any] | None = None
    tools: Any = None
    #: Of the older chat completions.
    functions: Any = None


class _Envelope(msgspec.Struct):
    """Keys of the record around request and response."""

    id: str | int | None = None
    timestamp: str | float | None = None
    user: str | int | None = None
    task_type: str | None = None
    latency_seconds: Any = None
    metadata: dict[str, Any] | None = None


def read(payload: Payload) -> list[RawExchange] | None:
    """Read one exchange, or one half of it."""
    content = payload.object
    if content.keys().isdisjoint(_KEYS):
        return None
    request = _request_of(content)
    response, is_given = _response_of(content, request)
    if request is None and not is_given:
        return None
    body = convert(request or {}, _Request)
    is_conversation = request is content and not is_given
    last_message = _last_of_assistant(body) if is_conversation else None
    response_content = read_response_content(response) if is_given else ResponseContent()
    # The id of a bare body is the completion's, which the request doesn't have.
    has_envelope = last_message is not None or {"request", "response"} & content.keys()
    envelope = convert(content, _Envelope) if has_envelope else _Envelope()
    call_metadata = (
        response_content.call_metadata
        if last_message is None
        else CallMetadata(refusal=last_message.refuses)
    )
    if envelope.latency_seconds is not None:
        call_metadata = msgspec.structs.replace(
            call_metadata, latency_seconds=envelope.latency_seconds
        )
    if tools := describe_tools(body.tools or body.functions):
        call_metadata = msgspec.structs.replace(call_metadata, tools=tools)
    return [
        RawExchange(
            messages=_messages(body),
            response=response_content.text if is_given else None,
            response_missing=response_content.missing,
            is_conversation=is_conversation,
            exchange_id=to_text(envelope.id) or response_content.id,
            join_id=to_text(envelope.id),
            timestamp=response_content.created
            if envelope.timestamp is None
            else envelope.timestamp,
            model=body.model or response_content.model,
            task_type=envelope.task_type or "",
            end_user=to_text(envelope.user) or body.safety_identifier or to_text(body.user),
            call_metadata=call_metadata,
            attributes={
                **reported_version_metadata(body.model, response_content.model),
                **(body.metadata or {}),
                **(envelope.metadata or {}),
            },
        )
    ]


def _request_of(content: dict[str, Any]) -> dict[str, Any] | None:
    request = read_body(content.get("request"))
    if isinstance(request, dict) and {"messages", "input", "prompt"} & request.keys():
        return request
    at_the_top = isinstance(content.get("messages"), list) or (
        "prompt" in content and is_completion(content.get("response"))
    )
    return content if at_the_top else None


def _response_of(content: dict[str, Any], request: dict[str, Any] | None) -> tuple[Any, bool]:
    """Return the response, and whether it is one of these APIs."""
    if "response" in content:
        response = read_response_body(content["response"])
        return response, request is not None or is_completion(response)
    return content, isinstance(content.get("choices"), list) or content.get("object") == "response"


def _last_of_assistant(body: _Request) -> ChatMessage | None:
    """Return the last message if it is the assistant's."""
    last = body.messages[-1] if body.messages else None
    return last if last is not None and read_message(last).role == "assistant" else None


def _messages(body: _Request) -> tuple[Message, ...]:
    if body.messages is not None:
        return tuple(read_message(message) for message in body.messages)
    if body.input is None:
        prompts = [body.prompt] if isinstance(body.prompt, str) else body.prompt or []
        return tuple(Message("user", prompt) for prompt in prompts)
    instructions = (Message("system", body.instructions),) if body.instructions else ()
    return (*instructions, *read_items(body.input))
