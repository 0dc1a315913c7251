"""The order in which one person sees the answers to one item: a keyed shuffle, kept nowhere."""

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
    answers: Sequence[IdentifiedT], secret: bytes, *, item_id: int, reviewer_id: int
) -> list[IdentifiedT]:
    """Return answers in the order in which a person sees them, the same at every visit.

    Sorted by HMAC-SHA256 under the study's secret of item, person and answer: to whoever doesn't
    have the secret, every order is as likely as any other, and orders of other items and people
    tell nothing about it.
    """
    return sorted(
        answers, key=lambda one: keyed_digest(secret, "seen", item_id, reviewer_id, one.id)
    )


def keyed_digest(secret: bytes, *parts: str | int) -> bytes:
    """Return 32 bytes that only who has the secret can tell from random ones."""
    # With their lengths, so that no two lists of parts read the same.
    told = b"".join(f"{len(str(part))}:{part}".encode() for part in parts)
    return hmac.new(secret, told, hashlib.sha256).digest()
