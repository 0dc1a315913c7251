"""Receipt of responses in arbitrary parts, against kafka-python."""

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.errors import InvalidReceiveError, KafkaConnectionError
from kafka.protocol.consumer import FetchRequest, FetchResponse
from kafka.protocol.parser import KafkaProtocol

from monitor.errors import ConfigurationError
from monitor.traffic.kafka.wire.receive_buffer import (
    MAX_KEPT_BYTES,
    MIN_BYTES,
    ReceiveBuffer,
    use_receive_buffers,
)

VERSION = 12
SIZES = st.sampled_from([0, 1, 100, MIN_BYTES - 80, MIN_BYTES, 3 * MIN_BYTES])


class Socket:
    """A socket that delivers part by part, like TLS, and holds the rest of a part."""

    def __init__(self, parts: list[bytes]) -> None:
        self._parts = parts
        self._decrypted = b""

    def pending(self) -> int:
        return len(self._decrypted)

    def comes(self) -> bool:
        """Make the next part available."""
        self._decrypted = self._parts.pop(0) if self._parts else b""
        return bool(self._decrypted)

    def recv_into(self, room: memoryview) -> int:
        if not self._decrypted:
            raise BlockingIOError
        n_bytes = min(len(room), len(self._decrypted))
        room[:n_bytes] = self._decrypted[:n_bytes]
        self._decrypted = self._decrypted[n_bytes:]
        return n_bytes


def parser_of(n_requests: int) -> KafkaProtocol:
    parser = KafkaProtocol(client_id="test", receive_message_max_bytes=2 * MAX_KEPT_BYTES)
    for _ in range(n_requests):
        parser.send_request(FetchRequest[VERSION](max_wait_ms=1, min_bytes=1, topics=[]))
    return parser


def response(number: int, records: bytes) -> bytes:
    partition = FetchResponse.FetchableTopicResponse.PartitionData(
        partition_index=0, error_code=0, high_watermark=9, records=records
    )
    topic = FetchResponse.FetchableTopicResponse(topic="chat", partitions=[partition])
    reply = FetchResponse[VERSION](throttle_time_ms=0, error_code=0, responses=[topic])
    reply.with_header(correlation_id=number)
    return bytes(reply.encode(framed=True, header=True))


def shared_responses(responses: list[tuple[int, Any]]) -> list[tuple[int, Any]]:
    return [(number, response.to_dict()) for number, response in responses]


def received(parts: list[bytes], n_requests: int) -> tuple[list[tuple[int, Any]], ReceiveBuffer]:
    sock = Socket(list(parts))
    buffer = ReceiveBuffer(SimpleNamespace(_sock=sock), parser_of(n_requests))
    responses = []
    while sock.comes():
        while sock.pending():
            data, error = buffer.receive()
            assert error is None
            assert sock.pending() == 0, "nobody would come back for what TLS holds"
            responses += buffer.take_responses(data)
    return responses, buffer


@pytest.mark.slow
@given(st.lists(SIZES, min_size=1, max_size=6), st.lists(st.integers(1, 2 * MIN_BYTES)))
def test_receive_buffer_returns_the_same_as_kafka_python(
    sizes: list[int], lengths: list[int]
) -> None:
    sent = b"".join(
        response(number, bytes([number]) * size) for number, size in enumerate(sizes, start=1)
    )
    parts = []
    for length in lengths:
        parts.append(sent[:length])
        sent = sent[length:]
    parts = [part for part in [*parts, sent] if part]
    expected = parser_of(len(sizes)).receive_bytes(b"".join(parts))
    responses, _ = received(parts, len(sizes))
    assert shared_responses(expected) == shared_responses(responses)
    records = [response.responses[0].partitions[0].records for _, response in responses]
    assert [bytes([number]) * size for number, size in enumerate(sizes, start=1)] == records
    assert all(type(record) is bytes for record in records), (
        "views would change with the next response"
    )


def test_a_huge_response_keeps_no_memory() -> None:
    huge = response(1, bytes(MAX_KEPT_BYTES))
    responses, buffer = received([huge, response(2, b"x")], 2)
    assert [1, 2] == [number for number, _ in responses]
    assert len(buffer._bytes) == MIN_BYTES


def test_the_room_of_usual_responses_is_kept() -> None:
    responses, buffer = received([response(n, bytes(4 * MIN_BYTES)) for n in (1, 2, 3)], 3)
    assert len(responses) == 3
    assert 4 * MIN_BYTES < len(buffer._bytes) < 5 * MIN_BYTES


@pytest.mark.parametrize("length", [b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff"])
def test_a_length_that_cannot_be_is_refused(length: bytes) -> None:
    with pytest.raises(InvalidReceiveError):
        received([length], 1)


class Gone:
    """A connection that ended, cleanly or not."""

    def __init__(self, error: OSError | None) -> None:
        self._error = error

    def recv_into(self, _room: memoryview) -> int:
        if self._error:
            raise self._error
        return 0


@pytest.mark.parametrize("error", [None, ConnectionResetError("reset"), OSError("no route")])
def test_closed_connection_is_reported_as_an_error(error: OSError | None) -> None:
    buffer = ReceiveBuffer(SimpleNamespace(_sock=Gone(error)), parser_of(1))
    data, told_error = buffer.receive()
    assert len(data) == 0
    assert isinstance(told_error, KafkaConnectionError)


def test_another_kafka_python_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"kafka-python<3\.1"):
        use_receive_buffers(SimpleNamespace(_manager=SimpleNamespace()))
