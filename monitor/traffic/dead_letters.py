"""Dead letters: records as they came, and lines of the plain form of what had been decoded."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec

from monitor.errors import RecordError
from monitor.store.traffic.dead_letters import DeadLetterRow
from monitor.store.traffic.exchanges import ExchangeRow
from monitor.store.traffic.pending_halves import HalfRow
from monitor.traffic.decoder import Decoded
from monitor.traffic.exchange import Exchange
from monitor.traffic.joining import decoded_half
from monitor.traffic.parsing.cleaning import clean_text
from monitor.traffic.record import RawRecord
from monitor.traffic.sampling.sampler import Draw, stored_draw

MAX_DETAIL_CHARACTERS = 500
REFUSED = "refused_by_database"
#: Reasons of letters whose value is a line of the plain form, whatever format the record had.
PLAIN_FORMAT_REASONS = (REFUSED, "unpaired_request", "unpaired_response", "duplicate_half")


def record_dead_letter(
    record: RawRecord, error: RecordError, draw: Draw, received_at: datetime
) -> DeadLetterRow:
    """Return the row that keeps a record whole, with why it wasn't read."""
    return DeadLetterRow(
        position=record.position,
        key=record.key,
        value=record.value,
        reason=error.reason,
        detail=clean_text(error.detail, MAX_DETAIL_CHARACTERS)[0],
        randomness=draw.randomness,
        threshold=draw.threshold,
        inclusion_probability=draw.inclusion_probability,
        received_at=received_at,
    )


def part_dead_letters(
    record: RawRecord, decoded: Decoded, draw: Draw, received_at: datetime
) -> list[DeadLetterRow]:
    """Return the letters of those parts of a record that can't be read, each a record by itself."""
    return [
        record_dead_letter(
            replace(record, position=record.place_of(part.record_index), value=part.value),
            part.error,
            draw,
            received_at,
        )
        for part in decoded.bad_parts
    ]


def refused_dead_letter(row: ExchangeRow, detail: str) -> DeadLetterRow:
    """Return the letter of an exchange that the database refuses."""
    # Decided on again when it is replayed, from where it was before its own rate.
    kept = stored_draw(row.randomness, row.threshold, row.inclusion_probability)
    draw = kept._replace(threshold=row.candidate_threshold)
    line = _line(row.exchange_id, row.occurred_at, row, prompt=row.messages, response=row.response)
    return DeadLetterRow(
        position=row.position,
        key=None,
        value=line,
        reason=REFUSED,
        detail=detail,
        randomness=draw.randomness,
        threshold=draw.threshold,
        inclusion_probability=draw.inclusion_probability,
        received_at=row.received_at,
    )


def unpaired_dead_letter(half: HalfRow, within: str) -> DeadLetterRow:
    """Return the letter of a half whose partner didn't come.

    Args:
        half: The half.
        within: The limit that it didn't come within.
    """
    other = "response" if half.side == "request" else "request"
    detail = f"no {other} {half.join_id!r} within {within}"
    return _half_dead_letter(half, f"unpaired_{half.side}", detail)


def duplicate_dead_letter(half: HalfRow) -> DeadLetterRow:
    """Return the letter of a half that came while the same one was waiting."""
    return _half_dead_letter(
        half, "duplicate_half", f"a {half.side} {half.join_id!r} waits already"
    )


def _half_dead_letter(half: HalfRow, reason: str, detail: str) -> DeadLetterRow:
    exchange = decoded_half(half)
    texts: dict[str, Any] = (
        {"prompt": [msgspec.structs.asdict(message) for message in exchange.messages]}
        if half.side == "request"
        else {"response": exchange.response}
    )
    return DeadLetterRow(
        position=half.position,
        key=half.join_id.encode(),
        value=_line(half.join_id, half.occurred_at, exchange, **texts),
        reason=reason,
        detail=detail,
        randomness=half.randomness,
        threshold=half.threshold,
        inclusion_probability=half.inclusion_probability,
        received_at=half.received_at,
    )


def _line(
    line_id: str, occurred_at: datetime, told: ExchangeRow | Exchange, **texts: str | Sequence[Any]
) -> bytes:
    return msgspec.json.encode(
        {
            "id": line_id,
            "timestamp": occurred_at.isoformat(),
            "model": told.model or None,
            "task_type": told.task_type,
            "user": told.end_user,
            "metadata": told.attributes,
            **texts,
        }
    )
