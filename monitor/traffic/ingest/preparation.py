"""Preparation of batches for storage: rows by the present rules and plan, and their vectors."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from monitor.settings import Sections
from monitor.store.traffic.dead_letters import DeadLetterRow
from monitor.store.traffic.position import HalfRow
from monitor.traffic.decoder import RecordReader
from monitor.traffic.embedding import TextEncoder, embed
from monitor.traffic.end_users.rules import EndUserRules, PresentRules
from monitor.traffic.ingest.end_user_filter import EndUserFilter
from monitor.traffic.ingest.prepared_batch import PreparedBatch
from monitor.traffic.ingest.row_builder import RowBuilder
from monitor.traffic.record import RawRecord
from monitor.traffic.sampling.design import SamplingDesign
from monitor.traffic.sampling.observation_plan import ObservationPlan
from monitor.traffic.sampling.sampler import Draw


class Rows(Protocol):
    """Builder of rows, here or in another process; see :class:`RowBuilder`."""

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
        """Build the rows of records."""

    def from_pairs(
        self,
        pairs: Sequence[tuple[HalfRow, HalfRow]],
        *,
        rules: PresentRules | None,
        plan: ObservationPlan | None,
    ) -> PreparedBatch:
        """Build the rows of joined pairs."""


class BatchPreparer:
    """Preparation of batches of records."""

    def __init__(
        self,
        settings: Sections,
        rows: Rows,
        encoder: TextEncoder,
        *,
        rules: EndUserRules | None = None,
        plans: Callable[[], ObservationPlan | None] = lambda: None,
    ) -> None:
        """Prepare by the present one of ``plans``. Without ``rules`` nothing is stored."""
        self._settings = settings
        self._rows = rows
        self._encoder = encoder
        self._rules = rules
        self._plans = plans

    @classmethod
    def build(
        cls,
        settings: Sections,
        encoder: TextEncoder,
        design: SamplingDesign | None = None,
        plans: Callable[[], ObservationPlan | None] = lambda: None,
        read: RecordReader | None = None,
        *,
        rules: EndUserRules | None = None,
    ) -> "BatchPreparer":
        """Build a preparer that does all in this process; see :class:`RowBuilder`."""
        rows = RowBuilder(settings, design, read)
        return cls(settings, rows, encoder, rules=rules, plans=plans)

    def prepare(
        self,
        records: Sequence[RawRecord],
        *,
        received_at: datetime,
        draws: Sequence[Draw] | None = None,
        dead_letters: Sequence[DeadLetterRow] = (),
    ) -> PreparedBatch:
        """Decode, sample, redact and embed records; unreadable ones become dead letters."""
        return self.embed(
            self.build_rows(
                records, received_at=received_at, draws=draws, dead_letters=dead_letters
            )
        )

    def build_rows(
        self,
        records: Sequence[RawRecord],
        *,
        received_at: datetime,
        draws: Sequence[Draw] | None = None,
        dead_letters: Sequence[DeadLetterRow] = (),
    ) -> PreparedBatch:
        """Do all of :meth:`prepare` but the embedding."""
        return self._rows.from_records(
            records,
            received_at=received_at,
            rules=self._present_rules(),
            plan=self._plans(),
            draws=draws,
            dead_letters=dead_letters,
        )

    def embed(self, batch: PreparedBatch) -> PreparedBatch:
        """Return the batch with the vectors of its exchanges."""
        return replace(batch, exchanges=embed(batch.exchanges, self._encoder))

    def prepare_pairs(self, pairs: Sequence[tuple[HalfRow, HalfRow]]) -> PreparedBatch:
        """Join pairs of requests and responses, and embed those of the sample."""
        return self.embed(
            self._rows.from_pairs(pairs, rules=self._present_rules(), plan=self._plans())
        )

    def end_user_filter(self) -> EndUserFilter:
        """Return a filter of stored halves by the present suppression list."""
        header = self._settings.traffic.user_header
        return EndUserFilter(self._present_rules(), None, self._settings.names, user_header=header)

    def _present_rules(self) -> PresentRules | None:
        return None if self._rules is None else self._rules.refresh()
