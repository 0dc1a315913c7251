"""One record as it comes from Kafka or a file, before anybody looked into it."""

from dataclasses import dataclass, replace
from datetime import datetime

from monitor.store.traffic.position import Position


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
    #: When it was read; ``None`` where its content may be of any age, as a file's.
    read_at: datetime | None = None
    #: The format it is in, where that isn't the one of the settings.
    format_name: str = ""

    @property
    def size_bytes(self) -> int:
        """Return the size of the value."""
        return len(self.value or b"")

    def place_of(self, index: int) -> Position:
        """Return the position of a part of this record, which may itself be a part of one."""
        return replace(self.position, record_index=self.position.record_index + index)

    def header(self, name: str) -> bytes | None:
        """Return the first header of this name."""
        return next((value for key, value in self.headers if key == name), None) if name else None

    def identity(self, id_header: str) -> bytes:
        """Return what sampling hashes.

        Args:
            id_header: Name of the header that identifies a request; empty: the key does.
        """
        position = self.position
        return record_identity(
            self.key,
            self.header(id_header),
            source=position.source,
            partition=position.partition,
            offset=position.offset,
        )


def record_identity(
    key: bytes | None,
    id_header: bytes | None,
    *,
    source: str,
    partition: int,
    offset: int,
) -> bytes:
    """Return what identifies a record: the id header, else the key, else where it stands."""
    return id_header or key or f"{source}/{partition}/{offset}".encode()
