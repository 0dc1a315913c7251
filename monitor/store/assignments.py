"""Assignments of items to users, with lease and draft: one table of them for each kind of item."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Insert,
    Select,
    and_,
    bindparam,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from monitor.store.rows import columns_of, read_row, read_rows
from monitor.table_types.base import UtcDateTime

#: End of the lease of an item that was given to a user who never claimed it.
NEVER_CLAIMED = datetime(1970, 1, 1, tzinfo=UTC)

#: Parameters of statements that are made once, because making one takes longer than sending it:
#: the item, who claims it, the time, and the end of the lease.
ITEM, CLAIMER = bindparam("item", type_=BigInteger), bindparam("claimer", type_=BigInteger)
NOW, UNTIL = bindparam("now", type_=UtcDateTime), bindparam("until", type_=UtcDateTime)


@dataclass(frozen=True)
class Assignment:
    """A user's claim on an item. It is live until it expires, or is skipped or declined."""

    item_id: int
    reviewer_id: int
    expires_at: datetime
    draft: dict[str, Any]
    skipped_at: datetime | None
    declined_reason: str | None

    @property
    def was_claimed(self) -> bool:
        """Whether the user has ever claimed the item; else it was only given to them."""
        return self.expires_at > NEVER_CLAIMED

    def is_live(self, now: datetime) -> bool:
        """Return whether the claim still holds a slot."""
        return self.expires_at > now and self.skipped_at is None and self.declined_reason is None


AssignmentT = TypeVar("AssignmentT", bound=Assignment)


class AssignmentTable(Generic[AssignmentT]):
    """The assignments of one kind of item.

    The mapped class ``table`` has at most one row for each item and user; the fields of
    ``row_type`` are its columns.
    """

    def __init__(self, table: Any, row_type: type[AssignmentT]) -> None:
        self._table = table
        self._row_type = row_type
        self._columns = columns_of(row_type, table)
        own = (table.item_id == ITEM, table.reviewer_id == CLAIMER)
        self._find, self._update = select(*self._columns).where(*own), update(table).where(*own)

    def find(self, connection: Connection, item_id: int, user_id: int) -> AssignmentT | None:
        """Return a user's assignment of an item, live or not."""
        own = {"item": item_id, "claimer": user_id}
        return read_row(connection, self._row_type, self._find, own)

    def select(self) -> Select[Any]:
        """Return a query of assignments, to be narrowed, for :meth:`read`."""
        return select(*self._columns)

    def read(self, connection: Connection, statement: Select[Any]) -> list[AssignmentT]:
        """Return the assignments that a query selects."""
        return read_rows(connection, self._row_type, statement)

    def claim_statements(
        self, free: Select[int], **new: ColumnElement[Any]
    ) -> Mapping[str, Insert]:
        """Return the statements, by dialect, that give ``CLAIMER`` a slot of ``ITEM`` or extend it.

        One conditional statement counts the slots and takes one: no row is written if none is
        free. The caller holds the item's lock, so that no other count comes in between; an earlier
        draft is preserved. ``free`` selects the item's id if the user may have a slot, and nothing
        else; ``new`` are other columns of a first assignment.
        """
        row = free.add_columns(CLAIMER, UNTIL, *new.values())
        names = ["item_id", "reviewer_id", "expires_at", *new]
        return {
            # The draft's default comes from the table's declaration.
            name: dialect.insert(self._table)
            .from_select(names, row)
            .on_conflict_do_update(
                index_elements=["item_id", "reviewer_id"],
                set_={"expires_at": UNTIL, "skipped_at": None},
            )
            for name, dialect in (("postgresql", postgresql), ("sqlite", sqlite))
        }

    def update(self, connection: Connection, item_id: int, user_id: int, **values: Any) -> int:
        """Change an assignment, such as its draft; return the number of rows, 0 or 1."""
        own = {"item": item_id, "claimer": user_id}
        return connection.execute(self._update, {**own, **values}).rowcount

    def store_draft(
        self,
        connection: Connection,
        item_id: int,
        user_id: int,
        draft: dict[str, Any],
        until: datetime,
    ) -> None:
        """Store a draft, also of a user who needs no slot, such as an adjudicator."""
        values = {"draft": draft, "expires_at": until}
        if not self.update(connection, item_id, user_id, **values):
            row = {"item_id": item_id, "reviewer_id": user_id, **values}
            connection.execute(insert(self._table).values(**row))

    def clear_draft(self, connection: Connection, item_id: int, user_id: int) -> None:
        """Clear a draft that was submitted."""
        self.update(connection, item_id, user_id, draft={})


def is_live(assignment: Any, now: datetime | ColumnElement[datetime]) -> ColumnElement[bool]:
    """Return the condition that an assignment, of a mapped class or its alias, holds a slot."""
    return and_(
        assignment.expires_at > now,
        assignment.skipped_at.is_(None),
        assignment.declined_reason.is_(None),
    )
