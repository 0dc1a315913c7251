"""A long queue of items, inserted directly into the database."""

from datetime import datetime

from sqlalchemy import Connection, func, insert, select

from monitor.store.tables import Exchange, ReviewItem
from tests.support.review.roles import add_reviewer


def add_items(connection: Connection, batch_id: int, n: int) -> None:
    """Append copies of the world's exchanges to a batch, as queued items."""
    template = connection.execute(select(Exchange.__table__).order_by(Exchange.id)).first()
    assert template is not None
    last = connection.execute(select(func.max(ReviewItem.position))).scalar_one()
    for first in range(0, n, 5_000):
        numbers = range(first, min(n, first + 5_000))
        values = dict(template._mapping)
        del values["id"]
        rows = [
            values | {"exchange_id": f"many-{number}", "offset": 1_000_000 + number}
            for number in numbers
        ]
        ids = connection.execute(
            insert(Exchange).returning(Exchange.id, sort_by_parameter_order=True), rows
        ).scalars()
        connection.execute(
            insert(ReviewItem),
            [
                {
                    "batch_id": batch_id,
                    "exchange_id": exchange_id,
                    "position": last + 1 + number,
                    "slice": "control",
                    "selection_probability": 0.5,
                    "control_probability": 0.5,
                    "task_type": values["task_type"],
                    "status": "queued",
                }
                for number, exchange_id in zip(numbers, ids, strict=True)
            ],
        )


def add_reviewers(connection: Connection, n: int, now: datetime) -> None:
    """Add users who can't sign in."""
    for number in range(n):
        add_reviewer(connection, f"Claimer {number}", now)
