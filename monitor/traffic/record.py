"""Undecoded record from Kafka or a file."""

from dataclasses import dataclass, replace
from datetime import datetime

from monitor.store.traffic.position import Position
from monitor.traffic.sampling.observation_plan import ObservationPlan


@dataclass(frozen=True, slots=True)
class RawRecord:
    """An undecoded record and its position."""

    position: Position
    key: bytes | None
    #: ``None`` for a tombstone.
    value: bytes | None
    #: Kafka's timestamp, or the time of reading; used if the content has none.
    timestamp: datetime
    headers: tuple[tuple[str, bytes | None], ...] = ()
    #: Time of reading; ``None`` if the content may be of any age, as in a file.
    read_at: datetime | None = None
    #: Its format, if it differs from ``traffic.format``.
    format_name: str = ""
    #: Whether the sample has it; else it was read to be observed only.
    sampled: bool = True
    #: The plan of observation under which it was read; ``None``: it is not observed.
    plan: ObservationPlan | None = None

    @property
    def size_bytes(self) -> int:
        """The size of the value."""
        return len(self.value or b"")

    def place_of(self, index: int) -> Position:
        """Return the position of a part of this record."""
        if not index:
            return self.position
        return replace(self.position, record_index=self.position.record_index + index)

    def header(self, name: str) -> bytes | None:
        """Return the first header of this name."""
        return next((value for key, value in self.headers if key == name), None) if name else None

    def identity(self, id_header: str) -> bytes:
        """Return the identity that sampling hashes: a header or, if its name is empty, the key."""
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
    """Return the identity of a record: the id header, else the key, else the position."""
    return id_header or key or f"{source}/{partition}/{offset}".encode()
