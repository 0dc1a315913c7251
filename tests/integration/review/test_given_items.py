"""Items that a lead gives to reviewers: whom they are offered to, and until when."""

from concurrent.futures import ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from functools import partial

import pytest
from click.testing import Result
from sqlalchemy import Engine, delete
from typer.testing import CliRunner

from monitor.accounts.registration import create_user
from monitor.accounts.users import Actor, assign_task_types, revoke_role
from monitor.cli.app import app
from monitor.errors import InputError, WorkflowError
from monitor.review.items.blind_review import REVIEWS
from monitor.review.items.giving import Given, give_items
from monitor.review.items.worklist import worklist_of
from monitor.settings import Review
from monitor.store.accounts.users import UserRow, list_users, set_active
from monitor.store.engine import transaction
from monitor.store.review.assignments import given_counts
from monitor.store.review.items import items_of_batches
from monitor.store.review.queue import count_claimable_items
from monitor.store.tables import ReviewBatch, ReviewDraw, ReviewItem
from tests.support.review.gold_items import ACCEPT
from tests.support.review.review_world import PASSWORD, World, make_world
from tests.support.stamped import stamp

WEEK = timedelta(days=7)
LEASE = Review().lease


@pytest.fixture
def world(engine: Engine, clock: datetime) -> World:
    return world_of_four(engine, clock)


def world_of_four(engine: Engine, clock: datetime) -> World:
    """Make a world with four reviewers and eight items."""
    world = make_world(engine, clock, n=8)
    with transaction(engine) as connection:
        for name in ("Dan", "Eve"):
            create_user(connection, name, PASSWORD, "reviewer", clock)
        for row in list_users(connection):
            world.rows[row.name] = row
    return world


def items(world: World) -> list[int]:
    with transaction(world.engine) as connection:
        return [item.id for item in items_of_batches(connection, [world.batch_id])]


def give(world: World, names: list[str], ids: list[int], now: datetime) -> Given:
    with transaction(world.engine) as connection:
        rows = [row for row in items_of_batches(connection, [world.batch_id]) if row.id in ids]
        reviewers = [world.rows[name] for name in names]
        return give_items(connection, rows, reviewers, until=now + WEEK, by="Lea", now=now)


def offered(world: World, name: str, now: datetime) -> set[int]:
    """Return the items that a reviewer could claim; nothing stays claimed."""
    claimable: set[int] = set()
    user = world.rows[name]
    with world.engine.connect() as connection, connection.begin() as attempt:
        n = count_claimable_items(connection, REVIEWS.load_claimer(connection, user.id), now)
        while item := REVIEWS.find_next(connection, REVIEWS.load_claimer(connection, user.id), now):
            REVIEWS.claim_slot(
                connection, REVIEWS.lock(connection, item), user.id, now=now, until=now
            )
            REVIEWS.decline(connection, item, user, now, "counted")
            claimable.add(item)
        attempt.rollback()
    assert len(claimable) == n
    return claimable


def review(world: World, name: str, item: int, now: datetime, *, undoable: bool = False) -> None:
    user: UserRow = world.rows[name]
    with transaction(world.engine) as connection:
        assert REVIEWS.claim_slot(
            connection, REVIEWS.lock(connection, item), user.id, now=now, until=now + LEASE
        )
        REVIEWS.submit(connection, item, user, ACCEPT, now, undoable=undoable)


def test_given_items_are_offered_to_the_named_alone(any_engine: Engine, clock: datetime) -> None:
    world = world_of_four(any_engine, clock)
    every = items(world)
    assert give(world, ["Ada", "Ben"], every[-2:], clock) == Given(2, 0)
    assert offered(world, "Ada", clock) == offered(world, "Ben", clock) == set(every)
    assert offered(world, "Dan", clock) == set(every[:-2])
    assert offered(world, "Dan", clock + WEEK) == set(every)
    with transaction(world.engine) as connection:
        ada = REVIEWS.load_claimer(connection, world.users["Ada"])
        assert REVIEWS.find_next(connection, ada, clock) == every[-2]


def test_progress_is_of_the_batch_of_a_given_item(engine: Engine, clock: datetime) -> None:
    older = make_world(engine, clock, n=4, weeks_ago=1)
    newer = make_world(engine, clock, n=4, users=False)
    first = items(older)[0]
    give(older, ["Ada"], [first], clock)
    with transaction(engine) as connection:
        ada, ben = (worklist_of(connection, older.rows[name], clock) for name in ("Ada", "Ben"))
        assert REVIEWS.claim_next(connection, older.users["Ada"], clock, LEASE) == first
        assert worklist_of(connection, older.rows["Ada"], clock).batch_id == ada.batch_id
    assert (ada.batch_id, ben.batch_id) == (older.batch_id, newer.batch_id)


def test_three_named_reviewers_share_two_slots(world: World, clock: datetime) -> None:
    first = items(world)[0]
    give(world, ["Ada", "Ben", "Dan"], [first], clock)
    for name in ("Dan", "Ada"):
        assert first in offered(world, name, clock)
        review(world, name, first, clock)
    assert first not in offered(world, "Ben", clock)


def test_item_given_to_one_leaves_the_other_slot_free(world: World, clock: datetime) -> None:
    first = items(world)[0]
    give(world, ["Ada"], [first], clock)
    assert first in offered(world, "Dan", clock)
    review(world, "Dan", first, clock)
    assert first not in offered(world, "Ben", clock)
    assert first in offered(world, "Ada", clock)


