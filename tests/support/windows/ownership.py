"""Rows that refer to rows of another model: there must be none."""

from sqlalchemy import Engine, func, select

from monitor.store.engine import transaction
from monitor.store.tables import metadata


def mixed_rows(engine: Engine) -> dict[str, int]:
    """Return the number of rows of a model that refer to one of another, by column."""
    mixed = {}
    with transaction(engine) as connection:
        for table in metadata.sorted_tables:
            for key in table.foreign_keys:
                target = key.column.table.alias()
                if "model" not in table.c or "model" not in target.c:
                    continue
                statement = select(func.count()).select_from(
                    table.join(target, key.parent == target.c[key.column.name])
                )
                differing = statement.where(table.c.model != target.c.model)
                if n := connection.execute(differing).scalar_one():
                    mixed[str(key.parent)] = n
    return mixed
