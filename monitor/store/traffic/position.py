"""Position of a record in its source."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Position:
    """The place of a record: a Kafka topic or a file, its partition and offset."""

    source: str
    partition: int
    offset: int
    #: Position inside a record that carries several exchanges.
    record_index: int = 0
