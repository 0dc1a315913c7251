"""Preparation of batches for storage: decoding, sampling, redaction, embedding."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, NamedTuple, TypeVar

from monitor.errors import RecordError
from monitor.settings import Sections, Traffic
from monitor.settings.models.names import ModelNames
from monitor.store.traffic.daily_counts import DailyCounts, ModelDay, SampledCount, start_of_day
from monitor.store.traffic.dead_letters import DeadLetterRow
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.traffic.pending_halves import HalfRow
from monitor.store.traffic.position import Position
from monitor.telemetry import EXCHANGES_NOT_SAMPLED, get_logger
from monitor.traffic.dead_letters import part_dead_letters, record_dead_letter
from monitor.traffic.decoder import Decoder
from monitor.traffic.embedding import TextEncoder, embed
from monitor.traffic.exchange import Exchange, Half, name_model
from monitor.traffic.joining import JoinedExchange, join, pair
from monitor.traffic.record import RawRecord
from monitor.traffic.redaction import Redactor, build_redactor, redact_exchange
from monitor.traffic.rows import exchange_row, half_row
from monitor.traffic.sampling.design import SamplingDesign, SamplingOutcome
from monitor.traffic.sampling.sampler import Draw

log = get_logger(__name__)

T = TypeVar("T")


@dataclass(frozen=True)
class PreparedBatch:
    """A batch that is ready to be stored."""

    #: With their vectors.
    exchanges: Exchanges
    dead_letters: list[DeadLetterRow] = field(default_factory=list)
    #: Requests and responses without a partner in the batch.
    halves: list[HalfRow] = field(default_factory=list)
    #: Exchanges whose texts the source withholds.
    withheld: DailyCounts = field(default_factory=dict)
    #: Exchanges of models that are not listed, where they are not watched.
    unlisted: DailyCounts = field(default_factory=dict)
    #: Source -> number of parts of records that are no exchanges and not meant to be.
    ignored: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether nothing in the records was readable."""
        return not (
            len(self.exchanges) or self.halves or self.withheld or self.unlisted or self.ignored
        )


class _Selected(NamedTuple):
    """An exchange to store, or to count if it is withheld."""

    exchange: Exchange
    outcome: SamplingOutcome
    position: Position
    received_at: datetime


