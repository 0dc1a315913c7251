"""Complete receipt of responses from a real broker, and over TLS."""

import random
import selectors
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from bench.services.requirement import program
from monitor.traffic.kafka.wire.receive_buffer import ReceiveBuffer, use_receive_buffers

N_RECORDS = 300
RESPONSE_BYTES = [70_000, 81_916, 65_532, 1_000_000, 16_384]


def read_all(bootstrap_servers: str, topic: str, *, in_place: bool) -> list[tuple[Any, ...]]:
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap_servers, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    if in_place:
        use_receive_buffers(consumer)
    consumer.assign([TopicPartition(topic, n) for n in consumer.partitions_for_topic(topic)])
    result = []
    while len(result) < N_RECORDS:
        for records in consumer.poll(timeout_ms=1000).values():
            result += [(r.partition, r.offset, r.key, r.value) for r in records]
    connections = [conn for conn in consumer._manager._conns.values() if conn.parser]
    received_by = {
        getattr(connection.parser.receive_bytes, "__self__", None).__class__
        for connection in connections
    }
    assert (received_by == {ReceiveBuffer}) == in_place
    consumer.close(autocommit=False)
    return sorted(result)


@pytest.mark.kafka
def test_a_brokers_responses_are_those_that_kafka_python_reads(
    bootstrap_servers: str, topic: str, producer: KafkaProducer
) -> None:
    rng = random.Random(7)
    for number in range(N_RECORDS):
        size = rng.choice([0, 10, 4_000, 100_000, 600_000 if number % 20 == 0 else 1_000])
        producer.send(topic, key=b"%d" % number, value=rng.randbytes(size))
    producer.flush()
    expected = read_all(bootstrap_servers, topic, in_place=False)
    assert expected == read_all(bootstrap_servers, topic, in_place=True)


@pytest.fixture
def tls_pair(tmp_path: Path) -> Callable[[], tuple[ssl.SSLSocket, ssl.SSLSocket]]:
    """Return two ends of a TLS connection; the client's end is non-blocking."""
    openssl = program("openssl", "install OpenSSL (`apt-get install openssl`)")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [
            *(openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"),
            *("-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )

    def connect() -> tuple[ssl.SSLSocket, ssl.SSLSocket]:
        serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        serving.load_cert_chain(certificate, key)
        asking = ssl.create_default_context(cafile=str(certificate))
        theirs, ours = socket.socketpair()
        ends: list[ssl.SSLSocket] = []
        thread = threading.Thread(
            target=lambda: ends.append(serving.wrap_socket(theirs, server_side=True))
        )
        thread.start()
        client = asking.wrap_socket(ours, server_hostname="localhost")
        thread.join()
        client.setblocking(False)
        return ends[0], client

    return connect


class Parser:
    """A parser that accepts every response."""

    def _validate_frame_size(self, length: int) -> None:
        assert length in RESPONSE_BYTES

    def _process_response(self, frame: Any) -> tuple[int, bytes]:
        return 0, bytes(frame.read())


def test_decrypted_bytes_are_read_without_waiting(
    tls_pair: Callable[[], tuple[ssl.SSLSocket, ssl.SSLSocket]],
) -> None:
    """TLS decrypts 16 KiB at once; a selector doesn't report the decrypted rest."""
    server, client = tls_pair()
    sent = [random.Random(size).randbytes(size) for size in RESPONSE_BYTES]
    buffer = ReceiveBuffer(SimpleNamespace(_sock=client), Parser())
    result: list[bytes] = []
    with selectors.DefaultSelector() as selector, server, client:
        selector.register(client, selectors.EVENT_READ)
        for content in sent:
            message = len(content).to_bytes(4, "big") + content
            thread = threading.Thread(target=server.sendall, args=(message,))
            thread.start()
            n_before = len(result)
            while len(result) == n_before:
                assert selector.select(timeout=10), "nothing comes any more"
                data, error = buffer.receive()
                assert error is None
                result += [take_response for _, take_response in buffer.take_responses(data)]
            thread.join()
    assert sent == result
