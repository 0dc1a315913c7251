"""One record as it comes from Kafka or a file, before anybody looked into it."""

from dataclasses import dataclass
from datetime import datetime

from monitor.store.exchanges import Position
from monitor.traffic.sampling import record_identity


@dataclass(frozen=True, slots=True)
class RawRecord:
    """Bytes and where they stood."""

    position: Position
    key: bytes | None
    #: ``None`` for a tombstone.
    value: bytes | None
    #: Kafka's timestamp, or when the file was read; used where the content carries none.
    timestamp: datetime
    headers: tuple[tuple[str, bytes | None], ...] = ()

    @property
    def size_bytes(self) -> int:
        """Return the size of the value."""
        return len(self.value or b"")

    def identity(self, id_header: str) -> bytes:
        """Return what sampling hashes.

        Args:
            id_header: Name of the header that identifies a request; empty: the key does.
        """
        header = next((v for name, v in self.headers if name == id_header), None)
        position = self.position
        return record_identity(
            self.key,
            header if id_header else None,
            source=position.source,
            partition=position.partition,
            offset=position.offset,
        )
