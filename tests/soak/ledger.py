"""Produced records with their acknowledged offsets, independent of ingest."""

from array import array
from dataclasses import dataclass
from typing import Any

NOWHERE = -1


@dataclass(frozen=True)
class Cut:
    """Records deleted from the start of a partition, up to but without ``before``."""

    partition: int
    before: int
    #: The next offset in the database when nobody ran; ``None`` where ingest was running.
    stored: int | None


class Ledger:
    """Partition and offset of each record number, as acknowledged by the broker."""

    def __init__(self) -> None:
        self.partitions = array("b")
        self.offsets = array("q")
        #: Numbers whose transaction was aborted: nobody may ever read them.
        self.aborted: set[int] = set()
        #: Numbers of which the broker never said what became of them.
        self.unconfirmed: set[int] = set()
        self.cuts: list[Cut] = []

    def __len__(self) -> int:
        """Return the number of produced records."""
        return len(self.offsets)

    def next_number(self) -> int:
        """Register a record before it is sent."""
        self.partitions.append(NOWHERE)
        self.offsets.append(NOWHERE)
        return len(self.offsets) - 1

    def placed(self, number: int, metadata: Any) -> None:
        """Record the broker's acknowledgement."""
        self.partitions[number] = metadata.partition
        self.offsets[number] = metadata.offset
