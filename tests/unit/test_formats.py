"""Each format: told apart by itself, and read with every field, from production's records."""

from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from monitor.settings import Traffic, TrafficFields
from monitor.traffic import formats
from monitor.traffic.decode import Decoded
from monitor.traffic.exchange import Exchange, Message
from monitor.traffic.formats import FORMATS
from monitor.traffic.payload import Payload
from tests.services.traffic_fixtures import (
    MAPPED_FIELDS,
    NAMES,
    OCCURRED_AT,
    OTLP_NAMES,
    as_protobuf,
    decode,
    load,
    values,
)

JOINED = {"enabled": True}


def options_of(name: str) -> dict[str, Any]:
    return {"fields": MAPPED_FIELDS} if name == "mapped" else {}


def read(name: str, **options: Any) -> Decoded:
    """Decode a fixture; OTLP has to give the same in both encodings."""
    first, *others = [decode(value, **options_of(name), **options) for value in values(name)]
    for other in others:
        assert first.exchanges == other.exchanges
        assert first.halves == other.halves
        assert first.n_ignored == other.n_ignored
    assert [] == first.bad_parts
    return first


def read_one(name: str, **options: Any) -> Exchange:
    (exchange,) = read(name, **options).exchanges
    return exchange


def test_the_settings_and_the_table_name_the_same_formats() -> None:
    assert {"auto", *FORMATS} == set(get_args(Traffic.model_fields["format"].annotation))


def test_a_format_is_a_file_with_one_function() -> None:
    folder = Path(formats.__file__).parent
    files = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert files == set(FORMATS)
    for name in files:
        module = FORMATS[name].read.__globals__
        public = [
            one
            for one, value in module.items()
            if getattr(value, "__module__", "") == f"monitor.traffic.formats.{name}"
            and not one.startswith("_")
        ]
        assert ["read"] == public


@pytest.mark.parametrize("name", NAMES)
def test_a_record_is_known_first_by_its_own_format(name: str) -> None:
    kind = name.partition("_")[0]
    own = "opentelemetry" if kind == "otel" else kind
    for value in values(name):
        payload = Payload(value, fields=TrafficFields(**options_of(name).get("fields", {})))
        knowing = (one for one, (read, _) in FORMATS.items() if read(payload) is not None)
        assert own == next(knowing)


@pytest.mark.parametrize("name", NAMES)
def test_naming_the_format_changes_nothing(name: str) -> None:
    kind = name.partition("_")[0]
    own = "opentelemetry" if kind == "otel" else kind
    guessed, named = read(name, join=JOINED), read(name, join=JOINED, format=own)
    assert guessed == named


def test_plain_with_every_field() -> None:
    assert Exchange(
        exchange_id="req-7f3a",
        occurred_at=OCCURRED_AT,
        model="support",
        task_type="card_lost",
        user="customer-00765",
        messages=(Message("user", "I left my card on the train."),),
        response="cards: block card",
        attributes={"resolved": True, "rating": 4, "region": "eu"},
    ) == read_one("plain")


def test_plain_with_a_conversation() -> None:
    exchange = read_one("plain_conversation")

    assert ["system", "user", "assistant", "user"] == [one.role for one in exchange.messages]
    assert "What is this charge?\n[image_url]" == exchange.prompt
    assert ("765", OCCURRED_AT) == (exchange.user, exchange.occurred_at)


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
    } == exchange.attributes


def test_a_stream_of_the_responses_api_ends_with_the_whole() -> None:
    exchange = read_one("openai_responses_stream")

    assert "I can't raise it for you." == exchange.response
    assert exchange.attributes["refusal"] is True


def test_litellm_with_every_field() -> None:
    assert Exchange(
        exchange_id="chatcmpl-2299b6a2",
        occurred_at=OCCURRED_AT + timedelta(seconds=0.25),
        model="support",
        task_type="card_lost",
        user="customer-00765",
        messages=(
            Message("system", "Route the request."),
            Message("user", "I left my card on the train."),
        ),
        response="cards: block card",
        trace_id="0b5a7a6e-6c2b-4d52-9d58-8c7a0f1f5a11",
        attributes={
            "finish_reason": "stop",
            "refusal": False,
            "prompt_tokens": 36,
            "completion_tokens": 5,
            "latency_seconds": 1.5,
            "time_to_first_token_seconds": 0.5,
            "cost_usd": 0.000225,
            "trace_id": "0b5a7a6e-6c2b-4d52-9d58-8c7a0f1f5a11",
            "task_type": "card_lost",
            "rating": 4,
            "deployment": "9f1c",
            "cache_hit": False,
        },
    ) == read_one("litellm_success")


