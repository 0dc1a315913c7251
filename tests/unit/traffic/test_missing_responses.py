"""Prompts without a response: dead letters in every format, never exchanges with an empty one."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from monitor.errors import RecordError
from monitor.settings import Traffic
from monitor.store.traffic.position import Position
from monitor.traffic.decoder import Decoded, Decoder
from monitor.traffic.record import RawRecord
from tests.support.traffic.fixture_files import OCCURRED_AT

ASKED = {"role": "user", "content": "Is my card blocked?"}
CALLS = [{"id": "c", "type": "function", "function": {"name": "lock", "arguments": "{}"}}]
PARTS = [{"role": "user", "parts": [{"type": "text", "content": "Is my card blocked?"}]}]
MISSING: Any = object()


def decode(content: dict[str, Any], **settings: Any) -> Decoded:
    """Decode a record as ingest does."""
    record = RawRecord(
        Position("t", 0, 1), b"key", msgspec.json.encode(content), OCCURRED_AT, read_at=OCCURRED_AT
    )
    return Decoder(Traffic(**settings), default_model="m").decode(record)


def plain(response: Any) -> Decoded:
    content = {"prompt": "Is my card blocked?", "response": response}
    return decode({key: value for key, value in content.items() if value is not MISSING})


def openai(response: Any) -> Decoded:
    content = {"request": {"messages": [ASKED]}, "response": response}
    return decode({key: value for key, value in content.items() if value is not MISSING})


def litellm(response: Any) -> Decoded:
    content = {"call_type": "acompletion", "messages": [ASKED], "response": response}
    return decode({key: value for key, value in content.items() if value is not MISSING})


def mapped(response: Any) -> Decoded:
    content = {"in": "Is my card blocked?", "out": response}
    return decode(
        {key: value for key, value in content.items() if value is not MISSING},
        format="mapped",
        fields={"prompt": "in", "response": "out"},
    )


def opentelemetry(outputs: Any) -> Decoded:
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.input.messages": PARTS}
    if outputs is not MISSING:
        attributes["gen_ai.output.messages"] = outputs
    record = {
        "eventName": "gen_ai.client.inference.operation.details",
        "attributes": [
            {"key": key, "value": {"stringValue": _text(value)}}
            for key, value in attributes.items()
        ],
    }
    return decode({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]})


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def refusals(read: Callable[[], Decoded]) -> list[str]:
    """Return the reasons of a record, or of its parts, where nothing of it is an exchange."""
    try:
        decoded = read()
    except RecordError as error:
        return [error.reason]
    return [] if decoded.exchanges else [part.error.reason for part in decoded.unreadable]


@pytest.mark.parametrize(
    ("read", "response"),
    [
        (plain, MISSING),
        (plain, None),
        (openai, MISSING),
        (openai, None),
        (openai, {}),
        (openai, {"id": "r", "choices": []}),
        (openai, {"object": "response", "status": "in_progress"}),
        (openai, [{"choices": [], "usage": {"prompt_tokens": 3}}]),
        (litellm, MISSING),
        (litellm, None),
        (mapped, MISSING),
        (mapped, None),
        (opentelemetry, MISSING),
        (opentelemetry, []),
    ],
)
def test_a_prompt_alone_is_refused(read: Callable[[Any], Decoded], response: Any) -> None:
    assert refusals(lambda: read(response)) == ["missing_response"]


@pytest.mark.parametrize(
    ("read", "response", "text"),
    [
        (plain, "", ""),
        (mapped, "", ""),
        (openai, "", ""),
        (openai, {"choices": [{"message": {"content": ""}, "finish_reason": "length"}]}, ""),
        (openai, {"choices": [{"message": {"content": None, "tool_calls": CALLS}}]}, "lock({})"),
        (openai, {"object": "response", "output": [], "status": "incomplete"}, ""),
        (openai, {"error": {"code": "rate_limit_exceeded"}}, ""),
        (litellm, {"choices": [{"message": {"content": None, "tool_calls": CALLS}}]}, "lock({})"),
        (opentelemetry, [{"role": "assistant", "parts": []}], ""),
        (
            opentelemetry,
            [{"role": "assistant", "parts": [{"type": "tool_call", "name": "lock"}]}],
            "lock()",
        ),
    ],
)
def test_an_empty_text_and_tool_calls_are_responses(
    read: Callable[[Any], Decoded], response: Any, text: str
) -> None:
    (exchange,) = read(response).exchanges
    assert exchange.response == text


def test_a_failed_call_without_a_response_is_an_exchange() -> None:
    failed = {"prompt": "x", "response": None, "metadata": {"error": "timeout"}}
    (exchange,) = decode(failed).exchanges
    assert (exchange.response, exchange.attributes["error"]) == ("", "timeout")


def test_a_request_alone_waits_for_its_response() -> None:
    (half,) = decode({"prompt": "x"}, join={"enabled": True}).halves
    assert half.side == "request"
    # It says that there is none to wait for.
    none = {"prompt": "x", "response": None}
    assert refusals(lambda: decode(none, join={"enabled": True})) == ["missing_response"]


def test_prompts_only_drops_all_responses() -> None:
    for response in ({}, {"response": None}, {"response": "yes"}):
        (exchange,) = decode({"prompt": "x", **response}, prompts_only=True).exchanges
        assert (exchange.prompt, exchange.response) == ("x", "")
