"""A topic in memory, and its ingest by the product's decoding, redaction, sampling and storing."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Engine

from monitor.settings import Secrets, Sections
from monitor.store.engine import transaction
from monitor.store.traffic.offsets import OffsetMove, claim, record_caught_up, record_gap
from monitor.traffic.embedding import TextEncoder
from monitor.traffic.end_users.rules import open_rules
from monitor.traffic.ingest.preparation import BatchPreparer
from monitor.traffic.ingest.writer import store_batch
from monitor.traffic.kafka.wire.selection import Selection
from monitor.traffic.record import RawRecord
from monitor.traffic.sampling.design import SamplingDesign
from monitor.traffic.sampling.observation_plan import build_plan
from retrain.rollout.rows.observation_plans import observed_rollouts
from tests.game_days.world.production import Sent

BATCH = 512


class Topic:
    """Records by offset, until retention deletes them."""

    def __init__(self) -> None:
        self.records: dict[int, Sent] = {}
        #: The offset of the next record.
        self.end = 0
        #: The first offset that retention has left.
        self.first = 0
        #: Whether the broker responds.
        self.is_available = True

    def append(self, records: Sequence[Sent]) -> None:
        """Take records."""
        for record in records:
            self.records[self.end] = record
            self.end += 1

    def delete_before(self, offset: int) -> None:
        """Delete the records before an offset, as retention does."""
        self.first = offset
        self.records = {at: record for at, record in self.records.items() if at >= offset}


class Ingest:
    """The part of the daemon that reads the topic; built anew with each configuration."""

    def __init__(
        self,
        engine: Engine,
        settings: Sections,
        secrets: Secrets,
        topic: Topic,
        encoder: TextEncoder,
    ) -> None:
        self._engine, self._settings, self._topic = engine, settings, topic
        self._name = settings.kafka.topic
        self._design = SamplingDesign(settings)
        self._preparer = BatchPreparer.build(
            settings, encoder, self._design, rules=open_rules(engine, settings, secrets)
        )

    def read(self, now: datetime) -> None:
        """Store what the topic has, and record that it was read to its end."""
        if not self._topic.is_available:
            return
        with transaction(self._engine) as connection:
            position = claim(connection, self._name, 0, first=self._topic.first, now=now)
        if position < self._topic.first:
            self._skip(position, now)
            position = self._topic.first
        while position < self._topic.end:
            end = min(position + BATCH, self._topic.end)
            records = self._select(position, end, now)
            prepared = self._preparer.prepare(records, received_at=now)
            move = OffsetMove(self._name, 0, position, end)
            store_batch(self._engine, prepared, [move], now=now)
            position = end
        with transaction(self._engine) as connection:
            record_caught_up(connection, self._name, {0: now})

    def _skip(self, position: int, now: datetime) -> None:
        """Record the records that no longer exist, and go on after them."""
        first = self._topic.first
        with transaction(self._engine) as connection:
            record_gap(
                connection,
                self._name,
                0,
                first_offset=position,
                last_offset=first - 1,
                detected_at=now,
            )
        prepared = self._preparer.prepare([], received_at=now)
        move = OffsetMove(self._name, 0, position, first)
        store_batch(self._engine, prepared, [move], now=now)

    def _select(self, first: int, end: int, now: datetime) -> list[RawRecord]:
        """Return the records that sampling keeps."""
        with transaction(self._engine) as connection:
            plan = build_plan(self._settings, observed_rollouts(connection))
        selection = Selection(
            topic=self._name,
            sampler=self._design.sampler,
            id_header="",
            max_record_bytes=16_000_000,
            clock=lambda: now,
            plans=lambda: plan,
        ).at_present()
        records = []
        for offset in range(first, end):
            sent = self._topic.records[offset]
            if not selection.wants(sent.key, (), 0, offset):
                continue
            record = selection.keep(
                0,
                offset,
                key=sent.key,
                value=memoryview(sent.value),
                headers=(),
                timestamp_ms=round(sent.at.timestamp() * 1000),
            )
            assert isinstance(record, RawRecord)
            records.append(record)
        return records