def test_item_of_a_deactivated_reviewer_is_free(world: World, clock: datetime) -> None:
    first = items(world)[0]
    give(world, ["Ada", "Ben"], [first], clock)
    assert first not in offered(world, "Dan", clock)
    with transaction(world.engine) as connection:
        set_active(connection, world.users["Ada"], active=False)
    assert first in offered(world, "Dan", clock)


def test_item_of_a_reviewer_of_other_task_types_is_free(world: World, clock: datetime) -> None:
    first = items(world)[0]
    for change in (
        partial(assign_task_types, task_types=["fees_of_others"]),
        revoke_role,
    ):
        give(world, ["Ada", "Ben"], [first], clock)
        assert first not in offered(world, "Dan", clock)
        with transaction(world.engine) as connection:
            change(connection, Actor("shell"), world.users["Ada"], now=clock)
        assert first in offered(world, "Dan", clock)


def test_declined_gift_is_free_again(world: World, clock: datetime) -> None:
    first = items(world)[0]
    give(world, ["Ada", "Ben"], [first], clock)
    with transaction(world.engine) as connection:
        assert REVIEWS.claim_next(connection, world.users["Ada"], clock, LEASE) == first
        REVIEWS.decline(connection, first, world.rows["Ada"], clock, "I know the customer")
    assert first in offered(world, "Dan", clock)


def test_item_given_to_others_stays_with_its_holder(world: World, clock: datetime) -> None:
    dan = world.rows["Dan"]
    with transaction(world.engine) as connection:
        first = REVIEWS.claim_next(connection, dan.id, clock, LEASE)
        assert first is not None
    give(world, ["Ada", "Ben"], [first], clock)
    with transaction(world.engine) as connection:
        REVIEWS.submit(connection, first, dan, ACCEPT, clock)
        REVIEWS.withdraw(connection, first, dan, now=clock, lease=LEASE)
        REVIEWS.extend_lease(connection, first, dan.id, clock, LEASE)
    assert first not in offered(world, "Dan", clock + LEASE), "the time of the lease is over"
    review(world, "Ada", first, clock)


def test_item_is_not_given_to_its_reviewer(world: World, clock: datetime) -> None:
    first, second = items(world)[:2]
    review(world, "Ada", first, clock)
    with pytest.raises(WorkflowError) as caught:
        give(world, ["Ada"], [first], clock)
    assert caught.value.code == "nothing_to_give"
    assert give(world, ["Ada"], [first, second], clock) == Given(1, 1)


def test_item_with_both_reviews_is_given_to_nobody(world: World, clock: datetime) -> None:
    first, second = items(world)[:2]
    for name in ("Ada", "Ben"):
        review(world, name, first, clock, undoable=True)
    assert give(world, ["Dan"], [first, second], clock) == Given(1, 1)
    with transaction(world.engine) as connection:
        counts = given_counts(connection, world.batch_id, clock)
    assert [(row.name, row.n_items) for row in counts] == [("Dan", 1)]


def test_giving_waits_for_an_item_that_is_locked(any_engine: Engine, clock: datetime) -> None:
    if any_engine.dialect.name != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    world = world_of_four(any_engine, clock)
    first = items(world)[0]
    with ThreadPoolExecutor(1) as pool:
        with transaction(any_engine) as connection:
            REVIEWS.lock(connection, first)
            gift = pool.submit(give, world, ["Ada"], [first], clock)
            assert not wait([gift], timeout=0.3).done
        assert gift.result(30) == Given(1, 0)


def test_second_gift_replaces_the_first(world: World, clock: datetime) -> None:
    first = items(world)[0]
    give(world, ["Ada", "Ben"], [first], clock)
    give(world, ["Dan", "Eve"], [first], clock)
    assert first not in offered(world, "Ada", clock)
    assert first in offered(world, "Eve", clock)


def test_item_is_not_given_to_a_deactivated_user(world: World, clock: datetime) -> None:
    with transaction(world.engine) as connection:
        set_active(connection, world.users["Ada"], active=False)
        world.rows.update((row.name, row) for row in list_users(connection))
    with pytest.raises(WorkflowError) as caught:
        give(world, ["Ada", "Ben"], items(world)[:1], clock)
    assert caught.value.code == "inactive"


def test_commands_queue_a_batch_and_give_its_items(
    engine: Engine, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = world_of_four(engine, clock)
    with transaction(engine) as connection:
        for table in (ReviewDraw, ReviewItem, ReviewBatch):
            connection.execute(delete(table))
    stamp(engine)
    url = engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("DRIFTWARDEN_DATABASE__URL", url)

    def run(command: str) -> Result:
        return CliRunner().invoke(app, ["review", *command.split()])

    evaluation = world.evaluation_id
    assert (
        run(f"batch {evaluation} --items 5 --choice control").output == "batch 1: 5 items queued\n"
    )
    again = run(f"batch {evaluation}").exception
    assert isinstance(again, WorkflowError)
    assert again.code == "has_batch"
    assert run("give --to Ada --to Ben --batch 1").output.startswith(
        "5 items are given to Ada, Ben"
    )
    with transaction(engine) as connection:
        counts = given_counts(connection, 1, clock)
    assert [(row.name, row.n_items) for row in counts] == [("Ada", 5), ("Ben", 5)]
    for command, code in (("", "which_items"), ("--batch 1 --item 1", "which_items")):
        refused = run(f"give --to Ada {command}").exception
        assert isinstance(refused, InputError)
        assert refused.code == code
