"""Deletion of exchanges and of all rows that refer to them, and purge of their bytes."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    delete,
    exists,
    func,
    select,
    text,
    tuple_,
    update,
)

from monitor.store.engine import transaction
from monitor.store.privacy.end_user_rows import ITEM_TABLES
from monitor.store.rows import batches_of
from monitor.store.search.index import forget_last_ids, rewrite_index
from monitor.store.tables import (
    Baseline,
    BaselinePlan,
    DeadLetter,
    DriftEvaluation,
    Exchange,
    ExchangeTerms,
    ReviewItem,
)

#: Position in the order of age: time and id of the previous row.
AgeCursor = tuple[datetime, int]


def delete_exchanges(connection: Connection, ids: Sequence[int]) -> Counter[str]:
    """Delete exchanges with their review items, assignments, reviews and gold.

    The exchanges are locked first: an item that is being queued for one of them waits, and then
    fails. Vectors stay in their blocks until
    :func:`monitor.store.traffic.compaction.drop_dead_rows`; call this under
    :func:`monitor.store.traffic.compaction.lock_blocks`. Return the rows deleted, by table.
    """
    deleted: Counter[str] = Counter()
    for part in batches_of(ids):
        locked = connection.execute(
            select(Exchange.id).where(Exchange.id.in_(part)).order_by(Exchange.id).with_for_update()
        ).scalars()
        present = list(locked)
        # In the reviewers' order of locks: the item, then the rows that refer to it.
        items = list(
            connection.execute(
                select(ReviewItem.id)
                .where(ReviewItem.exchange_id.in_(present))
                .order_by(ReviewItem.id)
                .with_for_update()
            ).scalars()
        )
        for name, statement in (
            *(
                (table.__tablename__, delete(table).where(table.item_id.in_(items)))
                for table in reversed(ITEM_TABLES)
            ),
            (ReviewItem.__tablename__, delete(ReviewItem).where(ReviewItem.id.in_(items))),
            (
                ExchangeTerms.__tablename__,
                delete(ExchangeTerms).where(ExchangeTerms.exchange_id.in_(present)),
            ),
            (Exchange.__tablename__, delete(Exchange).where(Exchange.id.in_(present))),
        ):
            deleted[name] += connection.execute(statement).rowcount
    forget_last_ids(connection)
    return deleted


def expired_exchanges(
    connection: Connection, before: datetime, *, reviewed: bool, after: AgeCursor | None, limit: int
) -> list[tuple[datetime, int]]:
    """Return exchanges of the traffic that were received before a time, the oldest first.

    With ``reviewed`` they are those that were queued for review, else the others. ``after`` is the
    last exchange of the previous call.
    """
    queued = exists().where(ReviewItem.exchange_id == Exchange.id)
    conditions = [
        Exchange.received_at < before,
        Exchange.baseline_id.is_(None),
        queued if reviewed else ~queued,
    ]
    if after is not None:
        conditions.append(tuple_(Exchange.received_at, Exchange.id) > tuple_(*after))
    statement = (
        select(Exchange.received_at, Exchange.id)
        .where(*conditions)
        .order_by(Exchange.received_at, Exchange.id)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in connection.execute(statement)]


def delete_expired_dead_letters(
    connection: Connection, before: datetime | None, replayed_before: datetime, limit: int
) -> dict[str, int]:
    """Delete dead letters received before a time, and those replayed before another.

    Return their number by reason; replayed ones count as ``replayed``.
    """
    expired: ColumnElement[bool] = DeadLetter.replayed_at < replayed_before
    if before is not None:
        expired |= DeadLetter.received_at < before
    rows = connection.execute(
        select(DeadLetter.id, DeadLetter.reason, DeadLetter.replayed_at)
        .where(expired)
        .order_by(DeadLetter.received_at, DeadLetter.id)
        .limit(limit)
    ).all()
    for part in batches_of(rows):
        ids = [row.id for row in part]
        connection.execute(delete(DeadLetter).where(DeadLetter.id.in_(ids)))
    return dict(Counter("replayed" if row.replayed_at else row.reason for row in rows))


def expired_baselines(
    connection: Connection, before: datetime, *, current: bool = False
) -> list[int]:
    """Return baselines created before a time; the newest of each model version if ``current``."""
    statement = select(Baseline.id).where(Baseline.created_at < before)
    if not current:
        newest = select(func.max(Baseline.id)).group_by(Baseline.model, Baseline.model_version)
        statement = statement.where(Baseline.id.not_in(newest))
    return list(connection.execute(statement.order_by(Baseline.id)).scalars())


def exchanges_of_baseline(connection: Connection, baseline_id: int, limit: int) -> list[int]:
    """Return part exchanges of a baseline."""
    statement = select(Exchange.id).where(Exchange.baseline_id == baseline_id).limit(limit)
    return list(connection.execute(statement).scalars())


def evaluations_of_baselines(connection: Connection, baselines: Collection[int]) -> list[int]:
    """Return the evaluations against baselines that still quote exchanges."""
    statement = select(DriftEvaluation.id).where(
        DriftEvaluation.baseline_id.in_(baselines), DriftEvaluation.sample_scores.is_not(None)
    )
    return list(connection.execute(statement.order_by(DriftEvaluation.id)).scalars())


def delete_empty_baseline(connection: Connection, baseline_id: int) -> None:
    """Delete a baseline without exchanges; evaluations keep its digest and size."""
    connection.execute(
        update(DriftEvaluation)
        .where(DriftEvaluation.baseline_id == baseline_id)
        .values(baseline_id=None)
    )
    connection.execute(
        update(BaselinePlan).where(BaselinePlan.baseline_id == baseline_id).values(baseline_id=None)
    )
    connection.execute(delete(Baseline).where(Baseline.id == baseline_id))


def purge_deleted_rows(engine: Engine, tables: Sequence[str]) -> str:
    """Purge deleted rows from the files; return what is left to do, or an empty string.

    SQLite overwrites deleted rows (``secure_delete``), and its write-ahead log is emptied here.
    PostgreSQL frees their space; their bytes stay in the files until the space is reused. Its
    statistics are made anew.
    """
    if engine.dialect.name == "sqlite":
        with transaction(engine) as connection:
            rewrite_index(connection)
        raw = engine.raw_connection()
        try:
            busy = raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        finally:
            raw.close()
        if busy:
            return (
                "SQLite's write-ahead log (-wal): not emptied, another process was reading; "
                "it is emptied at the next checkpoint or when that process ends"
            )
        return ""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in tables:
            # The planner's statistics hold values of the rows.
            connection.execute(text(f"VACUUM (ANALYZE) {table}"))
        rewrite_index(connection)
    return (
        "PostgreSQL's data files: bytes of deleted rows stay until their space is reused; "
        f"VACUUM FULL {', '.join(tables)} rewrites the files at once and locks the tables meanwhile"
    )
