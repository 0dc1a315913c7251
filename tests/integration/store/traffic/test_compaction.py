"""Compaction of embedding blocks: vectors stay bit-identical."""

from datetime import datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import Engine, delete, func, select

from monitor.errors import TransientError
from monitor.store.engine import snapshot, transaction
from monitor.store.tables import EmbeddingBlock, Exchange
from monitor.store.traffic import compaction
from monitor.store.traffic.compaction import (
    blocks_with_dead_rows,
    drop_dead_rows,
    groups_to_merge,
    merge_blocks,
)
from monitor.store.traffic.embedding_blocks import load_vectors
from monitor.store.traffic.exchanges import load_window
from tests.support.traffic.aging_traffic import store_numbers, vectors_are_right

WEEK = timedelta(weeks=1)


def block_sizes(engine: Engine) -> list[int]:
    with transaction(engine) as connection:
        statement = select(EmbeddingBlock.n_rows).order_by(EmbeddingBlock.id)
        return list(connection.execute(statement).scalars())


def test_merged_blocks_give_bit_identical_vectors(any_engine: Engine, clock: datetime) -> None:
    for first in range(0, 60, 3):
        store_numbers(any_engine, range(first, first + 3), clock)
    with transaction(any_engine) as connection:
        before = load_window(connection, "assistant", clock, clock + WEEK)
        groups = groups_to_merge(connection, clock + timedelta(days=2))
        assert [merge_blocks(connection, group) for group in groups] == [60]
        after = load_window(connection, "assistant", clock, clock + WEEK)

    assert block_sizes(any_engine) == [60]
    assert before.exchange_ids == after.exchange_ids
    assert before.prompt_vectors.tobytes() == after.prompt_vectors.tobytes()
    assert before.response_vectors.tobytes() == after.response_vectors.tobytes()
    assert vectors_are_right(any_engine) == 60


def test_only_old_small_traffic_blocks_of_one_encoder_are_merged(
    any_engine: Engine, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "MIN_BLOCKS", 2)
    monkeypatch.setattr(compaction, "MAX_ROWS", 8)
    for first, encoder in ((0, "a@1"), (10, "a@1"), (20, "b@1"), (30, "a@1"), (40, "b@1")):
        store_numbers(any_engine, range(first, first + 3), clock, encoder=encoder)
    store_numbers(any_engine, range(50, 55), clock, encoder="a@1")  # more than half a block
    store_numbers(any_engine, range(60, 63), clock, encoder="a@1", baseline=True)
    store_numbers(any_engine, range(70, 73), clock + timedelta(days=3), encoder="a@1")
    with transaction(any_engine) as connection:
        groups = groups_to_merge(connection, clock + timedelta(days=2))
        encoders = [
            connection.execute(
                select(EmbeddingBlock.encoder, EmbeddingBlock.n_rows).where(
                    EmbeddingBlock.id.in_(group)
                )
            ).all()
            for group in groups
        ]

    assert [[tuple(row) for row in group] for group in encoders] == [
        [("a@1", 3), ("a@1", 3)],
        [("b@1", 3), ("b@1", 3)],
    ]


def test_few_small_blocks_are_not_merged(any_engine: Engine, clock: datetime) -> None:
    for first in range(0, 21, 3):
        store_numbers(any_engine, range(first, first + 3), clock)
    with transaction(any_engine) as connection:
        assert groups_to_merge(connection, clock + timedelta(days=2)) == []


def test_encoder_of_merged_blocks_does_not_become_the_newest(
    any_engine: Engine, clock: datetime
) -> None:
    for first in range(0, 30, 3):
        store_numbers(any_engine, range(first, first + 3), clock, encoder="old@1")
    store_numbers(any_engine, range(40, 42), clock + timedelta(hours=1), encoder="new@1")
    with transaction(any_engine) as connection:
        for group in groups_to_merge(connection, clock + timedelta(days=2)):
            merge_blocks(connection, group)
        window = load_window(connection, "assistant", clock, clock + WEEK)

    assert (window.encoder, window.n_other_encoder) == ("new@1", 30)


def test_vectors_of_deleted_rows_leave_their_block(any_engine: Engine, clock: datetime) -> None:
    store_numbers(any_engine, range(10), clock)
    store_numbers(any_engine, range(20, 25), clock)
    with transaction(any_engine) as connection:
        (gone,) = connection.execute(
            select(EmbeddingBlock.prompt_vectors).order_by(EmbeddingBlock.id).limit(1)
        ).one()
        connection.execute(delete(Exchange).where(Exchange.exchange_id.in_(["n3", "n7", "n9"])))
        connection.execute(delete(Exchange).where(Exchange.exchange_id.like("n2_")))
        dead = blocks_with_dead_rows(connection)
        assert [drop_dead_rows(connection, block) for block in dead] == [3, 5]
        assert blocks_with_dead_rows(connection) == []
        (rows_left,) = connection.execute(select(EmbeddingBlock.prompt_vectors)).one()

    assert block_sizes(any_engine) == [7]
    assert vectors_are_right(any_engine) == 7
    width = len(gone) // 10
    assert gone[3 * width : 4 * width] not in rows_left
    assert gone[2 * width : 3 * width] in rows_left


def test_blocks_replaced_by_another_process_are_skipped(
    any_engine: Engine, clock: datetime
) -> None:
    store_numbers(any_engine, range(3), clock)
    with transaction(any_engine) as connection:
        (block,) = connection.execute(select(EmbeddingBlock.id)).scalars()
        assert merge_blocks(connection, [block, block + 1]) == 0
        assert drop_dead_rows(connection, block + 1) == 0
        assert drop_dead_rows(connection, block) == 0  # it has lost nothing

    assert vectors_are_right(any_engine) == 3


def test_reader_of_a_replaced_block_gets_a_transient_error(
    any_engine: Engine, clock: datetime
) -> None:
    store_numbers(any_engine, range(3), clock)
    with (
        transaction(any_engine) as connection,
        pytest.raises(TransientError, match="read both in one snapshot"),
    ):
        load_vectors(connection, np.array([1, 9]), np.array([0, 0]))


@pytest.mark.postgres
def test_snapshot_reads_vectors_that_are_moved_meanwhile(
    postgres_engine: Engine, clock: datetime
) -> None:
    for first in range(0, 30, 3):
        store_numbers(postgres_engine, range(first, first + 3), clock)
    with snapshot(postgres_engine) as reader:
        assert reader.execute(select(func.count()).select_from(Exchange)).scalar_one() == 30
        with transaction(postgres_engine) as writer:
            for group in groups_to_merge(writer, clock + timedelta(days=2)):
                merge_blocks(writer, group)
            writer.execute(delete(Exchange).where(Exchange.exchange_id == "n0"))
        window = load_window(reader, "assistant", clock, clock + WEEK)

    assert len(window) == 30
    assert vectors_are_right(postgres_engine) == 29
