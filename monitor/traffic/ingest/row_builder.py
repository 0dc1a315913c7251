"""Rows of batches: decoding, sampling, redaction. Needs neither a database nor an encoder."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple, TypeVar

import msgspec

from monitor.errors import RecordError
from monitor.settings import Sections
from monitor.store.traffic.daily_counts import ModelDay, SampledCount, start_of_day
from monitor.store.traffic.dead_letters import DeadLetterRow
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.traffic.position import FeedbackRow, HalfRow, Position
from monitor.telemetry import EXCHANGES_NOT_SAMPLED, get_logger
from monitor.traffic.dead_letters import part_dead_letters, record_dead_letter
from monitor.traffic.decoder import Decoder, RecordReader
from monitor.traffic.end_users.rules import PresentRules
from monitor.traffic.exchange import Exchange, Feedback, Half, name_model
from monitor.traffic.feedback import feedback_rows
from monitor.traffic.ingest.end_user_filter import EndUserFilter
from monitor.traffic.ingest.observer import Observer
from monitor.traffic.ingest.prepared_batch import PreparedBatch
from monitor.traffic.joining import JoinedExchange, join, pair
from monitor.traffic.record import RawRecord
from monitor.traffic.redaction import build_redactor, redact_id
from monitor.traffic.redaction.exchanges import redact_model
from monitor.traffic.rows import exchange_row, half_row
from monitor.traffic.sampling.design import SamplingDesign, SamplingOutcome
from monitor.traffic.sampling.observation_plan import ObservationPlan
from monitor.traffic.sampling.sampler import Draw

log = get_logger(__name__)

T = TypeVar("T")


class _Selected(NamedTuple):
    """An exchange to store, or to count if it is withheld."""

    exchange: Exchange
    outcome: SamplingOutcome
    position: Position
    received_at: datetime


class RowBuilder:
    """Builder of the rows of batches, in this process."""

    def __init__(
        self,
        sections: Sections,
        design: SamplingDesign | None = None,
        read: RecordReader | None = None,
    ) -> None:
        """Build by the settings.

        ``design`` is given where the caller samples by it too, ``read`` where the shape of a file
        was detected.
        """
        self._sections = sections
        self._settings = settings = sections.traffic
        self._names = names = sections.names
        self._unlisted = sections.monitoring.unlisted_models
        self._design = design or SamplingDesign(sections)
        self._redactor = build_redactor(sections.redaction)
        self._decoder = Decoder(settings, default_model=names.default, read=read)
        #: Kinds of records without a key that were warned of.
        self._warned_of_keys: set[str] = set()

    def from_records(
        self,
        records: Sequence[RawRecord],
        *,
        received_at: datetime,
        rules: PresentRules | None,
        plan: ObservationPlan | None,
        draws: Sequence[Draw] | None = None,
        dead_letters: Sequence[DeadLetterRow] = (),
    ) -> PreparedBatch:
        """Decode, sample and redact records; unreadable ones become dead letters.

        The records were sampled before decoding, or are wanted by their plan of observation. A
        record without a draw of before is drawn by the design. ``dead_letters`` are those of
        records that could not even be handed over. By ``plan`` joined halves are observed.
        """
        selected: list[_Selected] = []
        halves: list[HalfRow] = []
        feedback: list[FeedbackRow] = []
        unreadable: list[DeadLetterRow] = []
        ignored: Counter[str] = Counter()
        n_records = Counter(dead_letter.position.source for dead_letter in dead_letters)
        observer = Observer(self._sections, self._design, self._redactor)
        end_users = self._filter(rules)
        for record, draw in zip(records, draws or map(self._design.draw, records), strict=True):
            try:
                decoded = self._decoder.decode(record)
            except RecordError as error:
                if record.sampled:
                    n_records[record.position.source] += 1
                    dead_letter = record_dead_letter(record, error, draw, received_at)
                    unreadable += end_users.keep_dead_letters([dead_letter], record)
                continue
            if record.sampled:
                n_records[record.position.source] += decoded.n_parts
                if decoded.n_ignored:
                    ignored[record.position.source] += decoded.n_ignored
                parts = part_dead_letters(record, decoded, draw, received_at)
                unreadable += end_users.keep_dead_letters(parts, record)
            for exchange in decoded.exchanges:
                if not end_users.drops(exchange, record):
                    named = name_model(exchange, self._names)
                    selected += self._take(
                        record, draw, named, received_at, observer=observer, end_users=end_users
                    )
            for values in decoded.feedback:
                if not end_users.drops(values, record):
                    feedback += self._take_feedback(record, draw, values, received_at)
            for half in decoded.halves:
                own = self._draw_half(record, draw, half)
                if own is not None:
                    halves.append(
                        half_row(
                            end_users.clean_half(half, record),
                            position=record.place_of(half.exchange.record_index),
                            received_at=received_at,
                            draw=own,
                        )
                    )
        unreadable += end_users.keep_dead_letters(dead_letters)
        pairs, waiting = pair(halves)
        selected += self._join(pairs, plan, observer, end_users)
        return replace(
            self._batch(selected, observer, end_users),
            dead_letters=unreadable,
            halves=waiting,
            feedback=feedback,
            n_records=n_records,
            ignored=ignored,
        )

    def from_pairs(
        self,
        pairs: Sequence[tuple[HalfRow, HalfRow]],
        *,
        rules: PresentRules | None,
        plan: ObservationPlan | None,
    ) -> PreparedBatch:
        """Join pairs of requests and responses, and observe them by the plan."""
        observer = Observer(self._sections, self._design, self._redactor)
        end_users = self._filter(rules)
        return self._batch(self._join(pairs, plan, observer, end_users), observer, end_users)

    def _filter(self, rules: PresentRules | None) -> EndUserFilter:
        return EndUserFilter(
            rules, self._redactor, self._names, user_header=self._settings.user_header
        )

    def _take(
        self,
        record: RawRecord,
        draw: Draw,
        exchange: Exchange,
        received_at: datetime,
        *,
        observer: Observer,
        end_users: EndUserFilter,
    ) -> list[_Selected]:
        """Return an exchange where the sample has it, and observe it where that is due."""
        position = record.place_of(exchange.record_index)
        outcome = None
        if record.sampled:
            outcome = self._count_unsampled(self._design.select(draw, exchange), position)
        observed = observer.decide(record, exchange) if record.plan is not None else None
        if outcome is None and observed is None:
            return []
        if self._is_watched(exchange.model):
            clean = end_users.clean(exchange)
        else:  # only counted, by its model
            model = redact_model(exchange.model, self._redactor, self._names)
            clean = msgspec.structs.replace(exchange, model=model)
        if observed is not None:
            observer.add(clean, observed, position, received_at)
        if outcome is None:
            return []
        return [_Selected(clean, outcome, position, received_at)]

    def _join(
        self,
        pairs: Sequence[tuple[HalfRow, HalfRow]],
        plan: ObservationPlan | None,
        observer: Observer,
        end_users: EndUserFilter,
    ) -> list[_Selected]:
        """Join pairs, and sample and observe each by the rates of the joined exchange."""
        selected = []
        for request, response in pairs:
            if end_users.drops_pair(request, response):
                continue
            joined: JoinedExchange = join(
                request, response, self._settings, default_model=self._names.default
            )
            exchange = name_model(joined.exchange, self._names)
            if request.is_sampled and response.is_sampled:
                outcome = self._count_unsampled(
                    self._design.decide(joined.draw, exchange), joined.position
                )
                if outcome is not None:
                    selected.append(
                        _Selected(exchange, outcome, joined.position, joined.received_at)
                    )
            if plan is not None:
                observed = observer.decide_joined(plan, exchange, joined.draw)
                if observed is not None:
                    observer.add(exchange, observed, joined.position, joined.received_at)
        return selected

    def _take_feedback(
        self, record: RawRecord, draw: Draw, feedback: Feedback, received_at: datetime
    ) -> list[FeedbackRow]:
        """Return the rows of feedback whose exchange the sample or an open rollout may have.

        The record tells neither the rate of its exchange nor its version: feedback is sampled at
        the highest rate, and stored for a rollout wherever its record was read for it.
        """
        model = self._names.resolve(feedback.model) or feedback.model
        if model and not self._is_watched(model):
            self._warn_of_model(record, model)
            return []
        is_sampled = False
        if record.sampled:
            self._warn_of_keys(
                record,
                "feedback_without_key",
                effect="it is sampled independently of its exchange, which is mostly not stored",
            )
            is_sampled = self._design.draw_half(draw, feedback.exchange_id) is not None
        plan = record.plan
        if not is_sampled and (plan is None or (model and model not in plan.models)):
            return []
        return feedback_rows(
            feedback,
            redact_id(feedback.exchange_id, self._redactor),
            redact_model(model, self._redactor, self._names),
            position=record.position,
            received_at=received_at,
        )

    def _draw_half(self, record: RawRecord, draw: Draw, half: Half) -> Draw | None:
        """Return the draw of a half that is kept; ``None`` for one that is dropped."""
        own = self._design.draw_half(draw, half.join_id) if record.sampled else None
        if record.sampled:
            self._warn_of_keys(
                record,
                "halves_without_key",
                effect="requests and responses are sampled independently; most find no partner",
            )
            self._count_unsampled(own, record.place_of(half.exchange.record_index))
        if own is not None or record.plan is None:
            return own
        model = self._names.resolve(half.exchange.model) or half.exchange.model
        if model and model not in record.plan.models:
            return None
        return self._design.unsampled_draw(draw, half.join_id)

    def _batch(
        self, selected: Sequence[_Selected], observer: Observer, end_users: EndUserFilter
    ) -> PreparedBatch:
        """Return exchanges of watched models; count withheld ones and those of other models."""
        watched = [item for item in selected if self._is_watched(item.exchange.model)]
        rows = [
            exchange_row(
                item.exchange, item.outcome, position=item.position, received_at=item.received_at
            )
            for item in watched
            if not item.exchange.withheld
        ]
        counted = self._unlisted == "report"
        return PreparedBatch(
            Exchanges.from_rows(rows),
            withheld=_count([item for item in watched if item.exchange.withheld]),
            unlisted=_count(
                [item for item in selected if not self._is_watched(item.exchange.model)]
            )
            if counted
            else {},
            observations=observer.rows,
            unknown_labels=observer.labels,
            suppressed=end_users.n_dropped,
            rules_version=end_users.version,
        )

    def _is_watched(self, model: str) -> bool:
        return self._unlisted == "watch" or self._names.resolve(model) is not None

    @staticmethod
    def _count_unsampled(sampled: T | None, position: Position) -> T | None:
        """Return what the design decided, and count what it left out."""
        if sampled is None:
            EXCHANGES_NOT_SAMPLED.labels(position.source).inc()
        return sampled

    def _warn_of_keys(self, record: RawRecord, event: str, *, effect: str) -> None:
        """Warn once that records of one exchange without a key are sampled apart."""
        keyed = record.key or record.header(self._settings.id_header)
        if keyed or self._settings.sample_by == "exchange" or event in self._warned_of_keys:
            return
        self._warned_of_keys.add(event)
        log.warning(
            event,
            source=record.position.source,
            effect=effect,
            action="produce them with a key or the header of traffic.id_header, or set "
            'traffic.sample_by = "exchange"',
        )

    def _warn_of_model(self, record: RawRecord, model: str) -> None:
        """Warn once that feedback names a model that is not listed."""
        event = "feedback_of_unlisted_model"
        if event in self._warned_of_keys:
            return
        self._warned_of_keys.add(event)
        log.warning(
            event,
            source=record.position.source,
            model=redact_model(model, self._redactor, self._names),
            effect="it is not stored",
            action="leave the model out of feedback, or list the name in config.toml",
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
