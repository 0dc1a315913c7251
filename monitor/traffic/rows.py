"""Decoded exchanges and halves as rows of their tables."""

from datetime import datetime
from operator import attrgetter
from typing import Any

import msgspec

from monitor.store.traffic.exchange_columns import NAMES
from monitor.store.traffic.position import HalfRow, Position
from monitor.traffic.exchange import Exchange, Half
from monitor.traffic.sampling.design import SamplingOutcome
from monitor.traffic.sampling.sampler import Draw

#: Attributes of an exchange that are columns of the table, without its conversation.
CONTENT = tuple(name for name in Exchange.__struct_fields__ if name in NAMES - {"messages"})
_VALUES = attrgetter(*CONTENT)


def content_row(exchange: Exchange, *, with_messages: bool = True) -> dict[str, Any]:
    """Return what an exchange says, by the names of the table's columns.

    The conversation is included where it is asked for: no comparison reads it.
    """
    row = dict(zip(CONTENT, _VALUES(exchange), strict=True))
    if with_messages:
        row["messages"] = msgspec.to_builtins(exchange.messages)
    row["prompt"] = exchange.prompt
    return row


def exchange_row(
    exchange: Exchange, outcome: SamplingOutcome, *, position: Position, received_at: datetime
) -> dict[str, Any]:
    """Return all of a sampled exchange, by the names of the table's columns."""
    return {
        **content_row(exchange),
        **vars(outcome),
        **vars(position),
        "received_at": received_at,
    }


def half_row(half: Half, *, position: Position, received_at: datetime, draw: Draw) -> HalfRow:
    """Return the row in which a half waits for its partner."""
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
