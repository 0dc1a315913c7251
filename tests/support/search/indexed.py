"""Stored exchanges and their full-text index."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import Engine

from monitor.daemon.search_index import index_new_exchanges
from monitor.settings import Settings
from monitor.store.engine import transaction
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.traffic.exchanges import insert_exchanges
from tests.support.traffic.exchange_rows import exchange_row


def store(engine: Engine, rows: Sequence[dict[str, Any]], now: datetime, first: int = 0) -> None:
    """Store exchanges of the columns that are given, a minute after each other."""
    full = [
        exchange_row(
            "topic",
            first + number,
            **{"occurred_at": now + timedelta(minutes=number), "received_at": now, **row},
        )
        for number, row in enumerate(rows)
    ]
    vectors = np.zeros((len(full), 4), dtype=np.float16)
    exchanges = Exchanges.from_rows(
        full, prompt_vectors=vectors, response_vectors=vectors, encoder="encoder"
    )
    with transaction(engine) as connection:
        insert_exchanges(connection, exchanges, created_at=now)


def index(engine: Engine, now: datetime, settings: Settings | None = None) -> None:
    """Index what is stored, as the leader does."""
    index_new_exchanges(engine, settings or Settings(), now)
