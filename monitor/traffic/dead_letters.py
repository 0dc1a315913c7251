"""Dead letters of records, of their parts and, in the plain format, of decoded exchanges."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec

from monitor.errors import RecordError
from monitor.store.traffic.dead_letters import DeadLetterRow
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.traffic.position import HalfRow
from monitor.traffic.decoder import REASONS as DECODER_REASONS
from monitor.traffic.decoder import Decoded
from monitor.traffic.exchange import LABELS
from monitor.traffic.formats.plain import LABEL_KEYS
from monitor.traffic.joining import decoded_half
from monitor.traffic.parsing.cleaning import clean_text
from monitor.traffic.record import RawRecord
from monitor.traffic.rows import content_row
from monitor.traffic.sampling.sampler import Draw, stored_draw

MAX_DETAIL_CHARACTERS = 500
REFUSED = "refused_by_database"
#: Reasons of dead letters in the plain format, whatever format the record had.
PLAIN_FORMAT_REASONS = (REFUSED, "unpaired_request", "unpaired_response", "duplicate_half")
#: Reasons of dead letters of batches that can't be read.
BATCH_REASONS = ("corrupt_batch", "inflates_too_far", "unknown_codec")
REASONS = (*DECODER_REASONS, *PLAIN_FORMAT_REASONS, *BATCH_REASONS)


def record_dead_letter(
    record: RawRecord, error: RecordError, draw: Draw, received_at: datetime
) -> DeadLetterRow:
    """Return the dead letter of a whole record."""
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
    """Return the dead letters of a record's unreadable parts, each as a record of its own."""
    return [
        record_dead_letter(
            replace(record, position=record.place_of(part.record_index), value=part.value),
            part.error,
            draw,
            received_at,
        )
        for part in decoded.unreadable
    ]


def refused_dead_letter(exchange: Exchanges, detail: str) -> DeadLetterRow:
    """Return the dead letter of one exchange that the database refuses."""
    (row,) = exchange.rows()
    # On replay it is sampled again by its own rate, so the draw is that of the stage before.
    sampled = stored_draw(row["randomness"], row["threshold"], row["inclusion_probability"])
    draw = sampled._replace(threshold=row["candidate_threshold"])
    return DeadLetterRow(
        position=exchange.position(0),
        key=None,
        value=_plain_line(row),
        reason=REFUSED,
        detail=detail,
        randomness=draw.randomness,
        threshold=draw.threshold,
        inclusion_probability=draw.inclusion_probability,
        received_at=row["received_at"],
    )


def unpaired_dead_letter(half: HalfRow, time_limit: str) -> DeadLetterRow:
    """Return the dead letter of a half without a partner."""
    other = "response" if half.side == "request" else "request"
    detail = f"no {other} {half.join_id!r} within {time_limit}"
    return _half_dead_letter(half, f"unpaired_{half.side}", detail)


def duplicate_dead_letter(half: HalfRow) -> DeadLetterRow:
    """Return the dead letter of a half whose side of the join id is pending already."""
    return _half_dead_letter(
        half, "duplicate_half", f"a {half.side} {half.join_id!r} is pending already"
    )


def _half_dead_letter(half: HalfRow, reason: str, detail: str) -> DeadLetterRow:
    row = {**content_row(decoded_half(half)), "exchange_id": half.join_id}
    del row["response" if half.side == "request" else "messages"]
    return DeadLetterRow(
        position=half.position,
        key=half.join_id.encode(),
        value=_plain_line(row),
        reason=reason,
        detail=detail,
        randomness=half.randomness,
        threshold=half.threshold,
        inclusion_probability=half.inclusion_probability,
        received_at=half.received_at,
    )


def _plain_line(row: Mapping[str, Any]) -> bytes:
    """Return an exchange, or the half of it whose text is given, in the plain format."""
    line = {
        "id": row["exchange_id"],
        "timestamp": row["occurred_at"].isoformat(),
        **{LABEL_KEYS.get(name, name): row[name] or None for name in LABELS},
        "prompt": row.get("messages", msgspec.UNSET),
        "response": row.get("response", msgspec.UNSET),
        "metadata": row["attributes"],
        "truncated": row["truncated"] or msgspec.UNSET,
    }
    return msgspec.json.encode(
        {key: value for key, value in line.items() if value is not msgspec.UNSET}
    )
