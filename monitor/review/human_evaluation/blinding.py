"""Blind order of responses: a keyed shuffle for each rater, stored nowhere."""

import hashlib
import hmac
from collections.abc import Sequence
from typing import Protocol, TypeVar


class Identified(Protocol):
    """Anything with an id."""

    @property
    def id(self) -> int:
        """Its id."""


IdentifiedT = TypeVar("IdentifiedT", bound=Identified)


def blind_order(
    responses: Sequence[IdentifiedT], secret: bytes, *, item_id: int, reviewer_id: int
) -> list[IdentifiedT]:
    """Return responses in the order in which a rater sees them, the same at every visit.

    Sorted by the HMAC-SHA256 of item, rater and response under the human evaluation's secret:
    without the secret every order is equally likely, and the orders of other items and raters
    reveal nothing about it.
    """
    return sorted(
        responses,
        key=lambda response: keyed_digest(secret, "seen", item_id, reviewer_id, response.id),
    )


def keyed_digest(secret: bytes, *parts: str | int) -> bytes:
    """Return 32 bytes that can't be told from random ones without the secret."""
    # With their lengths, so that no two lists of parts have one encoding.
    encoded = b"".join(f"{len(str(part))}:{part}".encode() for part in parts)
    return hmac.new(secret, encoded, hashlib.sha256).digest()
