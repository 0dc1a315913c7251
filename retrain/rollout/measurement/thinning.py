"""Thinning of observations by end user, to the same share in both arms."""

from collections.abc import Sequence
from hashlib import blake2b

from retrain.rollout.rows.measured_hours import TextRow


def thin(rows: Sequence[TextRow], limit: int) -> list[TextRow]:
    """Return about ``limit`` observations at most: of an end user all or none."""
    share = min(1.0, limit / max(len(rows), 1))
    return [row for row in rows if place_of(row) < share]


def place_of(row: TextRow) -> float:
    """Return a number in [0, 1) of an end user, or of an exchange without one."""
    name = row.end_user or row.exchange_id
    digest = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
