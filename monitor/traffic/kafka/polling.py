"""Polling that survives every error of the client."""

import threading
from typing import Any

from kafka import TopicPartition
from kafka.errors import CorruptRecordError, NoOffsetForPartitionError, OffsetOutOfRangeError

from monitor.errors import loggable
from monitor.telemetry import SERVICE_FAILURES, get_logger
from monitor.traffic.backoff import Backoff
from monitor.traffic.kafka.assignment import Assignment
from monitor.traffic.kafka.wire.selection import FetchedPart

log = get_logger(__name__)

POLL_MS = 500
#: Poll timeout while a batch waits for the worker or offsets for the database.
BUSY_POLL_MS = 50
#: Pause after a log that the broker itself can't read.
DAMAGED_LOG_SECONDS = 1.0

Polled = dict[TopicPartition, list[FetchedPart]]


class Polling:
    """Poller of a consumer; it never raises."""

    def __init__(
        self,
        consumer: Any,
        assignment: Assignment,
        stop: threading.Event,
        *,
        longest_wait_seconds: float,
    ) -> None:
        self._consumer = consumer
        self._assignment = assignment
        self._stop = stop
        self._backoff = Backoff(cap_seconds=longest_wait_seconds)

    def poll(self, *, busy: bool) -> Polled:
        """Return the fetched parts, within half a second, or sooner while ``busy``.

        Partitions whose next record the broker no longer has are marked in the assignment.
        """
        busy = busy or bool(self._assignment.unknown)
        try:
            polled: Polled = self._consumer.poll(timeout_ms=BUSY_POLL_MS if busy else POLL_MS)
        except OffsetOutOfRangeError as error:
            for partition in error.args[0]:
                self._assignment.mark_out_of_range(partition)
        except NoOffsetForPartitionError:
            pass  # assigned; its offset is not looked up yet
        except CorruptRecordError as error:
            # The broker can't read a log that its operator may repair: nothing is skipped, and the
            # other partitions must not wait.
            SERVICE_FAILURES.labels("kafka").inc()
            log.warning("partition_unreadable", error=str(error), action="retry")
            self._stop.wait(DAMAGED_LOG_SECONDS)
        except Exception as error:  # noqa: BLE001 - whatever it raises, polling must go on
            SERVICE_FAILURES.labels("kafka").inc()
            log.warning("poll_failed", error=loggable(error), action="retry")
            self._backoff.wait(self._stop)
        else:
            self._backoff.reset()
            return polled
        return {}
