"""What the stored traffic of a time consists of, without its texts."""

from datetime import datetime

from sqlalchemy import Connection, func, select

from monitor.store.tables import Exchange


def models_seen(connection: Connection, start: datetime, end: datetime, *, limit: int) -> list[str]:
    """Return the models whose traffic occurred in ``[start, end)``, those with most first."""
    statement = (
        select(Exchange.model)
        .where(
            Exchange.occurred_at >= start,
            Exchange.occurred_at < end,
            Exchange.baseline_id.is_(None),
        )
        .group_by(Exchange.model)
        .order_by(func.count().desc(), Exchange.model)
        .limit(limit)
    )
    return list(connection.execute(statement).scalars())
