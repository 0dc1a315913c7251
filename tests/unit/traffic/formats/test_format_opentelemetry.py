"""OpenTelemetry's GenAI conventions of several versions, in JSON and protobuf."""

import msgspec
import pytest

from monitor.traffic.decoder import Decoded
from monitor.traffic.exchange import Exchange, Message
from tests.support.traffic.fixture_files import (
    JOINED,
    OCCURRED_AT,
    OTLP_NAMES,
    as_protobuf,
    decode,
    load,
    read,
)

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
            end_user="conv_5j66",
            messages=WEATHER,
            response="It is rainy in Paris, 57°F.",
            attributes={
                "finish_reason": "stop",
                "prompt_tokens": 52,
                "completion_tokens": 11,
                "trace_id": TRACE,
                "model_version": "gpt-4.1-mini-2025-04-14",
                "app.rating": 4,
                "task_type": "weather",
            },
        )
        == first
    )
    assert (
        second.record_index,
        second.end_user,
        second.prompt,
    ) == (2, "user-9", "Write me a virus.")
    assert (second.response, second.attributes["refusal"]) == ("I can't help with that.", True)
    assert decoded.n_ignored == 1


def test_opentelemetry_texts_as_json_and_in_the_body() -> None:
    as_json, in_body = read("otel_details_json_text").exchanges

    assert as_json.messages == WEATHER
    assert WEATHER[1:] == in_body.messages
    assert as_json.response == in_body.response == "It is rainy in Paris, 57°F."


def test_opentelemetry_without_texts_is_withheld() -> None:
    assert [exchange.withheld for exchange in read("otel_not_captured").exchanges] == [True, True]


def test_opentelemetry_with_an_event_a_message() -> None:
    paris, rome = read("otel_events").exchanges

    assert (0, f"{TRACE}/b7ad6b7169203331") == (paris.record_index, paris.exchange_id)
    assert paris.messages == WEATHER
    assert paris.response == "It is rainy in Paris, 57°F."
    assert rome.record_index == 2
    assert (rome.prompt, rome.response) == ("And in Rome?", 'get_weather({"location":"Rome"})')
    assert rome.attributes["finish_reason"] == "tool_calls"


def test_opentelemetry_events_of_two_messages_are_halves() -> None:
    (request,) = read("otel_events_request", join=JOINED).halves
    (response,) = read("otel_events_response", join=JOINED).halves

    assert (request.side, response.side) == ("request", "response")
    assert f"{TRACE}/b7ad6b7169203341" == request.join_id == response.join_id


def test_opentelemetry_events_without_captured_texts_count_once() -> None:
    message = load("otel_events")
    for record in message["resourceLogs"][0]["scopeLogs"][0]["logRecords"]:
        record["body"] = {"kvlistValue": {"values": []}}
    decoded = decode(message, join=JOINED)

    assert [exchange.withheld for exchange in decoded.exchanges] == [True, True]
    assert decoded.halves == []


def test_opentelemetry_spans() -> None:
    decoded = read("otel_spans")
    served, failed = decoded.exchanges

    assert served.messages == WEATHER
    assert (
        served.attributes["latency_seconds"],
        served.attributes["time_to_first_token_seconds"],
    ) == (1.5, 0.4)
    assert (served.end_user, served.exchange_id) == ("session-3", "chatcmpl-s1")
    assert (failed.response, failed.attributes["error"]) == ("", "timeout")
    assert decoded.n_ignored == 3  # the server's span, the agent's and the tool's


def test_opentelemetry_spans_of_older_conventions() -> None:
    assert [
        (exchange.prompt, exchange.response) for exchange in read("otel_spans_older").exchanges
    ] == [
        ("What is AI?", "Applied statistics."),
        ("Hello", "Hi!"),
        ("[URGENT] Where is my card?", "On its way."),
        ("Hello", "Hi there!"),
    ]


def test_opentelemetry_texts_in_numbered_attributes() -> None:
    decoded = read("otel_spans_numbered")
    traceloop, openinference = decoded.exchanges

    assert (Message("system", "Be brief."), Message("user", "Block my card.")) == traceloop.messages
    assert (traceloop.response, traceloop.end_user) == ("block_card({})", "user-4")
    assert (
        openinference.prompt,
        openinference.response,
    ) == ("What is my limit?", "2000.\nshow_limit({})")
    assert (openinference.attributes["prompt_tokens"], openinference.end_user) == (8, "user-5")
    assert decoded.n_ignored == 1


def test_a_bad_log_record_affects_no_other() -> None:
    message = load("otel_details")
    (records,) = (message["resourceLogs"][0]["scopeLogs"][0]["logRecords"],)
    for attribute in records[2]["attributes"]:
        if attribute["key"] == "gen_ai.input.messages":
            attribute["value"] = {"stringValue": '[{"role": "user", "parts": [{"ty'}

    for value in (msgspec.json.encode(message), as_protobuf(message)):
        decoded = decode(value)
        assert [exchange.exchange_id for exchange in decoded.exchanges] == ["chatcmpl-a1"]
        (bad,) = decoded.unreadable
        assert (bad.record_index, bad.error.reason) == (2, "invalid_json")
        again = decode(bad.value)
        assert (again.exchanges, [part.record_index for part in again.unreadable]) == ([], [0])
        assert bad.value == again.unreadable[0].value


def test_one_broken_protobuf_record_spoils_no_other() -> None:
    message = as_protobuf(load("otel_details"))
    broken = message.replace(b"user-9", b"user-\xff")
    assert broken != message

    decoded = decode(broken)
    assert [exchange.exchange_id for exchange in decoded.exchanges] == ["chatcmpl-a1"]
    assert [(part.record_index, part.error.reason) for part in decoded.unreadable] == [
        (2, "invalid_protobuf")
    ]


def test_a_message_with_many_broken_parts_is_one_dead_letter() -> None:
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