@pytest.mark.parametrize("name", ["litellm_redacted", "litellm_redacted_text"])
def test_what_litellm_redacted_is_withheld(name: str) -> None:
    assert read_one(name).withheld


def test_a_call_that_litellm_logs_as_failed_has_its_error() -> None:
    exchange = read_one("litellm_failure")

    assert ("", "RateLimitError") == (exchange.response, exchange.attributes["error"])
    assert 30.0 == exchange.attributes["latency_seconds"]


def test_what_litellm_logs_of_other_calls_is_ignored() -> None:
    assert Decoded(n_ignored=1) == read("litellm_embedding")


def test_litellm_with_the_responses_api_and_times_as_text() -> None:
    exchange = read_one("litellm_responses")

    assert "How do I raise my limit?" == exchange.prompt
    assert "Your limit is 2000. Raise it under Settings." == exchange.response
    assert OCCURRED_AT + timedelta(seconds=0.25) == exchange.occurred_at
    assert 1.5 == exchange.attributes["latency_seconds"]


WEATHER = (
    Message("system", "You are a weather assistant."),
    Message("user", "Weather in Paris?"),
    Message("assistant", 'get_weather({"location":"Paris"})'),
    Message("tool", "rainy, 57°F"),
)
TRACE = "5b8efff798038103d269b633813fc60c"


def test_opentelemetry_events_with_every_field() -> None:
    decoded = read("otel_details")
    first, second = decoded.exchanges

    assert (
        Exchange(
            exchange_id="chatcmpl-a1",
            occurred_at=OCCURRED_AT,
            model="support",
            task_type="weather",
            user="conv_5j66",
            messages=WEATHER,
            response="It is rainy in Paris, 57°F.",
            trace_id=TRACE,
            attributes={
                "finish_reason": "stop",
                "prompt_tokens": 52,
                "completion_tokens": 11,
                "trace_id": TRACE,
                "app.rating": 4,
                "task_type": "weather",
            },
        )
        == first
    )
    assert (2, "user-9", "Write me a virus.\n[image]") == (
        second.record_index,
        second.user,
        second.prompt,
    )
    assert ("I can't help with that.", True) == (second.response, second.attributes["refusal"])
    assert 1 == decoded.n_ignored


def test_opentelemetry_texts_as_json_and_in_the_body() -> None:
    as_json, in_body = read("otel_details_json_text").exchanges

    assert WEATHER == as_json.messages
    assert WEATHER[1:] == in_body.messages
    assert as_json.response == in_body.response == "It is rainy in Paris, 57°F."


def test_opentelemetry_without_texts_is_withheld() -> None:
    assert [True, True] == [one.withheld for one in read("otel_not_captured").exchanges]


def test_opentelemetry_with_an_event_a_message() -> None:
    paris, rome = read("otel_events").exchanges

    assert (0, f"{TRACE}/b7ad6b7169203331") == (paris.record_index, paris.exchange_id)
    assert WEATHER == paris.messages
    assert "It is rainy in Paris, 57°F." == paris.response
    assert 2 == rome.record_index
    assert ("And in Rome?", 'get_weather({"location":"Rome"})') == (rome.prompt, rome.response)
    assert "tool_calls" == rome.attributes["finish_reason"]


def test_opentelemetry_events_of_two_messages_are_halves() -> None:
    (request,) = read("otel_events_request", join=JOINED).halves
    (response,) = read("otel_events_response", join=JOINED).halves

    assert ("request", "response") == (request.side, response.side)
    assert f"{TRACE}/b7ad6b7169203341" == request.join_id == response.join_id


def test_opentelemetry_events_without_captured_texts_count_once() -> None:
    message = load("otel_events")
    for record in message["resourceLogs"][0]["scopeLogs"][0]["logRecords"]:
        record["body"] = {"kvlistValue": {"values": []}}
    decoded = decode(message, join=JOINED)

    assert [True, True] == [one.withheld for one in decoded.exchanges]
    assert [] == decoded.halves


def test_opentelemetry_spans() -> None:
    decoded = read("otel_spans")
    served, failed = decoded.exchanges

    assert WEATHER == served.messages
    assert (1.5, 0.4) == (
        served.attributes["latency_seconds"],
        served.attributes["time_to_first_token_seconds"],
    )
    assert ("session-3", "chatcmpl-s1") == (served.user, served.exchange_id)
    assert ("", "timeout") == (failed.response, failed.attributes["error"])
    assert 3 == decoded.n_ignored  # the server's span, the agent's and the tool's


