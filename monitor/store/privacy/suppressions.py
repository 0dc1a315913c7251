"""Queries of the suppression list."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select

from monitor.store.rows import columns_of, read_rows
from monitor.store.tables import Suppression, UserIdKey


@dataclass(frozen=True)
class SuppressionRow:
    """A change of the list about one form of an id."""

    main_digest: str
    digest: str
    #: Check value of the key of the digests.
    key: str
    #: ``added`` or ``removed``.
    action: str
    reason: str
    changed_at: datetime
    changed_by: str


_COLUMNS = columns_of(SuppressionRow, Suppression)


@dataclass(frozen=True)
class RulesVersion:
    """Marks by which a change of the list or the keys is noticed."""

    #: Rows are never removed, so it rises with each change.
    n_changes: int
    #: Generation of the newest key; 0 before the first.
    generation: int


def rules_version(connection: Connection) -> RulesVersion:
    """Return the version of the list and of the keys."""
    n_changes = select(func.count(Suppression.id)).scalar_subquery()
    generation = select(func.coalesce(func.max(UserIdKey.generation), 0)).scalar_subquery()
    return RulesVersion(*connection.execute(select(n_changes, generation)).one())


def suppression_changes(connection: Connection) -> list[SuppressionRow]:
    """Return all changes in their order."""
    return read_rows(connection, SuppressionRow, select(*_COLUMNS).order_by(Suppression.id))


def add_suppression_changes(connection: Connection, rows: Sequence[SuppressionRow]) -> None:
    """Add changes."""
    if rows:
        connection.execute(insert(Suppression), [asdict(row) for row in rows])


def newest_changes(changes: Iterable[SuppressionRow]) -> dict[str, SuppressionRow]:
    """Return the newest change of each digest; of two of one time the later in the sequence."""
    newest: dict[str, SuppressionRow] = {}
    for change in changes:
        known = newest.get(change.digest)
        if known is None or change.changed_at >= known.changed_at:
            newest[change.digest] = change
    return newest
