"""Exchanges whose texts determine their vectors, stored at any age."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine, select

from monitor.store.engine import snapshot, transaction
from monitor.store.tables import Exchange
from monitor.store.traffic.baselines import create_baseline
from monitor.store.traffic.embedding_blocks import load_vectors
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.traffic.exchanges import insert_exchanges
from tests.support.encoders.fake_encoder import FakeEncoder
from tests.support.traffic.exchange_rows import exchange_row

ENCODER = FakeEncoder()


def exchange(number: int, received_at: datetime, **values: Any) -> dict[str, Any]:
    """Return the row of an exchange, identified by its number."""
    defaults = {
        "exchange_id": f"n{number}",
        "occurred_at": received_at + timedelta(seconds=number),
        "received_at": received_at,
        "end_user": f"user-{number % 7}",
        "prompt": f"prompt {number}",
        "response": f"response {number}",
        "inclusion_probability": 0.05,
    }
    return exchange_row("topic", number, **(defaults | values))


def encoded(texts: list[str]) -> NDArray[np.float16]:
    return ENCODER.encode(texts)


def store_rows(
    engine: Engine,
    rows: list[dict[str, Any]],
    *,
    encoder: str = "fake@1",
    baseline_id: int | None = None,
) -> None:
    """Store exchanges in one block, as ingest does."""
    with transaction(engine) as connection:
        exchanges = Exchanges.from_rows(
            rows,
            encoder=encoder,
            prompt_vectors=encoded([row["prompt"] for row in rows]),
            response_vectors=encoded([row["response"] for row in rows]),
        )
        insert_exchanges(
            connection, exchanges, created_at=rows[0]["received_at"], baseline_id=baseline_id
        )


def store_numbers(
    engine: Engine,
    numbers: Iterable[int],
    received_at: datetime,
    *,
    encoder: str = "fake@1",
    baseline: bool = False,
) -> int | None:
    """Store a block of exchanges with these numbers; return the baseline's id, if any."""
    rows = [exchange(number, received_at) for number in numbers]
    baseline_id = None
    if baseline:
        with transaction(engine) as connection:
            baseline_id = create_baseline(
                connection,
                "assistant",
                f"digest-{rows[0]['exchange_id']}",
                n_exchanges=len(rows),
                encoder=encoder,
                created_at=received_at,
            )
    store_rows(engine, rows, encoder=encoder, baseline_id=baseline_id)
    return baseline_id


def stored_ids(engine: Engine) -> set[str]:
    with transaction(engine) as connection:
        return set(connection.execute(select(Exchange.exchange_id)).scalars())


def vectors_are_right(engine: Engine) -> int:
    """Check that every stored exchange has its own vectors, bit for bit; return the count."""
    with snapshot(engine) as connection:
        rows = connection.execute(
            select(Exchange.prompt, Exchange.response, Exchange.block_id, Exchange.block_row)
        ).all()
        prompts, responses = load_vectors(
            connection,
            np.array([row.block_id for row in rows], dtype=np.int64),
            np.array([row.block_row for row in rows], dtype=np.int64),
        )
    for prompt, texts in (
        (prompts, [r.prompt for r in rows]),
        (responses, [r.response for r in rows]),
    ):
        assert encoded(texts).tobytes() == prompt.tobytes()
    return len(rows)
