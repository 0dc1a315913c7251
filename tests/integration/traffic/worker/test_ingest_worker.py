"""The ingest worker: no batch is lost, doubled or out of order, whatever dies or changes when."""

import json
import os
import queue
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from monitor.errors import ChildProcessFailedError, ConfigurationError, DatabaseUnavailableError
from monitor.privacy.end_users.suppression import suppress
from monitor.settings import Secrets, Settings, load_configuration
from monitor.store.engine import transaction
from monitor.store.tables import Exchange
from monitor.store.traffic.offsets import advance, claim, next_offset
from monitor.store.traffic.position import Position
from monitor.telemetry import EXCHANGES_NOT_SAMPLED, OWNERSHIP_LOST, SERVICE_FAILURES
from monitor.traffic.end_users.rules import EndUserRules, open_rules
from monitor.traffic.ingest import row_process, writer
from monitor.traffic.ingest.preparation import BatchPreparer, Rows
from monitor.traffic.ingest.prepared_batch import PreparedBatch
from monitor.traffic.ingest.row_builder import RowBuilder
from monitor.traffic.ingest.row_process import RowProcess
from monitor.traffic.ingest.sweeper import Sweeper
from monitor.traffic.ingest.worker import BatchOutcome, IngestWorker
from monitor.traffic.kafka.batch import OffsetRange, PartitionState, RawBatch
from monitor.traffic.record import RawRecord
from tests.support.encoders.fake_encoder import FakeEncoder
from tests.support.traffic.ingest import wait_until

SETTINGS = Settings(monitoring={"sample_rate": 1.0})
ANN, BOB = "ann@example.org", "bob@example.org"
SECONDS = 30


@pytest.fixture(scope="module")
def rows() -> Iterator[RowProcess]:
    with RowProcess(SETTINGS) as started:
        yield started


class Gate(FakeEncoder):
    """An encoder that waits at its gate, from which batch on it is told."""

    def __init__(self) -> None:
        self.gate, self.waiting = threading.Event(), threading.Event()

    def encode(self, texts: Sequence[str]) -> Any:
        self.waiting.set()
        assert self.gate.wait(SECONDS)
        return super().encode(texts)


class Work:
    """A worker on partition 0 of a topic, and the batches that it is given."""

    def __init__(
        self, engine: Engine, rows: RowProcess, encoder: FakeEncoder, clock: datetime
    ) -> None:
        self.engine, self.clock = engine, clock
        self.stop = threading.Event()
        self.state = PartitionState("topic", 0, 0)
        self.rules: EndUserRules = open_rules(engine, SETTINGS, Secrets())
        with transaction(engine) as connection:
            claim(connection, "topic", 0, first=0, now=clock)
        preparer = BatchPreparer(SETTINGS, rows, encoder, rules=self.rules)
        self.worker = IngestWorker(
            engine,
            preparer,
            self.stop,
            sweeper=Sweeper(engine, preparer, SETTINGS.traffic.join),
            clock=lambda: clock,
        )

    def batch(self, first: int, end: int, user: str = BOB) -> RawBatch:
        def value(offset: int) -> bytes:
            line = {"id": f"r{offset}", "prompt": "p", "response": "r", "user": user}
            return json.dumps(line).encode()

        records = [
            RawRecord(Position("topic", 0, offset), b"k", value(offset), self.clock)
            for offset in range(first, end)
        ]
        return RawBatch(records, [], [OffsetRange(self.state, first, end)], self.clock)

    def offer(self, *batches: RawBatch) -> None:
        for batch in batches:
            assert self.worker.offer(batch, timeout_seconds=SECONDS)

    def outcome(self) -> BatchOutcome:
        """Return the next outcome, within a time limit."""
        try:
            return self.worker.outcomes.get(timeout=SECONDS)
        except queue.Empty:
            raise AssertionError(f"no outcome; failure: {self.worker.failure!r}") from None

    def stored(self) -> list[int]:
        """Return the offsets of the rows, in the order in which they were inserted."""
        with transaction(self.engine) as connection:
            return list(connection.execute(select(Exchange.offset).order_by(Exchange.id)).scalars())

    def next_offset(self) -> int | None:
        with transaction(self.engine) as connection:
            return next_offset(connection, "topic", 0)


Begin = Callable[..., Work]


@pytest.fixture
def begin(any_engine: Engine, rows: RowProcess, clock: datetime) -> Iterator[Begin]:
    """Start a worker; end it after the test."""
    begun: list[Work] = []

    def start(encoder: FakeEncoder | None = None) -> Work:
        begun.append(Work(any_engine, rows, encoder or FakeEncoder(), clock))
        return begun[-1]

    yield start
    for work in begun:
        work.stop.set()
        assert work.worker.close(timeout_seconds=SECONDS)
        assert work.worker.failure is None


