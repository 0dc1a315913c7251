"""Bloat of PostgreSQL's tables: dead and free space, and size against a fresh copy."""

from dataclasses import dataclass

from sqlalchemy import Connection, text

#: Smaller tables are a few pages whatever they hold.
MIN_BYTES = 1_000_000
MAX_OVER_FRESH = 1.5

TABLES = text("""
    SELECT s.relname AS name, pg_table_size(s.relid) AS size,
        n_tup_upd AS updates, n_tup_hot_upd AS hot_updates, n_tup_del AS deletes,
        autovacuum_count AS autovacuums
    FROM pg_stat_user_tables AS s
    WHERE n_tup_ins + n_tup_upd + n_tup_del > 0 AND s.relname <> 'alembic_version'
    ORDER BY size DESC
""")


@dataclass(frozen=True)
class TableBloat:
    """The state of a table."""

    name: str
    size: int
    rows: int
    updates: int
    hot_updates: int
    deletes: int
    autovacuums: int
    #: Shares of the main file; ``None`` without pgstattuple.
    dead_share: float | None
    free_share: float | None
    #: Size over that of a copy of its rows.
    over_fresh: float

    @property
    def is_bloated(self) -> bool:
        """Whether it is much larger than its rows."""
        return self.size >= MIN_BYTES and self.over_fresh > MAX_OVER_FRESH


def measure_bloat(connection: Connection) -> list[TableBloat]:
    """Return the state of each table that was written to, the largest first.

    Args:
        connection: Of the owner; pgstattuple is created where it is installed and may be.
    """
    has_pgstattuple = _create_pgstattuple(connection)
    results = []
    for row in connection.execute(TABLES).mappings().all():
        dead, free = None, None
        if has_pgstattuple:
            shares = "SELECT dead_tuple_percent, free_percent FROM pgstattuple(:name)"
            dead, free = connection.execute(text(shares), {"name": row["name"]}).one()
            dead, free = dead / 100, free / 100
        rows, fresh = _copy(connection, row["name"])
        over_fresh = row["size"] / fresh
        results.append(
            TableBloat(**row, rows=rows, dead_share=dead, free_share=free, over_fresh=over_fresh)
        )
    return results


def _create_pgstattuple(connection: Connection) -> bool:
    available = "SELECT count(*) FROM pg_available_extensions WHERE name = 'pgstattuple'"
    if not connection.execute(text(available)).scalar_one():
        return False
    connection.execute(text("CREATE EXTENSION IF NOT EXISTS pgstattuple"))
    return True


def _copy(connection: Connection, table: str) -> tuple[int, int]:
    """Return the rows of a table, and the size of a copy without indexes."""
    copy = f"fresh_{table}"
    connection.execute(text(f'CREATE TABLE "{copy}" (LIKE "{table}" INCLUDING STORAGE)'))
    rows = connection.execute(text(f'INSERT INTO "{copy}" SELECT * FROM "{table}"')).rowcount
    size = connection.execute(text("SELECT pg_table_size(:name)"), {"name": copy}).scalar_one()
    connection.execute(text(f'DROP TABLE "{copy}"'))
    return rows, max(int(size), 8192)
