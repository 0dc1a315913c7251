"""Facts that tables and columns declare of themselves, collected from the schema.

`driftwarden forget`, its verification, the export for an end user, the inventory of personal data
and the grants of `driftwarden db grants` read these.
"""

from collections.abc import Mapping
from functools import cache

from sqlalchemy import Table

from monitor.store.tables import metadata
from monitor.table_types.contents import FACTS, PersonalColumn, TableFacts


def table_names() -> list[str]:
    """Return the names of all tables, in alphabetical order."""
    return sorted(metadata.tables)


def facts_of(table: str) -> TableFacts:
    """Return what a table declares."""
    facts: TableFacts = metadata.tables[table].info[FACTS]
    return facts


def columns_of(table: str) -> Mapping[str, PersonalColumn]:
    """Return what the columns of a table declare: all that can hold text, JSON or bytes."""
    return _columns(metadata.tables[table])


@cache
def _columns(table: Table) -> Mapping[str, PersonalColumn]:
    return {
        str(column.name): column.info[FACTS] for column in table.columns if FACTS in column.info
    }


def period_of(table: str, column: str) -> str:
    """Return the key of ``[retention]`` after which a column's content is removed; empty: none."""
    return columns_of(table)[column].period or facts_of(table).period
