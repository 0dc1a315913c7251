"""OpenAI's formats: chat completions, their streams, the Responses API."""

import pytest

from monitor.traffic.exchange import Exchange, Message
from tests.services.traffic_fixtures import (
    JOINED,
    OCCURRED_AT,
    decode,
    load,
    read_one,
)


def test_openai_with_parts_and_every_field() -> None:
    assert Exchange(
        exchange_id="req-1001",
        occurred_at=OCCURRED_AT,
        model="gpt-4.1-mini-2025-04-14",
        task_type="charges",
        user="user-51",
        messages=(
            Message("system", "You help the customers of a bank. Be brief."),
            Message("user", "What is this charge?\n[image_url]"),
        ),
        response="It is the fee for a replacement card.",
        attributes={
            "finish_reason": "stop",
            "refusal": False,
            "prompt_tokens": 112,
            "completion_tokens": 24,
            "latency_seconds": 0.82,
            "channel": "app",
            "resolved": True,
        },
    ) == read_one("openai_chat")


def test_openai_tool_calls_are_readable() -> None:
    exchange = read_one("openai_tool_calls")

    assert 'find_card({"last_four": "4421"})' == exchange.messages[1].content
    assert Message("tool", '{"status": "active"}') == exchange.messages[2]
    assert 'block_card({"last_four": "4421"})' == exchange.response
    assert "tool_calls" == exchange.attributes["finish_reason"]
    assert "chatcmpl-CRj0aXb3" == exchange.exchange_id


def test_an_openai_refusal_is_the_response() -> None:
    exchange = read_one("openai_refusal")

    assert "I can't help with that." == exchange.response
    assert exchange.attributes["refusal"] is True


@pytest.mark.parametrize("name", ["openai_stream_chunks", "openai_stream_text"])
def test_an_openai_stream_is_put_together(name: str) -> None:
    exchange = read_one(name)

    assert "Yes, since Monday." == exchange.response
    assert "Is my card blocked?" == exchange.prompt
    assert {
        "finish_reason": "stop",
        "refusal": False,
        "prompt_tokens": 13,
        "completion_tokens": 7,
    } == exchange.attributes


def test_tool_calls_of_an_openai_stream_are_put_together() -> None:
    assert 'block_card({"last_four":"4421"})\nnotify({})' == (
        read_one("openai_stream_tool_calls").response
    )


def test_of_several_choices_the_first_was_served() -> None:
    pair = load("openai_chat")
    first = pair["response"]["choices"][0]
    other = {**first, "index": 1, "message": {"role": "assistant", "content": "another"}}
    pair["response"]["choices"].append(other)
    stream = load("openai_stream_chunks")
    chunk = stream["response"][1]
    chunk = {**chunk, "choices": [{"index": 1, "delta": {"content": "another"}}]}
    stream["response"].insert(1, chunk)

    for record, expected in [(pair, first["message"]["content"]), (stream, "Yes, since Monday.")]:
        (exchange,) = decode(record).exchanges
        assert expected == exchange.response


def test_an_openai_request_that_failed_has_no_response_and_the_error() -> None:
    exchange = read_one("openai_error", join=JOINED)

    assert "" == exchange.response
    assert {"error": "rate_limit_exceeded"} == exchange.attributes


def test_an_older_text_completion_is_read_too() -> None:
    record = {
        "request": {"model": "m", "prompt": "Once upon"},
        "response": {"id": "cmpl-1", "choices": [{"text": " a time", "finish_reason": "length"}]},
    }
    (exchange,) = decode(record).exchanges
    assert ("Once upon", " a time") == (exchange.prompt, exchange.response)


def test_anthropic_answers_are_read_too() -> None:
    record = load("openai_chat")
    record["response"] = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "content": [
            {"type": "thinking", "thinking": "..."},
            {"type": "text", "text": "Let me look."},
            {"type": "tool_use", "id": "t", "name": "find_card", "input": {"last_four": "4421"}},
        ],
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 9, "output_tokens": 4},
    }
    (exchange,) = decode(record).exchanges
    assert 'Let me look.\nfind_card({"last_four":"4421"})' == exchange.response
    assert 4 == exchange.attributes["completion_tokens"]


def test_the_responses_api() -> None:
    exchange = read_one("openai_responses")

    assert (
        Message("system", "You help the customers of a bank."),
        Message("user", "How do I raise my limit?"),
        Message("assistant", "get_limit({})"),
        Message("tool", '{"limit": 2000}'),
    ) == exchange.messages
    assert "Your limit is 2000. Raise it under Settings." == exchange.response
    assert ("user-53", "gpt-5-mini") == (exchange.user, exchange.model)
    assert {
        "finish_reason": "completed",
        "refusal": False,
        "prompt_tokens": 81,
        "completion_tokens": 19,
        "model_version": "gpt-5-mini-2025-08-07",
    } == exchange.attributes


def test_a_stream_of_the_responses_api_ends_with_the_whole() -> None:
    exchange = read_one("openai_responses_stream")

    assert "I can't raise it for you." == exchange.response
    assert exchange.attributes["refusal"] is True
