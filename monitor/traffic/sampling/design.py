"""Configured sampling design: which records are decoded, which exchanges are stored."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC
from typing import Any

import numpy as np

from monitor.settings import Sections
from monitor.traffic.exchange import Exchange
from monitor.traffic.record import RawRecord
from monitor.traffic.sampling.bottom_k import BottomKCandidates
from monitor.traffic.sampling.rates import SamplingRates
from monitor.traffic.sampling.sampler import Draw, Sampler, randomness_of


@dataclass(frozen=True, kw_only=True)
class SamplingOutcome:
    """Sampling columns of an exchange, named as in the table."""

    randomness: int
    #: Threshold T of the rate of its model and task type.
    threshold: int
    #: Records with R at least this were decoded.
    candidate_threshold: int
    #: Probability of R >= T, times that of earlier stages.
    inclusion_probability: float
    #: ``traffic.min_samples_per_task_type`` in force; 0 for none.
    min_sample_size: int


def baseline_outcome(exchange_id: str) -> SamplingOutcome:
    """Return the sampling outcome of a baseline's exchange, which is stored with certainty.

    Its randomness serves to thin the baseline where the traffic is thinned. It is independent of
    the traffic's, from which the baseline may have been sampled.
    """
    return SamplingOutcome(
        randomness=randomness_of(b"baseline/" + exchange_id.encode("utf-8", "surrogatepass")),
        threshold=0,
        candidate_threshold=0,
        inclusion_probability=1.0,
        min_sample_size=0,
    )


def baseline_sampling(exchange_ids: Sequence[str]) -> dict[str, Any]:
    """Return the sampling columns of a baseline's exchanges, each ``[n]``."""
    outcomes = [baseline_outcome(exchange_id) for exchange_id in exchange_ids]
    return {
        field.name: np.array([getattr(outcome, field.name) for outcome in outcomes])
        for field in fields(SamplingOutcome)
    }


class SamplingDesign:
    """Two-stage sampling: by the highest rate before decoding, by each exchange's own rate after.

    Both stages use the same randomness, so together they equal sampling by the own rate alone. A
    process has one design, which remembers the candidates for minimum samples. Its ``sampler`` is
    the stage before decoding.
    """

    def __init__(self, settings: Sections) -> None:
        traffic = settings.traffic
        self._rates = SamplingRates(settings)
        self._by_exchange = traffic.sample_by == "exchange"
        self._id_header = traffic.id_header
        self._min_sample_size = traffic.min_samples_per_task_type
        size = self._min_sample_size
        self._candidates = BottomKCandidates(size) if size else None
        search = traffic.task_type_search_rate if size else 0.0
        self._widest = max(self._rates.highest, search)
        # Sampled by exchange, any record may hold a sampled exchange: all are decoded.
        self.sampler = Sampler(
            1.0 if self._by_exchange else self._widest,
            honour_threshold=traffic.tracestate_threshold == "honour",
        )

    def draw(self, record: RawRecord) -> Draw:
        """Return the draw of a record that the first stage sampled."""
        draw = self.sampler.draw(record.identity(self._id_header), record.headers)
        return Draw(draw.randomness, draw.threshold_at(self.sampler.rate), draw.probability)

    def upstream(self, record: RawRecord) -> Draw:
        """Return the draw of a record by earlier stages, before any rate of this process."""
        return self.sampler.draw(record.identity(self._id_header), record.headers)

    def upstream_of(self, draw: Draw, identity: str) -> Draw:
        """Return the draw of an exchange, or of a half by its join id, before any rate."""
        if not self._by_exchange:
            return draw
        own = randomness_of(identity.encode("utf-8", "surrogatepass"))
        return Draw(own, 0, draw.inclusion_probability)

    def select(self, draw: Draw, exchange: Exchange) -> SamplingOutcome | None:
        """Return the sampling outcome of an exchange; ``None`` if it isn't stored."""
        if self._by_exchange:
            # The record's randomness and the exchange's are independent stages.
            identity = exchange.exchange_id.encode("utf-8", "surrogatepass")
            draw = Draw(randomness_of(identity), 0, draw.inclusion_probability)
        return self.decide(draw, exchange)

    def draw_half(self, draw: Draw, join_id: str) -> Draw | None:
        """Return the draw of a request or response by its join id; ``None`` if it isn't sampled."""
        if not self._by_exchange:
            return draw
        randomness = randomness_of(join_id.encode("utf-8", "surrogatepass"))
        own = Draw(randomness, 0, draw.inclusion_probability)
        threshold = own.threshold_at(self._widest)
        return own._replace(threshold=threshold) if randomness >= threshold else None

    def unsampled_draw(self, draw: Draw, join_id: str) -> Draw:
        """Return the draw of a half that the sample does not have; see ``HalfRow.is_sampled``."""
        if not self._by_exchange:
            return draw
        own = self.upstream_of(draw, join_id)
        return own._replace(threshold=own.threshold_at(self._widest))

    def sample_probability(self, draw: Draw) -> float:
        """Return the probability with which the first stage samples a record."""
        return draw.probability_at(draw.threshold_at(self.sampler.rate))

    def decide(self, draw: Draw, exchange: Exchange) -> SamplingOutcome | None:
        """Return the outcome by the rate of the exchange's model and task type."""
        threshold = draw.threshold_at(self._rates.rate_for(exchange.model, exchange.task_type))
        if not self._is_candidate(draw, exchange) and draw.randomness < threshold:
            return None
        return SamplingOutcome(
            randomness=draw.randomness,
            threshold=threshold,
            candidate_threshold=draw.threshold,
            inclusion_probability=draw.probability_at(threshold),
            min_sample_size=self._min_sample_size,
        )

    def _is_candidate(self, draw: Draw, exchange: Exchange) -> bool:
        if self._candidates is None:
            return False
        day = exchange.occurred_at.astimezone(UTC).date()
        stratum = (exchange.model, exchange.task_type, day)
        return self._candidates.admits(stratum, draw.randomness)
