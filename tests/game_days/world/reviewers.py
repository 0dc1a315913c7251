"""Reviewers of the drill: two who work through the queue day by day, unless they are away."""

from collections import defaultdict
from datetime import datetime, timedelta
from itertools import chain

from sqlalchemy import Engine, select

from monitor.accounts.registration import create_user
from monitor.store.engine import transaction
from monitor.store.review.items import update_item
from monitor.store.review.reviews import insert_gold, insert_review
from monitor.store.tables import ReviewItem, User

NAMES = ("Ada", "Ben")
#: Items of a batch that both settle on a working day, and the hour from which on they do.
ITEMS_A_DAY, HOUR = 6, 10
FIVE = {"accuracy": 5, "completeness": 5, "tone": 5, "compliance": 5}


class Reviewers:
    """Two reviewers who agree."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._worked_on: datetime | None = None
        self.are_away = False

    def register(self, now: datetime) -> None:
        """Create their accounts."""
        with transaction(self._engine) as connection:
            for name in NAMES:
                create_user(connection, name, "correct horse battery", "reviewer", now)

    def work(self, now: datetime) -> None:
        """Settle the items of the day, once."""
        day = now.replace(hour=0, minute=0, second=0, microsecond=0)
        is_due = now - day >= timedelta(hours=HOUR) and self._worked_on != day
        if self.are_away or not is_due or now.weekday() >= 5:
            return
        self._worked_on = day
        with transaction(self._engine) as connection:
            reviewers = connection.execute(select(User.id).where(User.name.in_(NAMES))).scalars()
            ids = list(reviewers)
            queued = connection.execute(
                select(ReviewItem.id, ReviewItem.revision, ReviewItem.batch_id)
                .where(ReviewItem.status == "queued")
                .order_by(ReviewItem.id)
            ).all()
            by_batch = defaultdict(list)
            for item in queued:
                by_batch[item.batch_id].append(item)
            for item in chain.from_iterable(items[:ITEMS_A_DAY] for items in by_batch.values()):
                for reviewer in ids:
                    insert_review(
                        connection, item.id, reviewer, now,
                        verdict="accept", error_kind="", answerable="", comment="",
                        corrected_response="Right.", **FIVE,
                    )  # fmt: skip
                insert_gold(
                    connection, item.id, item.revision, now,
                    verdict="accept", response="Right.", error_kind="", answerable="",
                    resolution="agreed",
                )  # fmt: skip
                update_item(connection, item.id, status="gold")