def test_opentelemetry_spans_of_older_conventions() -> None:
    assert [
        ("What is AI?", "Applied statistics."),
        ("Hello", "Hi!"),
        ("[URGENT] Where is my card?", "On its way."),
        ("Hello", "Hi there!"),
    ] == [(one.prompt, one.response) for one in read("otel_spans_older").exchanges]


def test_opentelemetry_texts_in_numbered_attributes() -> None:
    decoded = read("otel_spans_numbered")
    traceloop, openinference = decoded.exchanges

    assert (Message("system", "Be brief."), Message("user", "Block my card.")) == traceloop.messages
    assert ("block_card({})", "user-4") == (traceloop.response, traceloop.user)
    assert ("What is my limit?", "2000.\nshow_limit({})") == (
        openinference.prompt,
        openinference.response,
    )
    assert (8, "user-5") == (openinference.attributes["prompt_tokens"], openinference.user)
    assert 1 == decoded.n_ignored


def test_one_bad_log_record_spoils_no_other_and_can_be_read_alone() -> None:
    message = load("otel_details")
    (records,) = (message["resourceLogs"][0]["scopeLogs"][0]["logRecords"],)
    for attribute in records[2]["attributes"]:
        if attribute["key"] == "gen_ai.input.messages":
            attribute["value"] = {"stringValue": '[{"role": "user", "parts": [{"ty'}

    for value in (msgspec.json.encode(message), as_protobuf(message)):
        decoded = decode(value)
        assert ["chatcmpl-a1"] == [one.exchange_id for one in decoded.exchanges]
        (bad,) = decoded.bad_parts
        assert (2, "invalid_json") == (bad.record_index, bad.error.reason)
        again = decode(bad.value)
        assert ([], [0]) == (again.exchanges, [part.record_index for part in again.bad_parts])
        assert bad.value == again.bad_parts[0].value


def test_one_broken_protobuf_record_spoils_no_other() -> None:
    message = as_protobuf(load("otel_details"))
    broken = message.replace(b"user-9", b"user-\xff")
    assert broken != message

    decoded = decode(broken)
    assert ["chatcmpl-a1"] == [one.exchange_id for one in decoded.exchanges]
    assert [(2, "invalid_protobuf")] == [
        (part.record_index, part.error.reason) for part in decoded.bad_parts
    ]


def test_a_message_with_very_many_broken_parts_is_one_dead_letter() -> None:
    message = load("otel_events_request")
    scope = message["resourceLogs"][0]["scopeLogs"][0]
    scope["logRecords"] = [{"attributes": 7}] * 1001
    with pytest.raises(Exception, match="too_many_unreadable"):
        decode(message)


def test_metrics_hold_no_exchange() -> None:
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
        ExportMetricsServiceRequest,
    )

    request = ExportMetricsServiceRequest()
    metric = request.resource_metrics.add().scope_metrics.add().metrics.add()
    metric.name, metric.unit = "gen_ai.client.token.usage", "{token}"
    metric.sum.data_points.add().as_int = 7
    assert Decoded(n_ignored=1) == decode(request.SerializeToString())


@pytest.mark.parametrize("name", OTLP_NAMES)
def test_a_cut_protobuf_message_is_a_dead_letter(name: str) -> None:
    whole = as_protobuf(load(name))
    with pytest.raises(Exception, match="invalid_"):
        decode(whole[:-1])


def test_mapped_with_every_field() -> None:
    assert Exchange(
        exchange_id="c-17",
        occurred_at=OCCURRED_AT,
        model="bank-router-v3",
        task_type="card_lost",
        user="765",
        messages=(Message("user", "I left my card on the train."),),
        response="cards: block card",
        attributes={"feedback.thumbs_up": True, "latency_seconds": 0.41},
    ) == read_one("mapped")


def test_mapped_reads_chat_messages_and_bodies_and_halves() -> None:
    fields = {"prompt": "messages", "response": "answer"}
    record = {
        "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}],
        "answer": {"choices": [{"message": {"content": "a"}}]},
    }
    (exchange,) = decode(record, fields=fields).exchanges
    assert (2, "u", "a") == (len(exchange.messages), exchange.prompt, exchange.response)
    (half,) = decode({"answer": "a"}, fields=fields, join=JOINED).halves
    assert "response" == half.side
    with pytest.raises(Exception, match=r"wrong_type: traffic.fields.user: `u` is list"):
        decode({"messages": "x", "u": []}, fields={**fields, "user": "u"})
