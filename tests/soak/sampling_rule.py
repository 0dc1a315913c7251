"""The sampling rule, written out again from its definition, so that the soak believes nobody.

A record is identified by its id header, else its key, else `topic/partition/offset`. R is the low
56 bits of XXH3-64 of that; the record is kept when R >= T, and T is (1 - rate) of 2**56.
"""

from decimal import Decimal

import xxhash

from tests.soak.records import ID_HEADER, SoakRecord


def is_kept(record: SoakRecord, topic: str, partition: int, offset: int, rate: str) -> bool:
    """Return whether sampling keeps a record that stands at an offset."""
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
