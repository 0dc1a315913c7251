"""From sampled records to rows and vectors: decode, thin, redact, embed. Touches no database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from monitor.errors import RecordError
from monitor.settings import Traffic
from monitor.store.dead_letters import DeadLetterRow
from monitor.store.exchanges import ExchangeRow, Position
from monitor.telemetry import EMBED_SECONDS, EXCHANGES_NOT_SAMPLED
from monitor.traffic.decode import Decoder
from monitor.traffic.design import Lot, SamplingDesign
from monitor.traffic.exchange import Exchange, Message
from monitor.traffic.record import RawRecord
from monitor.traffic.redaction import Redactor
from monitor.traffic.sampling import Draw
from monitor.traffic.sanitising import clean_text

MAX_DETAIL_CHARACTERS = 500


class TextEncoder(Protocol):
    """What this package needs of an encoder."""

    identity: str

    def encode(self, texts: Sequence[str]) -> NDArray[np.float16]:
        """Return unit-norm vectors ``[n, d]``."""


@dataclass(frozen=True)
class Prepared:
    """A batch that only has to be stored."""

    rows: list[ExchangeRow]
    #: The record that each row came from.
    records: list[RawRecord]
    encoder: str
    prompt_vectors: NDArray[np.float16]
    response_vectors: NDArray[np.float16]
    dead_letters: list[DeadLetterRow]


class Preparer:
    """Decodes, thins, redacts and embeds batches of records."""

    def __init__(
        self,
        settings: Traffic,
        encoder: TextEncoder,
        *,
        design: SamplingDesign,
        default_model: str,
        redactor: Redactor | None,
    ) -> None:
        self._redactor = redactor
        self._design = design
        self._decoder = Decoder(settings, default_model=default_model)
        self._encoder = encoder

    def prepare(
        self,
        records: Sequence[RawRecord],
        *,
        received_at: datetime,
        draws: Sequence[Draw] | None = None,
    ) -> Prepared:
        """Turn records into rows with their vectors, and those that can't be read into letters.

        Args:
            records: What was kept before decoding.
            received_at: The time that is stored.
            draws: How each record was kept, where that was decided before; else the design says it.
        """
        rows: list[ExchangeRow] = []
        sources: list[RawRecord] = []
        letters: list[DeadLetterRow] = []
        for record, draw in zip(records, draws or map(self._design.draw, records), strict=True):
            try:
                exchanges = self._decoder.decode(record)
            except RecordError as error:
                letters.append(dead_letter(record, error, draw, received_at))
                continue
            for index, exchange in enumerate(exchanges):
                lot = self._design.select(draw, exchange)
                if lot is None:
                    EXCHANGES_NOT_SAMPLED.labels(record.position.source).inc()
                    continue
                clean = redact_exchange(exchange, self._redactor)
                position = _at(record.position, index)
                rows.append(exchange_row(clean, lot, position=position, received_at=received_at))
                sources.append(record)
        prompt_vectors, response_vectors = embed(rows, self._encoder)
        return Prepared(
            rows=rows,
            records=sources,
            encoder=self._encoder.identity,
            prompt_vectors=prompt_vectors,
            response_vectors=response_vectors,
            dead_letters=letters,
        )


def embed(
    rows: Sequence[ExchangeRow], encoder: TextEncoder
) -> tuple[NDArray[np.float16], NDArray[np.float16]]:
    """Embed prompts and responses in one call, so that the encoder can sort all by length."""
    if not rows:
        return np.empty((0, 0), np.float16), np.empty((0, 0), np.float16)
    with EMBED_SECONDS.time():
        vectors = encoder.encode([*(row.prompt for row in rows), *(row.response for row in rows)])
    return vectors[: len(rows)], vectors[len(rows) :]


def redact_exchange(exchange: Exchange, redactor: Redactor | None) -> Exchange:
    """Return the exchange without the personal data that a redactor finds, where there is one."""
    if redactor is None:
        return exchange
    redact = redactor.redact
    return msgspec.structs.replace(
        exchange,
        user=redactor.pseudonym(exchange.user),
        messages=tuple(Message(turn.role, redact(turn.content)) for turn in exchange.messages),
        response=redact(exchange.response),
        attributes={
            key: redact(value) if isinstance(value, str) else value
            for key, value in exchange.attributes.items()
        },
    )


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


def dead_letter(
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


def _at(position: Position, index: int) -> Position:
    return Position(position.source, position.partition, position.offset, index)
