"""What was decoded, as rows of the store."""

from datetime import datetime

import msgspec

from monitor.store.traffic.exchanges import ExchangeRow, Position
from monitor.store.traffic.pending_halves import HalfRow
from monitor.traffic.exchange import Exchange, Half
from monitor.traffic.sampling.design import Lot
from monitor.traffic.sampling.sampler import Draw


def exchange_row(
    exchange: Exchange, lot: Lot, *, position: Position, received_at: datetime
) -> ExchangeRow:
    """Return the row that stores an exchange."""
    return ExchangeRow(
        position=position,
        exchange_id=exchange.exchange_id,
        occurred_at=exchange.occurred_at,
        received_at=received_at,
        model=exchange.model,
        task_type=exchange.task_type,
        user=exchange.user,
        messages=[{"role": m.role, "content": m.content} for m in exchange.messages],
        prompt=exchange.prompt,
        response=exchange.response,
        attributes=exchange.attributes,
        truncated=exchange.truncated,
        randomness=lot.randomness,
        threshold=lot.threshold,
        candidate_threshold=lot.candidate_threshold,
        inclusion_probability=lot.inclusion_probability,
        floor_size=lot.floor_size,
    )


def half_row(half: Half, *, position: Position, received_at: datetime, draw: Draw) -> HalfRow:
    """Return the row in which a half waits."""
    return HalfRow(
        position=position,
        join_id=half.join_id,
        side=half.side,
        user=half.exchange.user,
        occurred_at=half.exchange.occurred_at,
        received_at=received_at,
        randomness=draw.randomness,
        threshold=draw.threshold,
        inclusion_probability=draw.inclusion_probability,
        payload=msgspec.to_builtins(half.exchange),
    )
