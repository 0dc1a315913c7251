"""Consistent probability sampling of records before decoding, equal on all replicas and replays.

The rule is OpenTelemetry's consistent-probability sampling: a record has 56 bits of randomness R
and is kept when R >= T. R comes with the trace (:mod:`monitor.traffic.sampling.trace_context`) or
is a hash of the request's identity. Rates that depend on decoded fields are applied to the same R
by :mod:`monitor.traffic.sampling.design`. See docs/explanation/sampling.md.
"""

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from xxhash import xxh3_64_intdigest

from monitor.telemetry import TRACE_CONTEXT_PROBLEMS
from monitor.traffic.sampling.trace_context import Header, has_trace_headers, read_upstream

RANDOMNESS_BITS = 56
SPACE = 1 << RANDOMNESS_BITS
_MASK = SPACE - 1


def randomness_of(identity: bytes) -> int:
    """Return R of a request's identity: the low 56 bits of its XXH3 hash."""
    return xxh3_64_intdigest(identity) & _MASK


@lru_cache(maxsize=4096)
def threshold_of(rate: float) -> int:
    """Return T of a sampling rate in (0, 1]; another one is a ``ValueError``."""
    if not 0 < rate <= 1:
        raise ValueError(f"a sampling rate lies in (0, 1], not {rate}")
    # Exact where a float isn't: 5% is 1/20. One value of R is always kept, so that no probability
    # is 0.
    return min(round((1 - Fraction(str(rate))) * SPACE), _MASK)


def probability_of(threshold: int) -> float:
    """Return the exact probability of R >= T."""
    return (SPACE - threshold) / SPACE


class Draw(NamedTuple):
    """Randomness and inclusion probability of a record so far: enough to sample it at any rate."""

    randomness: int
    #: Earlier stages on the same randomness passed R >= this.
    threshold: int = 0
    #: Probability with which earlier stages on other randomness passed it.
    probability: float = 1.0

    def threshold_at(self, rate: float) -> int:
        """Return T for a rate of the original traffic, given the earlier stages.

        Traffic that an independent stage has thinned is thinned less: the product of both stages is
        the rate, where possible.
        """
        left = rate if self.probability == 1.0 else min(1.0, rate / self.probability)
        return max(threshold_of(left), self.threshold)

    def probability_at(self, threshold: int) -> float:
        """Return the inclusion probability at threshold T."""
        return self.probability * probability_of(threshold)

    @property
    def inclusion_probability(self) -> float:
        """The probability of all stages so far."""
        return self.probability_at(self.threshold)


def stored_draw(randomness: int, threshold: int, inclusion_probability: float) -> Draw:
    """Return the draw of a stored row."""
    own = probability_of(threshold)
    earlier = 1.0 if inclusion_probability == own else inclusion_probability / own
    return Draw(randomness, threshold, earlier)


class Sampler:
    """Sampler of records with a known probability.

    A record without trace headers costs a hash and a comparison with :attr:`threshold`. Records
    with R >= ``threshold`` are sampled; ``inclusion_probability`` is the exact probability of that.
    """

    def __init__(self, rate: float, *, honour_threshold: bool = True) -> None:
        self.rate = rate
        self.threshold = threshold_of(rate)
        self.inclusion_probability = probability_of(self.threshold)
        self._honours = honour_threshold

    def keeps(self, identity: bytes, headers: Sequence[Header] = ()) -> bool:
        """Return whether the record with this identity and these headers is sampled."""
        if not headers or not has_trace_headers(headers):
            return randomness_of(identity) >= self.threshold
        draw, problem = self._read(identity, headers)
        if problem:
            TRACE_CONTEXT_PROBLEMS.labels(problem).inc()
        return draw.randomness >= draw.threshold_at(self.rate)

    def draw(self, identity: bytes, headers: Sequence[Header] = ()) -> Draw:
        """Return the draw of a record: its randomness and its earlier stages."""
        return self._read(identity, headers)[0] if headers else Draw(randomness_of(identity))

    def _read(self, identity: bytes, headers: Sequence[Header]) -> tuple[Draw, str]:
        upstream = read_upstream(headers, honour_threshold=self._honours)
        threshold = upstream.threshold or 0
        if upstream.randomness is not None:
            return Draw(upstream.randomness, threshold), upstream.problem
        # The earlier stage used other randomness: the two stages are independent.
        draw = Draw(randomness_of(identity), probability=probability_of(threshold))
        return draw, upstream.problem
