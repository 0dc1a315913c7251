"""Which records are kept: decided before decoding, the same way on every replica and replay.

The rule is OpenTelemetry's consistent-probability sampling: a record has 56 bits of randomness R
and is kept when R >= T. Here R is a hash of what identifies the request.
"""

from fractions import Fraction

from xxhash import xxh3_64_intdigest

RANDOMNESS_BITS = 56
_SPACE = 1 << RANDOMNESS_BITS
_MASK = _SPACE - 1


class Sampler:
    """Keeps a record with a known probability.

    Attributes:
        threshold: T; a record is kept when its randomness is at least T.
        inclusion_probability: The exact probability that T gives, stored with each sample.
    """

    def __init__(self, rate: float) -> None:
        if not 0 < rate <= 1:
            raise ValueError(f"a sampling rate lies in (0, 1], not {rate}")
        # Exact where a float isn't: 5% is 1/20. One value of R is always kept, so that no
        # probability is 0.
        self.threshold = min(round((1 - Fraction(str(rate))) * _SPACE), _MASK)
        self.inclusion_probability = (_SPACE - self.threshold) / _SPACE

    def keeps(self, identity: bytes) -> bool:
        """Return whether the record with this identity is kept."""
        return (xxh3_64_intdigest(identity) & _MASK) >= self.threshold


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
