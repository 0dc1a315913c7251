"""Membership of a consumer in its group, watched from outside of the client."""

import time
from typing import Any

from monitor.traffic.kafka.client_version import require_supported

#: Session timeouts without a byte to or from the coordinator: the group forgot the member in one.
SILENT_SESSIONS = 2


class Membership:
    """Watcher of a consumer's membership.

    kafka-python joins and sends heartbeats from its own thread. Should that stop, the group drops
    the member, and ``poll`` returns nothing for ever without an error.
    """

    def __init__(self, consumer: Any, *, session_seconds: float) -> None:
        """Watch a consumer of a group.

        Raises:
            ConfigurationError: The version of kafka-python is not supported.
        """
        self._coordinator: Any = getattr(consumer, "_coordinator", None)
        self._connections: Any = getattr(getattr(consumer, "_manager", None), "_conns", None)
        self._limit_seconds = SILENT_SESSIONS * session_seconds
        require_supported(
            is_known=hasattr(self._coordinator, "coordinator_id") and self._connections is not None
        )

    def is_lost(self) -> bool:
        """Return whether nothing maintains the membership; call it after a poll.

        A member has a request to its coordinator in flight while it waits for others to join, and
        sends a heartbeat at least every third of the session timeout at all other times. Without
        a connection it is not lost: the client connects again by itself.
        """
        connection = self._connections.get(self._coordinator.coordinator_id)
        transport = None if connection is None else connection.transport
        if transport is None or not connection.connected or connection.in_flight_requests:
            return False
        silent: float = time.monotonic() - transport.last_activity
        return silent > self._limit_seconds
