"""Fifty users claiming concurrently among ten thousand items, on a real PostgreSQL."""

import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, select

from monitor.errors import WorkflowError
from monitor.review.items.blind_review import REVIEWS
from monitor.review.items.verdicts import ReviewInput
from monitor.store.accounts.users import UserRow, list_users
from monitor.store.audit_log import check_chain
from monitor.store.engine import make_engine, transaction
from monitor.store.tables import Review, ReviewAssignment, ReviewItem
from tests.integration.review.many_items import add_items, add_reviewers
from tests.support.review.review_world import make_world

pytestmark = pytest.mark.postgres

N_CLAIMERS = 50
N_ITEMS = 10_000
CLAIMS_EACH = 6
ACCEPT = ReviewInput(verdict="accept", accuracy=5, completeness=5, tone=5, compliance=5)


@pytest.fixture
def crowd(postgres_engine: Engine, clock: datetime) -> list[UserRow]:
    world = make_world(postgres_engine, clock, n=4)
    with transaction(postgres_engine) as connection:
        add_items(connection, world.batch_id, N_ITEMS)
        add_reviewers(connection, N_CLAIMERS, clock)
        return [row for row in list_users(connection) if row.name.startswith("Claimer")]


def at_once(engine: Engine, crowd: list[UserRow], work: Callable[[Engine, UserRow], None]) -> None:
    """Run all users concurrently, each with an own connection."""
    url = engine.url.render_as_string(hide_password=False)
    start = threading.Barrier(len(crowd))
    failures: list[BaseException] = []

    def run(user: UserRow) -> None:
        own = make_engine(url)
        try:
            with own.connect():
                start.wait()
            work(own, user)
        except BaseException as error:  # noqa: BLE001 - shown below
            failures.append(error)
        finally:
            own.dispose()

    threads = [threading.Thread(target=run, args=(user,)) for user in crowd]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [] == failures


def test_no_item_is_given_to_more_users_than_it_needs(
    postgres_engine: Engine, crowd: list[UserRow], clock: datetime
) -> None:
    """Some users submit, some leases expire; no item ever has three holders."""

    def work(engine: Engine, user: UserRow) -> None:
        for turn in range(CLAIMS_EACH):
            now = clock + timedelta(minutes=7 * turn)
            with transaction(engine) as connection:
                item = REVIEWS.claim_next(connection, user.id, now, timedelta(minutes=20))
                assert item is not None
            if (user.id + turn) % 3:  # else it keeps the place, or another takes it over
                # Clocks that differ: who is ahead may have taken over what this one still holds.
                with suppress(WorkflowError), transaction(engine) as connection:
                    REVIEWS.submit(connection, item, user, ACCEPT, now, audit_share=0.1)

    at_once(postgres_engine, crowd, work)

    with transaction(postgres_engine) as connection:
        reviews = Counter(connection.execute(select(Review.item_id)).scalars())
        authors = set(connection.execute(select(Review.item_id, Review.reviewer_id)).all())
        end = clock + timedelta(minutes=7 * (CLAIMS_EACH - 1))
        for item, user in connection.execute(
            select(ReviewAssignment.item_id, ReviewAssignment.reviewer_id).where(
                ReviewAssignment.expires_at > end
            )
        ):
            reviews[item] += (item, user) not in authors
        statuses = Counter(connection.execute(select(ReviewItem.status)).scalars())
        assert check_chain(connection).broken_at is None
    assert {1, 2} >= set(reviews.values())
    assert N_CLAIMERS * CLAIMS_EACH / 2 < sum(reviews.values())
    assert statuses["gold"] == sum(n == 2 for n in Counter(item for item, _ in authors).values())


def test_fifty_concurrent_claims_skip_no_item(
    postgres_engine: Engine, crowd: list[UserRow], clock: datetime
) -> None:
    """Fifty claims take the first twenty-five items, each twice, and skip none."""
    claimed: list[int | None] = []

    def work(engine: Engine, user: UserRow) -> None:
        with transaction(engine) as connection:
            claimed.append(REVIEWS.claim_next(connection, user.id, clock, timedelta(minutes=20)))

    at_once(postgres_engine, crowd, work)

    counts = Counter(claimed)
    assert None not in counts
    assert 2 == max(counts.values())
    assert N_CLAIMERS == sum(counts.values())
