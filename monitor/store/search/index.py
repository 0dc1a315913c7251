"""Writing of the full-text index: new exchanges, and deletion with them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, exists, func, insert, select, text, update

from monitor.store.bulk_insert import insert_rows
from monitor.store.rows import columns_of, read_row, update_row
from monitor.store.search.terms import terms_of
from monitor.store.tables import Exchange, ExchangeTerms, SearchProgress, metadata

#: Time after which no transaction of ingest is open that could still store a lower id.
SETTLED_AFTER = timedelta(minutes=10)
#: Id of the only row of the progress.
ROW = 1

#: The version of a response, by model, metadata and time.
VersionFinder = Callable[[str, dict[str, Any], datetime], str]


@dataclass(frozen=True)
class Progress:
    """How far exchanges are indexed. See the table ``search_progress``."""

    settled_id: int
    next_id: int
    next_at: datetime


_IS_NEW = (
    Exchange.baseline_id.is_(None),
    ~exists().where(ExchangeTerms.exchange_id == Exchange.id),
)


def index_exchanges(
    connection: Connection, version_of: VersionFinder, now: datetime, *, after_id: int, limit: int
) -> int | None:
    """Index at most ``limit`` new exchanges, the oldest ids first.

    Ids up to ``after_id`` were indexed by an earlier call. Return the last id that is indexed now,
    or ``None`` where no more is to be done.
    """
    progress = _read_progress(connection)
    if progress is None:
        last = _last_id(connection)
        if last:
            values = {"settled_id": 0, "next_id": last, "next_at": now}
            connection.execute(insert(SearchProgress).values(id=ROW, **values))
        progress = Progress(0, last, now)
    columns = (
        Exchange.id,
        Exchange.model,
        Exchange.occurred_at,
        Exchange.task_type,
        Exchange.prompt,
        Exchange.response,
        Exchange.attributes,
    )
    after = max(after_id, progress.settled_id)
    # This waits for an erasure, or a change of the model's name, and reads what is left.
    rows = connection.execute(
        select(*columns)
        .where(Exchange.id > after, *_IS_NEW)
        .order_by(Exchange.id)
        .limit(limit)
        .with_for_update(read=True, of=Exchange)
    ).all()
    if rows:
        insert_rows(
            connection,
            metadata.tables[ExchangeTerms.__tablename__],
            [
                {
                    "exchange_id": row.id,
                    "model": row.model,
                    "occurred_at": row.occurred_at,
                    "terms": terms_of(
                        (row.prompt, row.response),
                        row.task_type,
                        version_of(row.model, row.attributes, row.occurred_at),
                        row.attributes,
                    ),
                }
                for row in rows
            ],
        )
    is_complete = len(rows) < limit
    _settle(connection, progress, now, None if is_complete else rows[-1].id)
    return None if is_complete else rows[-1].id


def unindexed_since(connection: Connection) -> datetime | None:
    """Return when the first exchange that is not indexed yet was received; ``None``: all are."""
    progress = _read_progress(connection)
    # Of all before the last one that is indexed only those are not that were stored late; for these
    # the first page after a backfill would look up every exchange.
    last = connection.execute(select(func.max(ExchangeTerms.exchange_id))).scalar_one() or 0
    statement = (
        select(Exchange.received_at)
        .where(Exchange.id > max(last, progress.settled_id if progress else 0), *_IS_NEW)
        .order_by(Exchange.id)
        .limit(1)
    )
    return connection.execute(statement).scalar_one_or_none()


def forget_last_ids(connection: Connection) -> None:
    """Let ids that SQLite will give again be indexed again. Call it after exchanges are deleted."""
    last = _last_id(connection)
    for column in (SearchProgress.settled_id, SearchProgress.next_id):
        connection.execute(update(SearchProgress).where(column > last).values({column.key: last}))


def rewrite_index(connection: Connection) -> None:
    """Rewrite the index without the words that only deleted exchanges had.

    Both databases keep them: SQLite until it merges its segments, PostgreSQL for ever. There the
    connection must be in no transaction.
    """
    if connection.dialect.name == "sqlite":
        connection.execute(
            text("INSERT INTO fulltext_exchanges (fulltext_exchanges) VALUES ('optimize')")
        )
    else:
        connection.execute(text("REINDEX INDEX CONCURRENTLY fulltext_exchange_terms"))


def _settle(
    connection: Connection, progress: Progress, now: datetime, last_indexed: int | None
) -> None:
    """Record up to which id all is indexed, and up to which it will be next."""
    if now < progress.next_at + SETTLED_AFTER:
        return
    if last_indexed is not None and last_indexed < progress.next_id:
        if last_indexed > progress.settled_id:
            update_row(connection, SearchProgress, ROW, settled_id=last_indexed)
        return
    last = _last_id(connection)
    if last != progress.settled_id:
        values = {"settled_id": progress.next_id, "next_id": last, "next_at": now}
        update_row(connection, SearchProgress, ROW, **values)


def _read_progress(connection: Connection) -> Progress | None:
    statement = select(*columns_of(Progress, SearchProgress)).where(SearchProgress.id == ROW)
    return read_row(connection, Progress, statement)


def _last_id(connection: Connection) -> int:
    return connection.execute(select(func.max(Exchange.id))).scalar_one() or 0
