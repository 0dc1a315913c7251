"""Queries of pending halves: requests and responses that await their partner."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, exists, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import aliased

from monitor.store.rows import columns_of
from monitor.store.tables import PendingHalf
from monitor.store.traffic.offsets import sources_complete_until
from monitor.store.traffic.position import HalfRow, Position

#: Rows written or asked for at once, well below SQLite's limit of bound parameters.
ROWS_PER_QUERY = 500
POSITION = columns_of(Position, PendingHalf)


#: Columns of the same names.
FIELDS = tuple(field.name for field in fields(HalfRow) if field.name != "position")


@dataclass(frozen=True)
class StoredHalf:
    """A pending half with its id."""

    id: int
    row: HalfRow


@dataclass(frozen=True)
class StoredPair:
    """A request and its response."""

    request: StoredHalf
    response: StoredHalf


def insert_halves(
    connection: Connection, rows: Sequence[HalfRow], *, now: datetime
) -> list[HalfRow]:
    """Insert halves; return those whose side of the join id is pending already."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    # In a fixed order, so that two replicas that write the same ids can't wait for each other.
    ordered = sorted(rows, key=lambda row: (row.position.source, row.join_id, row.side))
    written: set[Position] = set()
    for start in range(0, len(ordered), ROWS_PER_QUERY):
        part = ordered[start : start + ROWS_PER_QUERY]
        statement = dialect.insert(PendingHalf).values(
            [{**_values(row), "stored_at": now} for row in part]
        )
        inserted = connection.execute(
            statement.on_conflict_do_nothing(
                index_elements=["source", "join_id", "side"]
            ).returning(*POSITION)
        )
        written.update(Position(*row) for row in inserted)
    return [row for row in ordered if row.position not in written]


def claim_pairs(
    connection: Connection, *, since: datetime, until: datetime, now: datetime, limit: int
) -> list[StoredPair]:
    """Claim complete pairs, so that no other replica embeds them.

    Pairs are those of which a half was stored at or after ``since``, and those whose claim has
    ended: the process that claimed them died. The claim ends at ``until``, should this process die.
    """
    fresh, partner = aliased(PendingHalf), aliased(PendingHalf)
    pairs = connection.execute(
        select(fresh.id, partner.id, fresh.side)
        .join(
            partner,
            (partner.source == fresh.source)
            & (partner.join_id == fresh.join_id)
            & (partner.side != fresh.side),
        )
        .where(
            (fresh.stored_at >= since) | (fresh.claimed_until < now),
            *(
                half.claimed_until.is_(None) | (half.claimed_until < now)
                for half in (fresh, partner)
            ),
        )
        .limit(limit)  # unordered, so that the indices on stored_at and claimed_until serve
    )
    partner_of = {
        (first if side == "request" else second): (second if side == "request" else first)
        for first, second, side in pairs
    }
    free = connection.execute(
        select(PendingHalf.id)
        .where(
            PendingHalf.id.in_(partner_of),
            PendingHalf.claimed_until.is_(None) | (PendingHalf.claimed_until < now),
        )
        .order_by(PendingHalf.id)
        .with_for_update(skip_locked=True)
    )
    claimed = list(free.scalars())
    connection.execute(
        update(PendingHalf).where(PendingHalf.id.in_(claimed)).values(claimed_until=until)
    )
    halves = _load(connection, [*claimed, *(partner_of[half_id] for half_id in claimed)])
    return [
        StoredPair(halves[half_id], halves[partner_of[half_id]])
        for half_id in claimed
        if half_id in halves and partner_of[half_id] in halves
    ]


def delete_halves(connection: Connection, ids: Sequence[int]) -> int:
    """Delete halves and return their number."""
    # Locked in a fixed order first, so that two that delete the same can't wait for each other.
    connection.execute(
        select(PendingHalf.id)
        .where(PendingHalf.id.in_(ids))
        .order_by(PendingHalf.id)
        .with_for_update()
    )
    return connection.execute(delete(PendingHalf).where(PendingHalf.id.in_(ids))).rowcount


def overdue_halves(
    connection: Connection, *, now: datetime, timeout: timedelta, patience: timedelta, limit: int
) -> list[StoredHalf]:
    """Lock and return halves that have waited too long, the oldest first.

    A half waits for the time limit after it was received, and until its source was read so far that
    a partner within the limit would be there: the partner's partition may lag behind. ``patience``
    is how much longer a half waits at most where its source isn't read to its end.
    """
    received = PendingHalf.received_at < now - timeout
    heard_out = [
        (PendingHalf.source == source) & (PendingHalf.occurred_at <= until - timeout)
        for source, until in sources_complete_until(connection).items()
    ]
    lost_patience = PendingHalf.received_at < now - timeout - patience
    return _lonely(connection, received, or_(lost_patience, *heard_out), limit=limit)


def unpaired_halves(connection: Connection, source: str, *, limit: int) -> list[StoredHalf]:
    """Lock and return halves of a source without a partner, the oldest first."""
    return _lonely(connection, PendingHalf.source == source, limit=limit)


def _lonely(
    connection: Connection, *conditions: ColumnElement[bool], limit: int
) -> list[StoredHalf]:
    partner = aliased(PendingHalf)
    ids = connection.execute(
        select(PendingHalf.id)
        .where(
            *conditions,
            ~exists().where(
                partner.source == PendingHalf.source,
                partner.join_id == PendingHalf.join_id,
                partner.side != PendingHalf.side,
            ),
        )
        .order_by(PendingHalf.received_at, PendingHalf.id)
        .limit(limit)
        .with_for_update(of=PendingHalf, skip_locked=True)
    ).scalars()
    return list(_load(connection, list(ids)).values())


def oldest_pending_at(
    connection: Connection, source: str | None = None, *, observed: bool = True
) -> datetime | None:
    """Return when the oldest pending half occurred; ``None`` where there is none.

    Only halves of the source count; ``None``: of all. With ``observed``, those that wait only to be
    observed count too.
    """
    query = select(func.min(PendingHalf.occurred_at))
    if source is not None:
        query = query.where(PendingHalf.source == source)
    if not observed:
        query = query.where(PendingHalf.randomness >= PendingHalf.threshold)
    return connection.execute(query).scalar_one()


def _load(connection: Connection, ids: Sequence[int]) -> dict[int, StoredHalf]:
    columns = PendingHalf.__table__.c
    rows = connection.execute(
        select(PendingHalf.id, *POSITION, *(columns[name] for name in FIELDS)).where(
            PendingHalf.id.in_(ids)
        )
    )
    return {
        row.id: StoredHalf(
            row.id,
            HalfRow(position=Position(*row[1:5]), **{name: getattr(row, name) for name in FIELDS}),
        )
        for row in rows
    }


def _values(row: HalfRow) -> dict[str, Any]:
    return asdict(row.position) | {name: getattr(row, name) for name in FIELDS}
