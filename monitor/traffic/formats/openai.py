"""OpenAI's chat completions and Responses API: ``{"request": {...}, "response": {...}}``.

So a proxy logs the pair. Beside the two may stand ``id``, ``timestamp``, ``user``, ``task_type``,
``latency_seconds`` and ``metadata``; the fields of a chat request or of a response may also stand
at the top. The response is an object or the list of a stream's chunks; bodies may be texts. A
record that holds only one of the two is half of a pair, but for ``{"messages": [...]}`` that ends
with the assistant's message: the form of fine-tuning, which holds both.
"""

from typing import Any

import msgspec

from monitor.traffic.exchange import Message
from monitor.traffic.formats.schemas.bodies import is_completion, read_body, read_response_content
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

#: A record without any of these keys holds neither request nor response.
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


class _Envelope(msgspec.Struct):
    """What stands beside request and response."""

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
    asked = convert(request or {}, _Request)
    is_conversation = request is content and not is_given
    said = _last_of_assistant(asked) if is_conversation else None
    answer = read_response_content(response) if is_given else ResponseContent()
    # The id of a bare body is the completion's, which the request can't know.
    has_envelope = said is not None or {"request", "response"} & content.keys()
    envelope = convert(content, _Envelope) if has_envelope else _Envelope()
    call_metadata = answer.call_metadata if said is None else CallMetadata(refusal=said.refuses)
    if envelope.latency_seconds is not None:
        call_metadata = msgspec.structs.replace(
            call_metadata, latency_seconds=envelope.latency_seconds
        )
    return [
        RawExchange(
            messages=_messages(asked),
            response=answer.text if is_given else None,
            is_conversation=is_conversation,
            exchange_id=to_text(envelope.id) or answer.id,
            join_id=to_text(envelope.id),
            timestamp=answer.created if envelope.timestamp is None else envelope.timestamp,
            model=asked.model or answer.model,
            task_type=envelope.task_type or "",
            end_user=to_text(envelope.user) or asked.safety_identifier or to_text(asked.user),
            call_metadata=call_metadata,
            attributes={
                **reported_version_metadata(asked.model, answer.model),
                **(asked.metadata or {}),
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
    """Return the response, and whether the record has one of these APIs."""
    if "response" in content:
        response = read_body(content["response"])
        return response, request is not None or is_completion(response)
    return content, isinstance(content.get("choices"), list) or content.get("object") == "response"


def _last_of_assistant(asked: _Request) -> ChatMessage | None:
    """Return the last message where it is the assistant's."""
    last = asked.messages[-1] if asked.messages else None
    return last if last is not None and read_message(last).role == "assistant" else None


def _messages(asked: _Request) -> tuple[Message, ...]:
    if asked.messages is not None:
        return tuple(read_message(message) for message in asked.messages)
    if asked.input is None:
        prompts = [asked.prompt] if isinstance(asked.prompt, str) else asked.prompt or []
        return tuple(Message("user", prompt) for prompt in prompts)
    instructions = (Message("system", asked.instructions),) if asked.instructions else ()
    return (*instructions, *read_items(asked.input))
