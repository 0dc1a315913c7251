"""Periods and readers of stored data in words, as the settings are."""

from sqlalchemy import Table

from monitor.setting_types.durations import format_duration
from monitor.settings import Retention
from monitor.store.tables import metadata
from monitor.store.tables.facts import facts_of
from monitor.table_types.contents import Content, Reader

#: Table whose rows are the parents where no key names others.
DEFAULT_PARENT = "exchanges"
#: What is personal data of end users, or may be.
ABOUT_END_USERS = frozenset({Content.END_USER_ID, Content.END_USER_TEXT, Content.STAFF_WORDS})
READERS: dict[Reader, str] = {
    "reviewer": "reviewers",
    "adjudicator": "adjudicators",
    "lead": "leads",
    "admin": "administrators",
    "operator": "operators of the database and of the machine",
}


def describe_period(name: str, retention: Retention) -> str:
    """Return how long rows of a table stay."""
    row = facts_of(name)
    if not row.period:
        return f"no period: {row.no_period}"
    if row.period == "parent":
        return "; ".join(
            f"as long as {parent}: {describe_period(parent, retention)}"
            for parent in parents_of(name)
        )
    return describe_key(row.period, retention)


def describe_key(key: str, retention: Retention) -> str:
    """Return the period of a key of ``[retention]``."""
    period = getattr(retention, key)
    length = format_duration(period) if period else "no limit is set"
    return f"{length} (retention.{key})"


def describe_readers(name: str) -> str:
    """Return who reads the rows of a table."""
    return ", ".join(READERS[reader] for reader in facts_of(name).readers)


def parents_of(name: str) -> list[str]:
    """Return the tables with a period that the rows of a table refer to, and go with."""
    table: Table = metadata.tables[name]
    parents = {key.column.table.name for key in table.foreign_keys} - {name}
    with_period = sorted(parent for parent in parents if facts_of(parent).period)
    return with_period or [DEFAULT_PARENT]