class BatchPreparer:
    """Preparation of batches of records."""

    def __init__(
        self,
        settings: Traffic,
        encoder: TextEncoder,
        *,
        design: SamplingDesign,
        names: ModelNames,
        unlisted: Literal["report", "watch", "ignore"] = "report",
        redactor: Redactor | None,
    ) -> None:
        self._settings = settings
        self._names = names
        self._unlisted = unlisted
        self._design = design
        self._redactor = redactor
        self._decoder = Decoder(settings, default_model=names.default)
        self._encoder = encoder
        self._warned_of_keys = False

    @classmethod
    def build(
        cls, settings: Sections, encoder: TextEncoder, design: SamplingDesign | None = None
    ) -> "BatchPreparer":
        """Build the preparer of the settings; ``design``, where the caller samples by it too."""
        return cls(
            settings.traffic,
            encoder,
            design=design or SamplingDesign(settings),
            names=settings.names,
            unlisted=settings.monitoring.unlisted_models,
            redactor=build_redactor(settings.redaction),
        )

    def prepare(
        self,
        records: Sequence[RawRecord],
        *,
        received_at: datetime,
        draws: Sequence[Draw] | None = None,
    ) -> PreparedBatch:
        """Decode, sample, redact and embed records; unreadable ones become dead letters.

        Args:
            records: Records sampled before decoding.
            received_at: Time of reception to store.
            draws: The draw of each record, if it was sampled before; by default the design draws.
        """
        selected: list[_Selected] = []
        halves: list[HalfRow] = []
        dead_letters: list[DeadLetterRow] = []
        ignored: Counter[str] = Counter()
        for record, draw in zip(records, draws or map(self._design.draw, records), strict=True):
            try:
                decoded = self._decoder.decode(record)
            except RecordError as error:
                dead_letters.append(record_dead_letter(record, error, draw, received_at))
                continue
            if decoded.n_ignored:
                ignored[record.position.source] += decoded.n_ignored
            dead_letters += part_dead_letters(record, decoded, draw, received_at)
            for decoded_exchange in decoded.exchanges:
                exchange = name_model(decoded_exchange, self._names)
                position = record.place_of(exchange.record_index)
                outcome = self._count_unsampled(self._design.select(draw, exchange), position)
                if outcome is not None:
                    watched = self._is_watched(exchange)
                    clean = redact_exchange(exchange, self._redactor) if watched else exchange
                    selected.append(_Selected(clean, outcome, position, received_at))
            for half in decoded.halves:
                self._warn_of_keys(record)
                position = record.place_of(half.exchange.record_index)
                own = self._count_unsampled(self._design.draw_half(draw, half.join_id), position)
                if own is not None:
                    clean = redact_exchange(half.exchange, self._redactor)
                    halves.append(
                        half_row(
                            Half(half.side, half.join_id, clean),
                            position=position,
                            received_at=received_at,
                            draw=own,
                        )
                    )
        pairs, waiting = pair(halves)
        prepared = self._embed([*selected, *self._join(pairs)])
        return replace(prepared, dead_letters=dead_letters, halves=waiting, ignored=ignored)

    def prepare_pairs(self, pairs: Sequence[tuple[HalfRow, HalfRow]]) -> PreparedBatch:
        """Join pairs of requests and responses, and embed them."""
        return self._embed(self._join(pairs))

    def _join(self, pairs: Sequence[tuple[HalfRow, HalfRow]]) -> list[_Selected]:
        """Join pairs, and sample each by the rate of the joined exchange."""
        selected = []
        for request, response in pairs:
            joined: JoinedExchange = join(
                request, response, self._settings, default_model=self._names.default
            )
            exchange = name_model(joined.exchange, self._names)
            outcome = self._count_unsampled(
                self._design.decide(joined.draw, exchange), joined.position
            )
            if outcome is not None:
                selected.append(_Selected(exchange, outcome, joined.position, joined.received_at))
        return selected

    def _embed(self, selected: Sequence[_Selected]) -> PreparedBatch:
        """Embed exchanges of watched models, and count withheld ones and those of other models."""
        watched = [item for item in selected if self._is_watched(item.exchange)]
        rows = [
            exchange_row(
                item.exchange, item.outcome, position=item.position, received_at=item.received_at
            )
            for item in watched
            if not item.exchange.withheld
        ]
        exchanges = embed(Exchanges.from_rows(rows), self._encoder)
        counted = self._unlisted == "report"
        return PreparedBatch(
            exchanges,
            withheld=_count([item for item in watched if item.exchange.withheld]),
            unlisted=_count([item for item in selected if not self._is_watched(item.exchange)])
            if counted
            else {},
        )

    def _is_watched(self, exchange: Exchange) -> bool:
        return self._unlisted == "watch" or self._names.resolve(exchange.model) is not None

    @staticmethod
    def _count_unsampled(sampled: T | None, position: Position) -> T | None:
        """Return what the design decided, and count what it left out."""
        if sampled is None:
            EXCHANGES_NOT_SAMPLED.labels(position.source).inc()
        return sampled

    def _warn_of_keys(self, record: RawRecord) -> None:
        """Warn once that requests and responses without a key are sampled apart."""
        keyed = record.key or record.header(self._settings.id_header)
        if keyed or self._settings.sample_by == "exchange" or self._warned_of_keys:
            return
        self._warned_of_keys = True
        log.warning(
            "halves_without_key",
            source=record.position.source,
            effect="requests and responses are sampled independently; most find no partner",
            action="produce them with a key or the header of traffic.id_header, or set "
            'traffic.sample_by = "exchange"',
        )


def _count(selected: Sequence[_Selected]) -> dict[ModelDay, SampledCount]:
    """Count exchanges by source, model and day, with the number they stand for.

    Candidates for a minimum sample don't count: whether they belong to it is never decided.
    """
    counts: dict[ModelDay, SampledCount] = {}
    for item in selected:
        if item.outcome.randomness >= item.outcome.threshold:
            exchange = item.exchange
            day = ModelDay(item.position.source, exchange.model, start_of_day(exchange.occurred_at))
            weight = 1.0 / item.outcome.inclusion_probability
            counts[day] = counts.get(day, SampledCount()) + SampledCount(1, weight)
    return counts