def n_failures(service: str) -> float:
    return float(SERVICE_FAILURES.labels(service)._value.get())


def test_a_small_batch_waits_for_no_other(begin: Begin) -> None:
    work = begin()
    work.offer(work.batch(0, 1))
    assert work.outcome().stored
    assert work.stored() == [0]


def test_batches_are_stored_in_their_order(begin: Begin) -> None:
    work = begin()
    sizes = (200, 1, 50, 1, 1)  # a large one takes longer to build
    first = 0
    for size in sizes:
        work.offer(work.batch(first, first + size))
        first += size
    assert [work.outcome().ranges[0].end for _ in sizes] == [200, 201, 251, 252, 253]
    assert work.stored() == list(range(253))


def test_no_more_than_two_batches_are_at_work(begin: Begin) -> None:
    encoder = Gate()
    work = begin(encoder)
    work.offer(work.batch(0, 1), work.batch(1, 2))
    assert encoder.waiting.wait(SECONDS)
    assert not work.worker.offer(work.batch(2, 3))
    encoder.gate.set()
    work.offer(work.batch(2, 3))
    assert all(work.outcome().stored for _ in range(3))
    assert work.stored() == [0, 1, 2]


def test_rows_are_built_while_the_batch_before_is_embedded(
    begin: Begin, rows: RowProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder, built = Gate(), threading.Event()
    work = begin(encoder)
    call, seen = rows._call, []

    def note(*arguments: Any) -> Any:
        outcome = call(*arguments)
        seen.append(outcome)
        if len(seen) == 2:
            built.set()
        return outcome

    monkeypatch.setattr(rows, "_call", note)
    work.offer(work.batch(0, 1), work.batch(1, 2))
    assert built.wait(SECONDS), "the second batch waits for the first one's vectors"
    encoder.gate.set()
    assert [work.outcome().stored for _ in range(2)] == [True, True]


def test_batch_of_a_killed_process_is_built_again(begin: Begin, rows: RowProcess) -> None:
    work, before = begin(), n_failures("preparation")
    pid = rows.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)  # it takes the task and doesn't begin it
    work.offer(work.batch(0, 40), work.batch(40, 41))
    os.kill(pid, signal.SIGKILL)
    assert [work.outcome().stored for _ in range(2)] == [True, True]
    assert work.stored() == list(range(41))
    assert n_failures("preparation") - before == 1
    assert rows.pid != pid


def test_a_process_that_hangs_is_killed(monkeypatch: pytest.MonkeyPatch, clock: datetime) -> None:
    # More than the pipe holds: sending waits, too.
    records = [RawRecord(Position("topic", 0, 0), b"k", bytes(1_000_000), clock)]

    with RowProcess(SETTINGS) as process:

        def build() -> PreparedBatch:
            return process.from_records(records, received_at=clock, rules=None, plan=None)

        pid = process.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        with monkeypatch.context() as patched:
            patched.setattr(row_process, "TASK_SECONDS", 0.2)
            with pytest.raises(ChildProcessFailedError, match=r"no rows in 0\.2 s"):
                build()
        assert not Path(f"/proc/{pid}").exists()
        assert len(build().dead_letters) == 1


@pytest.mark.parametrize("n_times", [1, 3])
def test_a_batch_is_stored_once_the_database_is_back(
    begin: Begin, monkeypatch: pytest.MonkeyPatch, n_times: int
) -> None:
    store, n_tried = writer.store_batch, 0

    def fail_first(*arguments: Any, **options: Any) -> Any:
        nonlocal n_tried
        n_tried += 1
        if n_tried <= n_times:
            raise DatabaseUnavailableError("down")
        return store(*arguments, **options)

    monkeypatch.setattr(writer, "store_batch", fail_first)
    work = begin()
    work.offer(work.batch(0, 2), work.batch(2, 4))
    assert [work.outcome().ranges[0].end for _ in range(2)] == [2, 4]
    assert work.stored() == [0, 1, 2, 3]
    assert n_tried == n_times + 2


