"""Independent implementation of the sampling rule for the soak.

A record is identified by its id header, else its key, else `topic/partition/offset`. R is the low
56 bits of XXH3-64 of that; the record is sampled if R >= T, with T = (1 - rate) 2**56.
"""

from decimal import Decimal

import xxhash

from tests.soak.records import ID_HEADER, SoakRecord


def is_kept(record: SoakRecord, topic: str, partition: int, offset: int, rate: str) -> bool:
    """Return whether sampling keeps a record at an offset."""
    identity = f"{topic}/{partition}/{offset}".encode()
    if record.key is not None:
        identity = record.key
    for name, value in record.headers:
        if name == ID_HEADER:
            identity = value
    randomness = int.from_bytes(xxhash.xxh3_64_digest(identity), "big") % 2**56
    return randomness >= threshold(rate)


def threshold(rate: str) -> int:
    """Return T for a rate."""
    return int((1 - Decimal(rate)) * 2**56)
