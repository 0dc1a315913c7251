"""Hostile records: a clean exchange or a RecordError with a known reason.

`make fuzz` is the long form.
"""

import json
import random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from monitor.traffic.formats import FORMATS
from tests.fuzz.records import fuzz
from tests.support.traffic.fixture_files import NAMES, OTLP_NAMES, as_protobuf, decode, load, values
from tests.support.traffic.hostile_records import (
    WRONG_VALUES,
    check,
    drop_path,
    mutated,
    paths,
    replaced,
)

DETAILS = "gen_ai.client.inference.operation.details"
JOINED = {"enabled": True}


def as_bytes(content: Any) -> bytes:
    return json.dumps(content).encode()


#: In the short form each path meets one in so many wrong values, and each wrong value all paths in
#: turn.
SHORT_FORM = 7


def reasons_of_wrong_values(name: str, every: int) -> set[str]:
    """Return the outcomes of a fixture with one wrong value at any path."""
    content = load(name)
    return {
        check(as_bytes(replaced(content, path, wrong)), join=JOINED)
        for number, path in enumerate(paths(content))
        for index, wrong in enumerate(WRONG_VALUES)
        if (number + index) % every == 0
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_value_in_any_place(name: str) -> None:
    assert "wrong_type" in reasons_of_wrong_values(name, SHORT_FORM)


@pytest.mark.drill
@pytest.mark.parametrize("name", NAMES)
def test_every_wrong_value_in_any_place(name: str) -> None:
    assert "wrong_type" in reasons_of_wrong_values(name, 1)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_missing_value_in_any_place(name: str) -> None:
    content = load(name)
    for path in paths(content):
        if path:
            for enabled in (True, False):
                check(as_bytes(drop_path(content, path)), join={"enabled": enabled})


@pytest.mark.parametrize("name", NAMES)
def test_a_cut_at_any_place(name: str) -> None:
    for value in values(name):
        for length in range(0, len(value), max(1, len(value) // 300)):
            assert check(value[:length]) not in {"exchange", "half"}


def deep(depth: int) -> dict[str, Any]:
    """Return an OTLP value of a depth."""
    value: dict[str, Any] = {"stringValue": "x"}
    for _ in range(depth):
        value = {"arrayValue": {"values": [value]}}
    return value


def details(input_messages: dict[str, Any]) -> dict[str, Any]:
    attributes = [{"key": "gen_ai.input.messages", "value": input_messages}]
    record = {"eventName": DETAILS, "attributes": attributes, "traceId": "", "spanId": ""}
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}


@pytest.mark.parametrize("depth", [60, 300])
def test_deep_values_of_opentelemetry(depth: int) -> None:
    assert check(as_bytes(details(deep(depth)))) == "too_deep"

    # The library refuses to parse what is deeper than its limit, so the wire format is built here.
    value = AnyValue(string_value="x").SerializeToString()
    for _ in range(depth):
        value = field(5, field(1, value))
    attribute = field(1, b"gen_ai.input.messages") + field(2, value)
    record = field(12, DETAILS.encode()) + field(6, attribute)
    assert check(field(1, field(2, field(2, record)))) == "invalid_protobuf"


def field(number: int, content: bytes) -> bytes:
    length, varint = len(content), bytearray()
    while length > 0x7F:
        varint.append(length & 0x7F | 0x80)
        length >>= 7
    return bytes([number << 3 | 2, *varint, length]) + content


@pytest.mark.parametrize("depth", [500, 5000, 500_000])
def test_deep_json_inside_a_text(depth: int) -> None:
    text = '[{"role": "user", "parts": ' + "[" * depth + "]" * depth + "}]"

    assert check(as_bytes(details({"stringValue": text}))) in {"too_deep", "wrong_type"}
    # What is deep where nothing is read does no harm, as long as the parser takes it.
    came_of_it = check(as_bytes({"request": '{"messages": ' + text + "}"}))
    assert came_of_it in {"too_deep", "exchange" if depth < 1000 else "too_deep"}


def test_deep_json_that_a_parser_takes_is_not_written_again() -> None:
    deep_value: Any = "x"
    for _ in range(900):
        deep_value = [deep_value]
    arguments = {"function": {"name": "f", "arguments": deep_value}}
    record = {"prompt": "x", "metadata": {"deep": deep_value}}
    pair = {"request": {"messages": [{"role": "user", "tool_calls": [arguments]}]}}

    assert check(as_bytes(record)) in {"exchange", "too_deep"}
    assert check(as_bytes(pair)) in {"exchange", "too_deep"}


@pytest.mark.parametrize("name", ["\ud800", "pay\ud800"])
def test_lone_surrogate_in_tools_keeps_the_record(name: str) -> None:
    named = [{"type": "function", "function": {"name": name}}]
    for tools in (name, named, json.dumps(named), json.dumps(named, ensure_ascii=False)):
        request = {"messages": [{"role": "user", "content": "x"}], "tools": tools}
        response = {"choices": [{"message": {"role": "assistant", "content": "y"}}]}
        assert check(as_bytes({"request": request, "response": response})) == "exchange"


@pytest.mark.parametrize(
    "number", ["1e400", "-1e400", "1" * 5000, "-" + "9" * 400, "1e-400", "0." + "1" * 5000]
)
def test_numbers_of_any_size(number: str) -> None:
    places = ['"timestamp"', '"id"', '"user"', '"metadata": {"x": 1}, "x"']
    for place in places:
        for surrogate in ("", ', "y": "\\ud800"'):
            check(f'{{"prompt": "x", {place}: {number}{surrogate}}}'.encode())
    for kind in ("intValue", "doubleValue"):
        message = as_bytes(details({kind: "NUMBER"}))
        check(message)
        check(message.replace(b"NUMBER", number.encode()))
        check(message.replace(b'"NUMBER"', number.encode()))


@pytest.mark.slow
def test_many_empty_log_records_are_read_in_time() -> None:
    message = field(1, field(2, field(2, b"") * 200_000))
    assert decode(message).n_ignored == 200_000


def test_a_trace_id_may_be_missing_or_long() -> None:
    message = load("otel_events_request")
    record = message["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]
    record["traceId"] = ""
    assert check(as_bytes(message)) == "missing_join_id"
    record["traceId"] = "f" * 5000
    (half,) = decode(message, join=JOINED).halves
    assert len(half.join_id) <= 256


@pytest.mark.parametrize("nanoseconds", [0, 1, 4102444800 * 10**9, 2**64 - 1])
def test_clocks_of_opentelemetry_in_1970_and_2100(nanoseconds: int) -> None:
    message = load("otel_events")
    for record in message["resourceLogs"][0]["scopeLogs"][0]["logRecords"]:
        record["timeUnixNano"] = record["observedTimeUnixNano"] = str(nanoseconds)

    for value in (as_bytes(message), as_protobuf(message)):
        # Where there is no time the record's own counts.
        assert ("bad_timestamp" if nanoseconds else "exchange") == check(value)


NUMBERS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=20)
)
TEXTS = st.text(st.characters(exclude_categories=()), max_size=8)
JSON_VALUES = st.recursive(
    NUMBERS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
#: Every key of the fixtures, so that what is made up comes near to what is read.
KEYS = st.sampled_from(
    sorted(
        {
            step
            for name in NAMES
            for path in paths(load(name))
            for step in path
            if isinstance(step, str)
        }
    )
)
NEAR_MISSES = st.recursive(
    NUMBERS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=8),
    max_leaves=30,
)
ANY_VALUES = st.recursive(
    st.builds(lambda text: {"stringValue": text}, st.text(max_size=8))
    | st.builds(lambda number: {"intValue": str(number)}, st.integers(-(2**63), 2**63 - 1)),
    lambda inner: (
        st.builds(lambda values: {"arrayValue": {"values": values}}, st.lists(inner, max_size=3))
        | st.builds(
            lambda pairs: {"kvlistValue": {"values": [{"key": k, "value": v} for k, v in pairs]}},
            st.lists(
                st.tuples(
                    st.sampled_from(["role", "parts", "content", "type", "text", "finish_reason",
                                     "tool_calls", "function", "name", "arguments", "index",
                                     "message"]),
                    inner,
                ),
                max_size=4,
            ),
        )
    ),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
@example(b'{"prompt": 1e999}')
@example(b'{"prompt": "x", "metadata": {"a": 1e999, "b": "\\ud800"}}')
@example(b'{"prompt": "x", "timestamp": 1e999, "id": "\\ud800"}')
@example(b'{"prompt": "x", "metadata": {"a": ' + b"9" * 5000 + b"}}")
@example(b"\xef\xbb\xbf{}")
@example(b"\x0a\x00")
@example(b"\x0a\x02\x12\x00")
def test_any_bytes(value: bytes) -> None:
    check(value)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(JSON_VALUES | NEAR_MISSES)
@example({"request": {"messages": [], "tools": "\ud800"}})
def test_any_json(value: Any) -> None:
    check(json.dumps(value).encode("utf-8", "surrogatepass"))


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(FORMATS))
@settings(max_examples=25, deadline=None)
@given(value=NEAR_MISSES | st.dictionaries(KEYS, NEAR_MISSES, max_size=8))
def test_any_json_with_a_named_format(name: str, value: Any) -> None:
    check(json.dumps(value).encode("utf-8", "surrogatepass"), format=name, join=JOINED)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.data())
