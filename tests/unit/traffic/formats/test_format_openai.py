"""OpenAI's formats: chat completions, streams, the Responses API."""

from typing import Any

import pytest

from monitor.errors import RecordError
from monitor.traffic.exchange import Exchange, Message
from tests.support.traffic.fixture_files import (
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
        end_user="user-51",
        messages=(
            Message("system", "You help the customers of a bank. Be brief."),
            Message("user", "What is this charge?"),
        ),
        response="It is the fee for a replacement card.",
        n_other_parts=1,
        attributes={
            "finish_reason": "stop",
            "refusal": False,
            "prompt_tokens": 112,
            "completion_tokens": 24,
            "latency_seconds": 0.82,
            "tools": "block_card(last_four) 3650",
            "channel": "app",
            "resolved": True,
        },
    ) == read_one("openai_chat")


def test_openai_tool_calls_are_readable() -> None:
    exchange = read_one("openai_tool_calls")

    assert exchange.messages[1].content == 'find_card({"last_four": "4421"})'
    assert Message("tool", '{"status": "active"}') == exchange.messages[2]
    assert exchange.response == 'block_card({"last_four": "4421"})'
    assert exchange.attributes["finish_reason"] == "tool_calls"
    assert exchange.exchange_id == "chatcmpl-CRj0aXb3"


def test_an_openai_refusal_is_the_response() -> None:
    exchange = read_one("openai_refusal")

    assert exchange.response == "I can't help with that."
    assert exchange.attributes["refusal"] is True


@pytest.mark.parametrize("name", ["openai_stream_chunks", "openai_stream_text"])
def test_an_openai_stream_is_put_together(name: str) -> None:
    exchange = read_one(name)

    assert exchange.response == "Yes, since Monday."
    assert exchange.prompt == "Is my card blocked?"
    assert exchange.attributes == {
        "finish_reason": "stop",
        "refusal": False,
        "prompt_tokens": 13,
        "completion_tokens": 7,
    }


def test_tool_calls_of_an_openai_stream_are_put_together() -> None:
    assert (
        read_one("openai_stream_tool_calls").response
    ) == 'block_card({"last_four":"4421"})\nnotify({})'


def test_first_of_several_choices_is_the_response() -> None:
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


def test_a_failed_openai_request_has_an_error_and_no_response() -> None:
    exchange = read_one("openai_error", join=JOINED)

    assert exchange.response == ""
    assert exchange.attributes == {"error": "rate_limit_exceeded"}


def test_an_older_text_completion_is_read_too() -> None:
    record = {
        "request": {"model": "m", "prompt": "Once upon"},
        "response": {"id": "cmpl-1", "choices": [{"text": " a time", "finish_reason": "length"}]},
    }
    (exchange,) = decode(record).exchanges
    assert (exchange.prompt, exchange.response) == ("Once upon", " a time")


def test_anthropic_responses_are_read_too() -> None:
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
    assert exchange.response == 'Let me look.\nfind_card({"last_four":"4421"})'
    assert exchange.attributes["completion_tokens"] == 4


def test_the_responses_api() -> None:
    exchange = read_one("openai_responses")

    assert (
        Message("system", "You help the customers of a bank."),
        Message("user", "How do I raise my limit?"),
        Message("assistant", "get_limit({})"),
        Message("tool", '{"limit": 2000}'),
    ) == exchange.messages
    assert exchange.response == "Your limit is 2000. Raise it under Settings."
    assert (exchange.end_user, exchange.model) == ("user-53", "gpt-5-mini")
    assert exchange.attributes == {
        "finish_reason": "completed",
        "refusal": False,
        "prompt_tokens": 81,
        "completion_tokens": 19,
        "model_version": "gpt-5-mini-2025-08-07",
    }


def test_a_stream_of_the_responses_api_ends_with_the_whole() -> None:
    exchange = read_one("openai_responses_stream")

    assert exchange.response == "I can't raise it for you."
    assert exchange.attributes["refusal"] is True


ASKED = {"role": "user", "content": "Where is my card?"}
ANSWERED = {"role": "assistant", "content": "On its way."}


@pytest.mark.parametrize(
    ("last", "response", "refusal"),
    [
        (ANSWERED, "On its way.", False),
        ({**ANSWERED, "content": [{"type": "text", "text": "Soon."}]}, "Soon.", False),
        ({"role": "assistant", "content": None, "refusal": "I can't."}, "I can't.", True),
        (
            {
                "role": "assistant",
                "tool_calls": [{"function": {"name": "find_card", "arguments": "{}"}}],
            },
            "find_card({})",
            False,
        ),
    ],
    ids=["text", "parts", "refusal", "tool call"],
)
def test_the_form_of_fine_tuning_holds_the_response(
    last: dict[str, Any], response: str, refusal: bool
) -> None:
    record = {
        "messages": [ASKED, ANSWERED, ASKED, last],
        "timestamp": "2026-10-30T08:00:00Z",
        "user": "user-51",
        "metadata": {"exchange_id": "c-17", "task_type": "charges"},
    }
    (exchange,) = decode(record).exchanges

    assert response == exchange.response
    assert [message.role for message in exchange.messages] == ["user", "assistant", "user"]
    assert (exchange.occurred_at, exchange.end_user) == (OCCURRED_AT, "user-51")
    assert exchange.task_type == "charges"
    assert exchange.attributes["refusal"] is refusal


def test_a_conversation_that_ends_with_the_user_has_no_response() -> None:
    (exchange,) = decode({"messages": [ASKED, ANSWERED, ASKED]}).exchanges

    assert (len(exchange.messages), exchange.response) == (3, "")
    assert "refusal" not in exchange.attributes


@pytest.mark.parametrize(
    ("appended", "response"),
    [
        ({"response": "Said."}, "Said."),
        ({"response": None}, ""),
        ({"choices": [{"message": {"content": "Said."}}]}, "Said."),
    ],
)
def test_a_response_that_is_given_counts(appended: dict[str, Any], response: str) -> None:
    (exchange,) = decode({"messages": [ASKED, ANSWERED], **appended}).exchanges

    assert (2, response) == (len(exchange.messages), exchange.response)


def test_a_request_may_begin_the_response() -> None:
    conversation = {"messages": [ASKED, ANSWERED]}
    (alone,) = decode({"request": conversation}).exchanges
    (half,) = decode(conversation, join=JOINED).halves

    assert (len(alone.messages), alone.response) == (2, "")
    assert (half.side, len(half.exchange.messages)) == ("request", 2)


def test_a_conversation_without_a_question_has_no_prompt() -> None:
    with pytest.raises(RecordError, match="missing_prompt: no message has the role `user`"):
        decode({"messages": [ANSWERED]})
