"""Kafka consumer: connection, subscription, start-up checks."""

import importlib.util
from collections.abc import Iterable
from queue import SimpleQueue
from typing import Any, Literal

from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from monitor.errors import BrokerUnavailableError, ConfigurationError
from monitor.settings import Kafka, Secrets
from monitor.traffic.kafka.security.client_options import client_options
from monitor.traffic.kafka.security.handshake import (
    TIMEOUT_SECONDS,
    parse_addresses,
    require_all_brokers,
    require_broker,
)
from monitor.traffic.kafka.wire.decompression import missing_codecs
from monitor.traffic.kafka.wire.partition_reader import use_sampling_reader
from monitor.traffic.kafka.wire.receive_buffer import use_receive_buffers
from monitor.traffic.kafka.wire.selection import Selection

BOOTSTRAP_TIMEOUT_MS = 10_000
PROBE_TIMEOUT_MS = 10_000
#: Bytes per fetch response, unless one batch is larger.
FETCH_BYTES = 16 * 2**20
#: Parts of partitions per poll; each is bounded by itself.
PARTS_PER_POLL = 8


def require_codecs() -> None:
    """Check that the codecs and a fast CRC-32C are installed.

    Raises:
        ConfigurationError: A compression codec or the C implementation of CRC-32C is missing.
    """
    missing = missing_codecs()
    if importlib.util.find_spec("crc32c") is None:
        # Without it the consumer is twenty times slower, silently.
        missing.append("crc32c")
    if missing:
        raise ConfigurationError(
            f"kafka-python lacks codecs: {', '.join(missing)}; install "
            "'kafka-python[crc32c,lz4,snappy,zstd]' in driftwarden's environment"
        )


class RebalanceListener(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka publishes no types
    """Listener that pauses assigned partitions and queues rebalance events.

    It runs on the consumer's own thread, which also sends the heartbeats, so it must not block or
    wait for the broker. The main loop looks up the offsets and resumes.
    """

    def __init__(self) -> None:
        self.consumer: Any = None
        self.events: SimpleQueue[tuple[Literal["assigned", "revoked"], set[TopicPartition]]] = (
            SimpleQueue()
        )

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Pause the partitions until the main loop knows their offsets."""
        partitions = set(assigned)
        self.consumer.pause(*partitions)
        self.events.put(("assigned", partitions))

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Queue the revocation; the database has the partitions' offsets."""
        self.events.put(("revoked", set(revoked)))


def open_consumer(
    settings: Kafka, secrets: Secrets, listener: RebalanceListener, selection: Selection
) -> Any:
    """Open a consumer of the topic; its ``poll`` returns lists of ``FetchedPart``.

    Raises:
        BrokerUnavailableError: No broker is available.
        ConfigurationError: The client rejects the settings.
    """
    consumer = connect(
        settings,
        secrets,
        group_id=settings.group_id,
        # The database owns the offsets. A missing one is an error, not a silent jump.
        enable_auto_commit=False,
        auto_offset_reset="none",
        # An exception in a deserializer would hang poll() for ever; records are decoded later.
        key_deserializer=None,
        value_deserializer=None,
        isolation_level="read_committed",
        max_poll_records=PARTS_PER_POLL,
        fetch_max_bytes=FETCH_BYTES,
        max_poll_interval_ms=round(settings.max_poll_interval.total_seconds() * 1000),
        session_timeout_ms=round(settings.session_timeout.total_seconds() * 1000),
        heartbeat_interval_ms=min(3000, round(settings.session_timeout.total_seconds() * 1000 / 3)),
    )
    use_sampling_reader(consumer, selection, max_records=settings.max_poll_records)
    use_receive_buffers(consumer)
    listener.consumer = consumer
    consumer.subscribe([settings.topic], listener=listener)
    return consumer


def probe_topic(
    settings: Kafka, secrets: Secrets, handshake_seconds: float = TIMEOUT_SECONDS
) -> dict[int, int]:
    """Return the end offset of each of the topic's partitions without joining a group.

    ``handshake_seconds`` is the time limit of each step of the handshake with a broker.

    Raises:
        BrokerUnavailableError: No broker is available.
        ConfigurationError: The topic doesn't exist, or the client rejects the settings.
    """
    require_codecs()
    consumer = connect(
        settings, secrets, handshake_seconds, group_id=None, enable_auto_commit=False
    )
    ends: dict[TopicPartition, int] = {}
    try:
        partitions = consumer.partitions_for_topic(settings.topic)
        if partitions:
            listed = [TopicPartition(settings.topic, number) for number in partitions]
            ends = consumer.end_offsets(listed, timeout_ms=PROBE_TIMEOUT_MS)
    except KafkaError as error:
        explain_failure(consumer, settings, secrets, error)
    finally:
        consumer.close(autocommit=False)
    if not partitions:
        raise ConfigurationError(
            f"kafka.topic = {settings.topic!r}: no such topic, or no permission to describe it; "
            "create the topic or grant the permission"
        )
    return {partition.partition: end for partition, end in ends.items()}


def connect(
    settings: Kafka,
    secrets: Secrets,
    handshake_seconds: float = TIMEOUT_SECONDS,
    **options: Any,
) -> Any:
    """Open a consumer with the client's options.

    Raises:
        BrokerUnavailableError: No broker is available.
        ConfigurationError: The client rejects the settings.
    """
    # First: a consumer that fails to open leaks its thread, and doesn't say why.
    addresses = parse_addresses(settings.bootstrap_servers)
    require_broker(addresses, settings, secrets, handshake_seconds)
    options |= client_options(settings, secrets)
    try:
        return KafkaConsumer(
            bootstrap_servers=[a.strip() for a in settings.bootstrap_servers.split(",")],
            client_id="driftwarden",
            allow_auto_create_topics=False,
            bootstrap_timeout_ms=BOOTSTRAP_TIMEOUT_MS,
            metrics_enabled=False,
            **options,
        )
    except KafkaError as error:
        raise BrokerUnavailableError(f"{settings.bootstrap_servers}: {error}") from error
    except (OSError, ValueError, TypeError, AssertionError) as error:
        raise ConfigurationError(f"[kafka] is invalid: {error}") from error


def explain_failure(consumer: Any, settings: Kafka, secrets: Secrets, error: KafkaError) -> None:
    """Raise why brokers that a cluster advertises, bootstrap servers or not, can't be used.

    Raises:
        BrokerRefusedError: One refuses this client.
        BrokerUnavailableError: One doesn't listen, or the reason is unknown.
    """
    brokers = [(broker.host, broker.port) for broker in consumer._cluster.brokers()]  # noqa: SLF001
    require_all_brokers(brokers, settings, secrets)
    raise BrokerUnavailableError(f"{settings.bootstrap_servers}: {error}") from error