def test_mutated_fixtures_raise_record_errors_only(data: st.DataObject) -> None:
    content = load(data.draw(st.sampled_from(NAMES)))
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(list(paths(content))))
        content = replaced(content, path, data.draw(JSON_VALUES | NEAR_MISSES))
    check(json.dumps(content).encode("utf-8", "surrogatepass"))


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(value=ANY_VALUES, name=st.sampled_from(
    ["gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions",
     "gen_ai.prompt", "gen_ai.completion", "gen_ai.prompt.0.content", "user.id", "error.type",
     "gen_ai.response.finish_reasons", "gen_ai.operation.name", "event.name"]))  # fmt: skip
def test_any_value_of_an_attribute_of_opentelemetry(value: Any, name: str) -> None:
    message = load("otel_details")
    for record in message["resourceLogs"][0]["scopeLogs"][0]["logRecords"]:
        record["attributes"] = [
            *(entry for entry in record["attributes"] if entry["key"] != name),
            {"key": name, "value": value},
        ]
        record["body"] = value
    assert check(as_bytes(message)) == check(as_protobuf(message))


@pytest.mark.parametrize("name", OTLP_NAMES)
def test_mutated_protobuf(name: str) -> None:
    rng = random.Random(name)
    whole = as_protobuf(load(name))
    for _ in range(300):
        check(mutated(whole, rng, [whole]))


@pytest.mark.slow
def test_a_short_run_of_the_fuzzer() -> None:
    result, _ = fuzz(seed=7, executions=1500, seconds=60)

    assert result["exchange"] > 150
    assert len(result) > 8


def test_an_unknown_field_of_a_newer_protocol_is_no_harm() -> None:
    message = as_protobuf(load("otel_details"))
    request = ExportLogsServiceRequest.FromString(message)
    (resource,) = request.resource_logs
    newer = field(1, resource.SerializeToString() + field(15, b"new"))
    assert decode(message).exchanges == decode(newer).exchanges
