"""LiteLLM's StandardLoggingPayload, which its callbacks log for every call.

The payload is the record or lies under ``standard_logging_object``. With message logging turned
off, the texts are ``redacted-by-litellm``; such an exchange is withheld.
"""

from typing import Any

import msgspec

from monitor.traffic.exchange import Message
from monitor.traffic.formats.schemas.bodies import read_response_body, read_response_content
from monitor.traffic.formats.schemas.messages import ChatMessage, read_message
from monitor.traffic.formats.schemas.response_content import ResponseContent
from monitor.traffic.formats.schemas.responses_api import read_items
from monitor.traffic.parsing.payload import Payload
from monitor.traffic.parsing.raw_exchange import (
    CallMetadata,
    IgnoredParts,
    RawExchange,
    convert,
    is_number,
)
from monitor.traffic.parsing.tools import describe_tools

#: Words in the ``call_type`` of calls that are no exchanges of texts.
OTHER_CALLS = (
    *("embedding", "image", "video", "moderation", "transcription", "speech", "rerank", "ocr"),
    *("search", "vector_store", "file", "batch", "fine_tuning", "assistant", "thread", "realtime"),
    *("mcp", "list_", "get_", "delete_", "cancel_", "retrieve"),
)


#: The user of calls whose API key has none.
_NO_USER = "default_user_id"


class _Metadata(msgspec.Struct):
    """End user of a call. Owner and team of the API key may stand for a whole application."""

    user_api_key_end_user_id: str | int | None = None
    requester_metadata: dict[str, Any] | None = None
    spend_logs_metadata: dict[str, Any] | None = None


class _Error(msgspec.Struct):
    """Error of a failed call."""

    error_class: Any = None
    error_code: Any = None


class _Call(msgspec.Struct, rename={"started": "startTime", "ended": "endTime"}):
    """The fields that are read."""

    call_type: str | None = None
    messages: str | list[Any] | dict[str, Any] | None = None
    response: Any = None
    id: str | int | None = None
    trace_id: str | None = None
    session_id: str | int | None = None
    model: str | None = None
    model_group: str | None = None
    model_id: str | None = None
    end_user: str | int | None = None
    started: str | float | None = None
    ended: Any = None
    response_time: Any = None
    completionStartTime: Any = None  # noqa: N815 - the payload's own name
    status: Any = None
    prompt_tokens: Any = None
    completion_tokens: Any = None
    response_cost: Any = None
    cache_hit: Any = None
    metadata: _Metadata | None = None
    model_parameters: Any = None
    error_information: _Error | None = None
    error_str: Any = None


def read(payload: Payload) -> list[RawExchange | IgnoredParts] | None:
    """Read one call; calls that are no exchanges of texts, such as embeddings, are ignored."""
    content = payload.object.get("standard_logging_object", payload.object)
    if not isinstance(content, dict) or not {"call_type", "messages"} <= content.keys():
        return None
    call = convert(content, _Call)
    if any(word in (call.call_type or "") for word in OTHER_CALLS):
        return [IgnoredParts()]
    response = read_response_content(read_response_body(call.response))
    metadata = call.metadata or _Metadata()
    users = (call.end_user, metadata.user_api_key_end_user_id, call.session_id)
    return [
        RawExchange(
            messages=_messages(call.messages),
            response=response.text,
            response_missing=response.missing,
            exchange_id=str(call.id or "") or response.id,
            trace_id=call.trace_id or "",
            timestamp=call.started,
            model=call.model_group or call.model or response.model,
            end_user=next((str(user) for user in users if user not in {None, "", _NO_USER}), ""),
            call_metadata=_call_metadata(call, response),
            attributes={
                **(metadata.spend_logs_metadata or {}),
                **(metadata.requester_metadata or {}),
                "deployment": call.model_id or None,
                "cache_hit": call.cache_hit if isinstance(call.cache_hit, bool) else None,
            },
        )
    ]


def _messages(messages: str | list[Any] | dict[str, Any] | None) -> tuple[Message, ...]:
    """Return the conversation from text, chat messages, or items of the Responses API."""
    if isinstance(messages, dict):
        messages = messages.get("messages") or messages.get("input")
    if isinstance(messages, list) and all(
        isinstance(message, dict) and "role" in message for message in messages
    ):
        return tuple(read_message(message) for message in convert(messages, list[ChatMessage]))
    return read_items(messages) if messages else ()


def _call_metadata(call: _Call, response: ResponseContent) -> CallMetadata:
    failed = call.status == "failure"
    error = call.error_information or _Error()
    parameters = call.model_parameters if isinstance(call.model_parameters, dict) else {}
    kinds = (error.error_class, error.error_code, call.error_str, "failure")
    return CallMetadata(
        finish_reason=response.call_metadata.finish_reason,
        refusal=response.call_metadata.refusal,
        prompt_tokens=_first(call.prompt_tokens, response.call_metadata.prompt_tokens),
        completion_tokens=_first(call.completion_tokens, response.call_metadata.completion_tokens),
        latency_seconds=_first(_seconds(call.started, call.ended), call.response_time),
        time_to_first_token_seconds=_seconds(call.started, call.completionStartTime),
        cost_usd=call.response_cost,
        tools=describe_tools(parameters.get("tools") or parameters.get("functions")),
        error=next((kind[:200] for kind in kinds if isinstance(kind, str) and kind), None)
        if failed
        else response.call_metadata.error,
    )


def _seconds(start: Any, end: Any) -> float | None:
    """Return the seconds between two Unix times; ``None`` if one is missing."""
    if is_number(start) and is_number(end) and end >= start:
        return float(end - start)
    return None


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)
