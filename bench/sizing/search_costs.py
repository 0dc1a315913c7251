"""Bytes of the full-text index of stored exchanges, on both databases."""

import json
import uuid
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from sqlalchemy import Engine, text

from bench.sizing.texts import exchanges
from monitor.daemon import search_index
from monitor.settings import Settings
from monitor.store.engine import make_engine, transaction
from monitor.store.tables import metadata
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.traffic.exchanges import insert_exchanges

NOW = datetime(2026, 11, 30, tzinfo=UTC)


def postgres_search_bytes(url: str, n: int, prompt_bytes: int, response_bytes: int) -> float:
    """Return the bytes of the terms of an exchange with their indexes, in an empty database."""
    engine = make_engine(url)
    _fill(engine, n, prompt_bytes, response_bytes)
    before = _postgres_bytes(engine)
    _index(engine)
    growth = _postgres_bytes(engine) - before
    engine.dispose()
    return growth / n


def sqlite_search_bytes(folder: Path, n: int, prompt_bytes: int, response_bytes: int) -> float:
    """Return the growth of a new file, for an exchange."""
    path = folder / f"search-{uuid.uuid4().hex[:8]}.db"
    engine = make_engine(f"sqlite:///{path}")
    _fill(engine, n, prompt_bytes, response_bytes)
    before = _file_bytes(engine, path)
    _index(engine)
    growth = _file_bytes(engine, path) - before
    engine.dispose()
    return growth / n


def _fill(engine: Engine, n: int, prompt_bytes: int, response_bytes: int) -> None:
    metadata.create_all(engine)
    rows = [
        {
            "source": "sizing",
            "partition": 0,
            "offset": number,
            "exchange_id": record["id"],
            "occurred_at": datetime.fromtimestamp(record["timestamp"], UTC),
            "received_at": NOW,
            "model": record["model"],
            "task_type": record["task_type"],
            "end_user": record["user"],
            "messages": [],
            "prompt": record["prompt"],
            "response": record["response"],
            "attributes": record["metadata"],
            "inclusion_probability": 1.0,
        }
        for number, record in enumerate(
            map(json.loads, exchanges(n, prompt_bytes, response_bytes, 1))
        )
    ]
    vectors = np.zeros((n, 1), dtype=np.float16)
    stored = Exchanges.from_rows(
        rows, prompt_vectors=vectors, response_vectors=vectors, encoder="sizing"
    )
    with transaction(engine) as connection:
        insert_exchanges(connection, stored, created_at=NOW)


def _index(engine: Engine) -> None:
    """Index everything: a call ends after some seconds."""
    while True:
        search_index.index_new_exchanges(engine, Settings(), NOW)
        with transaction(engine) as connection:
            counts = (
                connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
                for table in ("exchanges", "exchange_terms")
            )
            if len(set(counts)) == 1:
                return


def _postgres_bytes(engine: Engine) -> float:
    with transaction(engine) as connection:
        statement = text("SELECT pg_total_relation_size('exchange_terms')")
        return float(connection.execute(statement).scalar_one())


def _file_bytes(engine: Engine, path: Path) -> float:
    with engine.connect() as connection:
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return float(path.stat().st_size)
