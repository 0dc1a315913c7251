"""Queries of traffic: windows, baselines, offsets, gaps and dead letters, on both databases."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from monitor.errors import LostOwnershipError, NotFoundError
from monitor.store.engine import transaction
from monitor.store.traffic.baselines import baseline_by_digest, create_baseline, latest_baseline
from monitor.store.traffic.dead_letters import (
    DeadLetterRow,
    count_by_reason,
    insert_dead_letters,
    mark_replayed,
    pending_dead_letters,
)
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.traffic.exchanges import (
    exchange_by_id,
    first_exchange_at,
    insert_exchanges,
    last_exchange_at,
    load_baseline,
    load_window,
)
from monitor.store.traffic.offsets import (
    advance,
    claim,
    gaps_detected,
    next_offset,
    next_offsets,
    record_gap,
)
from monitor.store.traffic.position import Position
from tests.support.traffic.exchange_rows import exchange_row

DIMENSION = 4


def make_row(offset: int, occurred_at: datetime) -> dict[str, Any]:
    return exchange_row(
        "topic",
        offset,
        exchange_id=f"exchange-{offset}",
        occurred_at=occurred_at,
        task_type="faq",
        end_user=f"user-{offset % 3}",
        prompt=f"prompt {offset} \N{SNOWMAN}",
        response=f"response {offset}",
        attributes={"latency": 0.5, "cached": True, "region": "eu"},
        inclusion_probability=0.05,
    )


def vectors_of(offsets: list[int]) -> np.ndarray:
    """Return a vector that encodes its row, so that a mix-up is visible."""
    return np.outer(offsets, np.ones(DIMENSION)).astype(np.float16)


def insert(engine: Engine, offsets: list[int], start: datetime, **options) -> None:
    rows = [make_row(offset, start + timedelta(minutes=offset)) for offset in offsets]
    encoder = options.pop("encoder", "encoder@1")
    with transaction(engine) as connection:
        exchanges = Exchanges.from_rows(
            rows,
            encoder=encoder,
            prompt_vectors=vectors_of(offsets),
            response_vectors=-vectors_of(offsets),
        )
        insert_exchanges(connection, exchanges, created_at=start, **options)


def test_window_is_loaded_from_blocks_in_order_of_time(any_engine: Engine, clock: datetime) -> None:
    insert(any_engine, [7, 1, 4], clock)
    insert(any_engine, [2, 9, 3], clock)

    with transaction(any_engine) as connection:
        window = load_window(
            connection, "assistant", clock + timedelta(minutes=2), clock + timedelta(minutes=9)
        )

    assert [f"exchange-{n}" for n in (2, 3, 4, 7)] == window.exchange_ids
    assert [2.0, 3.0, 4.0, 7.0] == window.prompt_vectors[:, 0].tolist()
    assert [-2.0, -3.0, -4.0, -7.0] == window.response_vectors[:, 3].tolist()
    assert np.float16 == window.prompt_vectors.dtype
    assert clock + timedelta(minutes=2) == window.occurred_at[0]
    assert {"latency": 0.5, "cached": True, "region": "eu"} == window.attributes[0]
    assert [0.05] * 4 == window.inclusion_probability.tolist()
    assert 4 == len(window)


def test_empty_window_has_empty_columns(any_engine: Engine, clock: datetime) -> None:
    with transaction(any_engine) as connection:
        window = load_window(connection, "assistant", clock, clock + timedelta(days=7))

    assert 0 == len(window)
    assert [] == window.prompts
    assert (0,) == window.ids.shape
    assert 0 == len(window.prompt_vectors)


def test_window_loads_the_newest_encoder_and_counts_the_rest(
    any_engine: Engine, clock: datetime
) -> None:
    insert(any_engine, [1, 2, 3], clock, encoder="old@1")
    insert(any_engine, [4, 5], clock, encoder="new@1")

    with transaction(any_engine) as connection:
        window = load_window(connection, "assistant", clock, clock + timedelta(days=1))

    assert "new@1" == window.encoder
    assert ["exchange-4", "exchange-5"] == window.exchange_ids
    assert 3 == window.n_other_encoder


def test_traffic_and_baselines_are_separate(any_engine: Engine, clock: datetime) -> None:
    insert(any_engine, [1], clock)
    with transaction(any_engine) as connection:
        baseline_id = create_baseline(
            connection, "assistant", "digest", n_exchanges=2, encoder="encoder@1", created_at=clock
        )
    insert(any_engine, [100, 101], clock, baseline_id=baseline_id)

    with transaction(any_engine) as connection:
        window = load_window(connection, "assistant", clock, clock + timedelta(days=1))
        baseline = load_baseline(connection, baseline_id)
        latest = latest_baseline(connection, "assistant")

        assert clock + timedelta(minutes=1) == first_exchange_at(connection, "assistant")
        assert clock + timedelta(minutes=1) == last_exchange_at(connection, "assistant")
        assert first_exchange_at(connection, "another") is None
        assert latest == baseline_by_digest(connection, "digest")
        assert latest_baseline(connection, "another") is None

    assert ["exchange-1"] == window.exchange_ids
    assert ["exchange-100", "exchange-101"] == baseline.exchange_ids
    assert latest is not None
    assert (baseline_id, 2) == (latest.id, latest.n_exchanges)


def test_database_errors_contain_no_texts(any_engine: Engine, clock: datetime) -> None:
    dead_letter = replace(make_dead_letter(clock), detail="what a customer wrote")
    with (  # noqa: PT012 - the transaction belongs to what must fail
        pytest.raises(IntegrityError) as failure,
        transaction(any_engine) as connection,
    ):
        insert_dead_letters(connection, [dead_letter])
        insert_dead_letters(connection, [dead_letter])

    assert "dead_letters" in str(failure.value)
    assert "customer" not in str(failure.value)


def test_exchange_is_loaded_with_its_conversation(any_engine: Engine, clock: datetime) -> None:
    insert(any_engine, [1], clock)

    with transaction(any_engine) as connection:
        window = load_window(connection, "assistant", clock, clock + timedelta(days=1))
        detail = exchange_by_id(connection, int(window.ids[0]))

        assert [{"role": "user", "content": "prompt 1 \N{SNOWMAN}"}] == detail.messages
        assert "response 1" == detail.response
        with pytest.raises(NotFoundError, match="no exchange 999"):
            exchange_by_id(connection, 999)


def test_vectors_must_match_the_rows(any_engine: Engine, clock: datetime) -> None:
    with (
        transaction(any_engine) as connection,
        pytest.raises(ValueError, match="1 rows need two arrays"),
    ):
        insert_exchanges(
            connection,
            Exchanges.from_rows(
                [make_row(1, clock)],
                encoder="encoder@1",
                prompt_vectors=vectors_of([1, 2]),
                response_vectors=vectors_of([1, 2]),
            ),
            created_at=clock,
        )


def test_first_claim_of_a_partition_is_kept(any_engine: Engine, clock: datetime) -> None:
    with transaction(any_engine) as connection:
        assert next_offset(connection, "topic", 0) is None
        assert 5 == claim(connection, "topic", 0, first=5, now=clock)
        assert 5 == claim(connection, "topic", 0, first=0, now=clock)
        assert 0 == claim(connection, "topic", 1, first=0, now=clock)
        assert {0: 5, 1: 0} == next_offsets(connection, "topic")


def test_offset_moves_only_from_the_expected_value(any_engine: Engine, clock: datetime) -> None:
    with transaction(any_engine) as connection:
        claim(connection, "topic", 0, first=5, now=clock)
        advance(connection, "topic", 0, expected=5, new=9, now=clock)

    with (  # noqa: PT012 - the transaction belongs to what must roll back
        pytest.raises(LostOwnershipError, match="no longer 5"),
        transaction(any_engine) as late,
    ):
        insert_dead_letters(late, [make_dead_letter(clock)])
        advance(late, "topic", 0, expected=5, new=7, now=clock)

    with transaction(any_engine) as connection:
        assert 9 == next_offset(connection, "topic", 0)
        assert {} == count_by_reason(connection)


def test_gaps_are_listed(any_engine: Engine, clock: datetime) -> None:
    with transaction(any_engine) as connection:
        record_gap(connection, "topic", 1, first_offset=3, last_offset=8, detected_at=clock)
        (gap,) = gaps_detected(connection, "topic", clock, clock + timedelta(seconds=1))

    assert (1, 3, 8, clock) == (gap.partition, gap.first_offset, gap.last_offset, gap.detected_at)


def make_dead_letter(now: datetime) -> DeadLetterRow:
    return DeadLetterRow(
        position=Position("topic", 0, 3),
        key=b"\x00key",
        value=b"\xff\x00{",
        reason="invalid_json",
        detail="truncated",
        inclusion_probability=0.05,
        received_at=now,
    )


def test_dead_letters_are_stored_whole_and_replayed_once(
    any_engine: Engine, clock: datetime
) -> None:
    tombstone = replace(make_dead_letter(clock), position=Position("topic", 0, 4), value=None)
    with transaction(any_engine) as connection:
        insert_dead_letters(connection, [make_dead_letter(clock), tombstone])
        pending = pending_dead_letters(connection)

        assert [make_dead_letter(clock), tombstone] == [dead_letter for _, dead_letter in pending]
        assert [tombstone] == [
            dead_letter
            for _, dead_letter in pending_dead_letters(connection, after_id=pending[0][0])
        ]
        assert {"invalid_json": 2} == count_by_reason(connection)
        assert mark_replayed(connection, pending[0][0], now=clock)
        assert not mark_replayed(connection, pending[0][0], now=clock)
        assert {"invalid_json": 1} == count_by_reason(connection)
