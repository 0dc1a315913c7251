"""What was decoded, as rows of the store."""

from datetime import datetime

import msgspec

from monitor.store.traffic.exchanges import ExchangeRow, Position
from monitor.store.traffic.pending_halves import HalfRow
from monitor.traffic.exchange import Exchange, Half
from monitor.traffic.sampling.design import SamplingOutcome
from monitor.traffic.sampling.sampler import Draw


def exchange_row(
    exchange: Exchange, outcome: SamplingOutcome, *, position: Position, received_at: datetime
) -> ExchangeRow:
    """Return the row that stores an exchange."""
    return ExchangeRow(
        position=position,
        exchange_id=exchange.exchange_id,
        occurred_at=exchange.occurred_at,
        received_at=received_at,
        model=exchange.model,
        task_type=exchange.task_type,
        end_user=exchange.end_user,
        messages=[{"role": m.role, "content": m.content} for m in exchange.messages],
        prompt=exchange.prompt,
        response=exchange.response,
        attributes=exchange.attributes,
        truncated=exchange.truncated,
        randomness=outcome.randomness,
        threshold=outcome.threshold,
        candidate_threshold=outcome.candidate_threshold,
        inclusion_probability=outcome.inclusion_probability,
        min_sample_size=outcome.min_sample_size,
    )


def half_row(half: Half, *, position: Position, received_at: datetime, draw: Draw) -> HalfRow:
    """Return the row in which a half waits."""
    return HalfRow(
        position=position,
        join_id=half.join_id,
        side=half.side,
        end_user=half.exchange.end_user,
        occurred_at=half.exchange.occurred_at,
        received_at=received_at,
        randomness=draw.randomness,
        threshold=draw.threshold,
        inclusion_probability=draw.inclusion_probability,
        payload=msgspec.to_builtins(half.exchange),
    )
