"""Joining of requests and responses that are records of their own."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from monitor.settings import Traffic
from monitor.store.traffic.position import HalfRow, Position
from monitor.traffic.decoder import mark_withheld
from monitor.traffic.exchange import LABELS, Exchange, Half
from monitor.traffic.sampling.sampler import Draw, stored_draw


@dataclass(frozen=True)
class JoinedExchange:
    """An exchange of two records, at the position of the request."""

    exchange: Exchange
    position: Position
    draw: Draw
    received_at: datetime


#: Attribute of the half of an end user on the suppression list, whose partner is dropped by it.
SUPPRESSED = "driftwarden.suppressed"


def suppress(half: Half) -> Half:
    """Return a half without texts, ids and metadata, which waits for its partner to drop it too.

    It is withheld, so that no exchange of it is stored.
    """
    exchange = half.exchange
    return Half(
        half.side,
        half.join_id,
        Exchange(
            exchange_id=half.join_id,
            occurred_at=exchange.occurred_at,
            model=exchange.model,
            messages=(),
            response="",
            attributes={SUPPRESSED: True},
            record_index=exchange.record_index,
            withheld=True,
        ),
    )


def is_suppressed(half: HalfRow) -> bool:
    """Return whether a half is one of :func:`suppress`."""
    payload = half.payload
    return bool(payload.get("withheld")) and SUPPRESSED in payload.get("attributes", {})


def pair(halves: Iterable[HalfRow]) -> tuple[list[tuple[HalfRow, HalfRow]], list[HalfRow]]:
    """Return pairs of request and response, and the halves without a partner."""
    waiting: dict[tuple[str, str, str], list[HalfRow]] = {}
    pairs = []
    for half in halves:
        other = "response" if half.side == "request" else "request"
        source = half.position.source
        partners = waiting.get((source, half.join_id, other))
        if partners:
            partner = partners.pop(0)
            pairs.append((half, partner) if half.side == "request" else (partner, half))
        else:
            waiting.setdefault((source, half.join_id, half.side), []).append(half)
    return pairs, [half for left in waiting.values() for half in left]


def join(
    request: HalfRow, response: HalfRow, settings: Traffic, *, default_model: str
) -> JoinedExchange:
    """Return the exchange of a request and its response.

    One decision of the sampler kept both, so the smaller probability is that of the pair.
    """
    rarer = min(request, response, key=lambda half: half.inclusion_probability)
    first, second = decoded_half(request), decoded_half(response)
    labels = {name: getattr(first, name) or getattr(second, name) for name in LABELS}
    labels["model"] = labels["model"] or default_model
    exchange = replace(
        first,
        **labels,
        # A half without an id of its own has the join id.
        exchange_id=_own_id(first, request) or _own_id(second, response) or request.join_id,
        response=second.response,
        has_response=second.has_response,
        attributes=_attributes(first, second),
        truncated=first.truncated or second.truncated,
    )
    return JoinedExchange(
        exchange=mark_withheld(exchange, settings.withheld_texts),
        position=request.position,
        draw=stored_draw(rarer.randomness, rarer.threshold, rarer.inclusion_probability),
        received_at=max(request.received_at, response.received_at),
    )


def decoded_half(half: HalfRow) -> Exchange:
    """Return the decoded exchange of a half."""
    return msgspec.convert(half.payload, Exchange)


def _own_id(exchange: Exchange, half: HalfRow) -> str:
    return "" if exchange.exchange_id == half.join_id else exchange.exchange_id


def _attributes(request: Exchange, response: Exchange) -> dict[str, Any]:
    latency = (response.occurred_at - request.occurred_at).total_seconds()
    measured = {"latency_seconds": latency} if latency >= 0 else {}
    return {**measured, **request.attributes, **response.attributes}