def test_an_outage_that_outlasts_the_stop_stores_nothing(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = threading.Event()

    def fail(*_arguments: Any, **_options: Any) -> Any:
        tried.set()
        raise DatabaseUnavailableError("down")

    monkeypatch.setattr(writer, "store_batch", fail)
    work = begin()
    work.offer(work.batch(0, 2), work.batch(2, 4))
    assert tried.wait(SECONDS)
    work.stop.set()
    assert [work.outcome().stored for _ in range(2)] == [False, False]
    assert (work.stored(), work.next_offset()) == ([], 0)


def test_offsets_taken_by_another_replica_store_nothing(begin: Begin) -> None:
    encoder = Gate()
    work, lost = begin(encoder), OWNERSHIP_LOST.labels("topic")._value.get()
    work.offer(work.batch(0, 2), work.batch(2, 4))
    assert encoder.waiting.wait(SECONDS)
    with transaction(work.engine) as connection:
        advance(connection, "topic", 0, expected=0, new=3, now=work.clock)
    encoder.gate.set()
    assert [work.outcome().stored for _ in range(2)] == [False, False]
    assert (work.stored(), work.next_offset()) == ([], 3)
    assert OWNERSHIP_LOST.labels("topic")._value.get() - lost == 2


def test_batches_in_flight_are_built_by_new_rules(begin: Begin) -> None:
    encoder = Gate()
    work = begin(encoder)
    work.offer(work.batch(0, 2, ANN), work.batch(2, 4, ANN))
    assert encoder.waiting.wait(SECONDS)
    suppress(work.engine, SETTINGS, ANN, "forgotten", by="kim", now=work.clock, secrets=Secrets())
    encoder.gate.set()
    assert [work.outcome().stored for _ in range(2)] == [True, True]
    assert (work.stored(), work.next_offset()) == ([], 4)
    work.offer(work.batch(4, 5, ANN), work.batch(5, 6, BOB))
    assert [work.outcome().stored for _ in range(2)] == [True, True]
    assert work.stored() == [5]


def test_a_stop_stores_the_batches_in_flight(begin: Begin) -> None:
    encoder = Gate()
    work = begin(encoder)
    work.offer(work.batch(0, 2), work.batch(2, 4))
    assert encoder.waiting.wait(SECONDS)
    work.stop.set()
    encoder.gate.set()
    assert work.worker.close(timeout_seconds=SECONDS)
    assert [work.outcome().stored for _ in range(2)] == [True, True]
    assert work.stored() == [0, 1, 2, 3]


def test_a_partition_revoked_in_flight_is_not_stored(begin: Begin) -> None:
    encoder = Gate()
    work = begin(encoder)
    work.offer(work.batch(0, 2), work.batch(2, 4))
    assert encoder.waiting.wait(SECONDS)
    work.state.current = False
    encoder.gate.set()
    assert [work.outcome().stored for _ in range(2)] == [False, False]
    assert (work.stored(), work.next_offset()) == ([], 0)


def test_a_process_that_can_not_start_ends_ingest(tmp_path: Path) -> None:
    missing = tmp_path / "no model"
    settings = Settings(redaction={"presidio": True, "presidio_model": str(missing)})
    with pytest.raises(ConfigurationError), RowProcess(settings):
        pass


def test_processes_that_keep_dying_wait_for_the_stop(
    begin: Begin, rows: RowProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = n_failures("preparation")
    monkeypatch.setattr(row_process, "CHILD", "monitor.no_such_module")
    rows._end_child()
    work = begin()
    work.offer(work.batch(0, 1))
    wait_until(lambda: n_failures("preparation") >= before + 2, "another death")
    work.stop.set()
    assert not work.outcome().stored
    assert (work.stored(), work.next_offset()) == ([], 0)


def test_the_process_builds_and_counts_what_this_one_does(clock: datetime, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[monitoring]\nsample_rate = 0.5\n[traffic.join]\nenabled = true\n")
    settings = load_configuration(file)
    values = [
        b'{"id": "r%d", "prompt": "Write to ann@example.org", "response": "yes"}' % number
        for number in range(8)
    ]
    values += [b"{", b'{"id": "half", "prompt": "p"}', b'{"id": "half", "response": "r"}']
    records = [
        RawRecord(Position("built", 0, offset), b"k%d" % offset, value, clock)
        for offset, value in enumerate(values)
    ]

    def build(builder: Rows) -> tuple[PreparedBatch, float]:
        before = EXCHANGES_NOT_SAMPLED.labels("built")._value.get()
        batch = builder.from_records(records, received_at=clock, rules=None, plan=None)
        return batch, EXCHANGES_NOT_SAMPLED.labels("built")._value.get() - before

    here, n_here = build(RowBuilder(settings))
    with RowProcess(settings) as process:
        (there, n_there), (again, n_again) = build(process), build(process)
        pairs = process.from_pairs([], rules=None, plan=None)
    assert 0 < len(here.exchanges) < 8
    assert n_here == n_there == n_again > 0
    assert here.exchanges.digest() == there.exchanges.digest() == again.exchanges.digest()
    assert (here.dead_letters, here.halves) == (there.dead_letters, there.halves)
    assert here.n_records == there.n_records
    assert len(pairs.exchanges) == 0
