"""Bloat of tables on a real PostgreSQL."""

import re
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from bench.services.postgres import PostgresServer
from monitor.store.engine import make_engine
from tests.soak.endurance.bloat import measure_bloat

N_ROWS = 20_000
CAPACITY = Path(__file__).parents[3] / "docs" / "explanation" / "capacity.md"


@pytest.mark.postgres
def test_dead_rows_show_as_bloat(own_postgres: PostgresServer) -> None:
    engine = make_engine(own_postgres.url)
    with engine.begin() as connection:
        for name in ("inserted", "rewritten"):
            options = "WITH (autovacuum_enabled = off)"
            connection.execute(text(f"CREATE TABLE {name} (id int, body text) {options}"))
            fill = (
                f"INSERT INTO {name} SELECT i, repeat('x', 200) FROM generate_series(1, {N_ROWS}) i"
            )
            connection.execute(text(fill))
    with engine.begin() as connection:
        connection.execute(text("UPDATE rewritten SET body = repeat('y', 200)"))
        connection.execute(text("DELETE FROM rewritten WHERE id % 2 = 0"))
    with engine.begin() as connection:
        connection.execute(text("ANALYZE"))
        connection.execute(text("SELECT pg_stat_force_next_flush()"))
    with engine.begin() as connection:
        tables = {table.name: table for table in measure_bloat(connection)}
    engine.dispose()

    inserted, rewritten = tables["inserted"], tables["rewritten"]
    assert (inserted.is_bloated, rewritten.is_bloated) == (False, True)
    assert inserted.over_fresh == pytest.approx(1.0, abs=0.05)
    assert rewritten.over_fresh == pytest.approx(4.0, rel=0.1)
    assert (rewritten.updates, rewritten.deletes) == (N_ROWS, N_ROWS // 2)
    if rewritten.dead_share is not None:
        assert rewritten.dead_share > 0.5


@pytest.mark.postgres
def test_documented_autovacuum_settings_are_accepted(postgres_engine: Engine) -> None:
    (block,) = re.findall(r"```sql\n(.*?)```", CAPACITY.read_text(encoding="utf-8"), re.DOTALL)
    stored = text(
        "SELECT relname, reloptions::text FROM pg_class WHERE reloptions::text LIKE '%vacuum%'"
    )
    with postgres_engine.begin() as connection:
        for statement in block.split(";"):
            if statement.strip():
                connection.execute(text(statement))
        tables = {name for name, _ in connection.execute(stored)}
        connection.rollback()  # the next test gets the same database
    assert {"exchanges", "embedding_blocks", "rollout_observations"} <= tables
    assert sum(name.startswith("pg_toast") for name in tables) == 3
