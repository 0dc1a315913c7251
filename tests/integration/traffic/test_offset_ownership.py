"""Ownership of partitions: two owners can't both write, on SQLite and PostgreSQL."""

import random
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Connection, Engine, func, select, text

from monitor.errors import DatabaseUnavailableError, LostOwnershipError
from monitor.store.engine import make_engine, transaction
from monitor.store.tables import DeadLetter, EmbeddingBlock, Exchange
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.traffic.offsets import OffsetMove, advance, claim, next_offset
from monitor.traffic.ingest import writer
from monitor.traffic.ingest.prepared_batch import PreparedBatch
from monitor.traffic.ingest.writer import StoreResult, store_batch
from tests.support.traffic.exchange_rows import exchange_row
from tests.support.traffic.ingest import wait_until

NOW = datetime(2026, 11, 2, tzinfo=UTC)
N_WRITERS = 4


def batch(partition: int, first: int, end: int, name: str) -> PreparedBatch:
    """Return rows for every offset in ``[first, end)``, marked with their writer."""
    rows = [
        exchange_row(
            "topic",
            offset,
            partition=partition,
            exchange_id=name,
            occurred_at=NOW,
            prompt="",
        )
        for offset in range(first, end)
    ]
    vectors = np.zeros((len(rows), 2), np.float16)
    return PreparedBatch(
        Exchanges.from_rows(
            rows, encoder="encoder@1", prompt_vectors=vectors, response_vectors=vectors
        )
    )


def store(engine: Engine, first: int, end: int, name: str) -> StoreResult:
    """Store ``[first, end)`` of partition 0."""
    moves = [OffsetMove("topic", 0, first, end)]
    return store_batch(engine, batch(0, first, end, name), moves, now=NOW)


def stored(engine: Engine) -> list[tuple[int, int, str]]:
    """Return partition, offset and writer of every row."""
    with transaction(engine) as connection:
        rows = connection.execute(
            select(Exchange.partition, Exchange.offset, Exchange.exchange_id).order_by(
                Exchange.partition, Exchange.offset
            )
        )
        return [tuple(row) for row in rows]


def count(engine: Engine, table: type) -> int:
    with transaction(engine) as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def n_waiting(engine: Engine) -> int:
    """Return the number of connections that wait for a lock."""
    waiting = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    with transaction(engine) as connection:
        return connection.execute(text(waiting)).scalar_one()


