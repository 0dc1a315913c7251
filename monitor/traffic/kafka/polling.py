"""One poll after another, whatever Kafka says: an error is noted and waited out."""

import threading
from typing import Any

from kafka import TopicPartition
from kafka.errors import CorruptRecordError, NoOffsetForPartitionError, OffsetOutOfRangeError

from monitor.telemetry import SERVICE_FAILURES, get_logger
from monitor.traffic.backoff import Backoff
from monitor.traffic.kafka.assignment import Assignment
from monitor.traffic.kafka.wire.selection import FetchedPart

log = get_logger(__name__)

POLL_MS = 500
#: While a batch waits for the worker, or offsets for the database, the loop looks more often.
BUSY_POLL_MS = 50
#: How long polling rests after it met a log that the broker itself can't read.
DAMAGED_LOG_SECONDS = 1.0

Polled = dict[TopicPartition, list[FetchedPart]]


class Polling:
    """Polls a consumer and never raises."""

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
        """Return what has come, within half a second, or sooner where something else is waited for.

        A partition whose next record the broker no longer has is marked in the assignment.
        """
        busy = busy or bool(self._assignment.unknown)
        try:
            polled: Polled = self._consumer.poll(timeout_ms=BUSY_POLL_MS if busy else POLL_MS)
        except OffsetOutOfRangeError as error:
            for partition in error.args[0]:
                self._assignment.mark_out_of_range(partition)
        except NoOffsetForPartitionError:
            pass  # assigned, and not looked up in the database yet
        except CorruptRecordError as error:
            # The broker can't find its way through a log. Its operator may repair it: nothing is
            # skipped, and the other partitions must not wait.
            SERVICE_FAILURES.labels("kafka").inc()
            log.warning("a partition can't be read from; trying again", error=str(error))
            self._stop.wait(DAMAGED_LOG_SECONDS)
        except Exception as error:  # noqa: BLE001 - whatever it raises, polling must go on
            SERVICE_FAILURES.labels("kafka").inc()
            log.warning(
                "Kafka is in trouble; trying again", error=f"{type(error).__name__}: {error}"
            )
            self._backoff.wait(self._stop)
        else:
            self._backoff.reset()
            return polled
        return {}