def run_writers(engine: Engine, body: Callable[[int, Engine], None]) -> None:
    """Run ``body`` in several concurrent threads with separate connections."""
    failures: list[BaseException] = []

    def run(number: int) -> None:
        own = make_engine(engine.url.render_as_string(hide_password=False))
        try:
            body(number, own)
        except BaseException as failure:  # noqa: BLE001 - raised again below
            failures.append(failure)
        finally:
            own.dispose()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(N_WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def test_one_writer_stores_among_writers_with_the_same_offset(any_engine: Engine) -> None:
    n_rounds, size = 20, 5
    with transaction(any_engine) as connection:
        claim(connection, "topic", 0, first=0, now=NOW)
    together = threading.Barrier(N_WRITERS, timeout=60)
    winners: list[list[str]] = [[] for _ in range(n_rounds)]

    def write(number_of_writer: int, engine: Engine) -> None:
        for number in range(n_rounds):
            first, end = number * size, (number + 1) * size
            together.wait()
            try:
                store(engine, first, end, f"writer {number_of_writer}")
            except LostOwnershipError:
                continue
            winners[number].append(f"writer {number_of_writer}")

    run_writers(any_engine, write)

    assert [1] * n_rounds == [len(names) for names in winners]
    expected = [(0, offset, winners[offset // size][0]) for offset in range(n_rounds * size)]
    assert expected == stored(any_engine)
    # What the others had inserted went with their transactions: vectors and dead letters too.
    assert n_rounds == count(any_engine, EmbeddingBlock)
    assert count(any_engine, DeadLetter) == 0


def test_owners_that_overlap_at_random_store_each_offset_once(any_engine: Engine) -> None:
    n_partitions, end = 3, 120
    with transaction(any_engine) as connection:
        for partition in range(n_partitions):
            claim(connection, "topic", partition, first=0, now=NOW)
    lost = [0] * N_WRITERS

    def write(number_of_writer: int, engine: Engine) -> None:
        """Write as if owning all partitions; read the offsets again only after a lost batch."""
        rng = random.Random(number_of_writer)
        believed = dict.fromkeys(range(n_partitions), 0)
        while any(offset < end for offset in believed.values()):
            # Two partitions a batch, in any order: writers must not lock each other out.
            chosen = rng.sample([p for p, offset in believed.items() if offset < end] * 2, k=2)
            moves = {
                p: OffsetMove("topic", p, believed[p], min(end, believed[p] + rng.randrange(1, 9)))
                for p in chosen
            }
            parts = [batch(p, m.expected, m.new, "writer") for p, m in moves.items()]
            whole = PreparedBatch(Exchanges.concat([part.exchanges for part in parts]))
            try:
                store_batch(engine, whole, list(moves.values()), now=NOW)
            except LostOwnershipError:
                lost[number_of_writer] += 1
                with transaction(engine) as connection:
                    believed = {p: next_offset(connection, "topic", p) for p in believed}
            else:
                believed |= {p: move.new for p, move in moves.items()}

    run_writers(any_engine, write)

    expected = [(p, offset, "writer") for p in range(n_partitions) for offset in range(end)]
    assert expected == stored(any_engine)
    assert count(any_engine, DeadLetter) == 0
    assert sum(lost) > 0, "the writers never met"


@pytest.mark.postgres
def test_a_hanging_owner_loses_its_transaction(
    postgres_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with transaction(postgres_engine) as connection:
        claim(connection, "topic", 0, first=0, now=NOW)
    hangs, taken_over = threading.Event(), threading.Event()
    insert = writer.insert_accepted

    def insert_or_hang(connection: Connection, prepared: PreparedBatch, **options: Any) -> Any:
        if prepared.exchanges.exchange_ids[0] == "hanging":
            hangs.set()
            assert taken_over.wait(60)
        return insert(connection, prepared, **options)

    monkeypatch.setattr(writer, "insert_accepted", insert_or_hang)
    monkeypatch.setattr(writer, "HANG_SECONDS", 0.2)
    results: list[object] = []

    def hang() -> None:
        try:
            results.append(store(postgres_engine, 0, 5, "hanging"))
        except DatabaseUnavailableError as error:
            results.append(type(error))

    hanging = threading.Thread(target=hang)
    hanging.start()
    assert hangs.wait(30)
    store(postgres_engine, 0, 5, "successor")
    taken_over.set()
    hanging.join(30)

    assert [DatabaseUnavailableError] == results
    assert [(0, offset, "successor") for offset in range(5)] == stored(postgres_engine)


@pytest.mark.postgres
def test_a_writer_behind_a_hanging_owner_is_late(
    postgres_engine: Engine,
) -> None:
    with transaction(postgres_engine) as connection:
        claim(connection, "topic", 0, first=0, now=NOW)
    results: list[str] = []

    def write_late() -> None:
        try:
            store(postgres_engine, 0, 5, "late")
        except LostOwnershipError:
            results.append("lost")
        else:
            results.append("stored")

    with transaction(postgres_engine) as hanging:
        advance(hanging, "topic", 0, expected=0, new=7, now=NOW)
        late = threading.Thread(target=write_late)
        late.start()
        wait_until(lambda: n_waiting(postgres_engine) == 1, "waiting for the open transaction")
        assert results == []
    late.join(30)

    assert results == ["lost"]
    assert stored(postgres_engine) == []
