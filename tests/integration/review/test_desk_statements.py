"""Statements of accept-and-next: few, and none that reads all items or all reviews."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Engine, Select, event

from monitor.review.items.blind_review import REVIEWS
from monitor.review.items.item_view import view_item
from monitor.review.items.settling import settle_reviewed
from monitor.review.items.verdicts import ReviewInput
from monitor.review.items.worklist import worklist_of
from monitor.store.engine import transaction
from monitor.store.review.items import NewItem, insert_batch, items_of_batches
from tests.support.review.review_world import World, make_world

ACCEPT = ReviewInput(verdict="accept", accuracy=5, completeness=5, tone=5, compliance=5)
LEASE = timedelta(minutes=20)
#: A scan in a plan of SQLite, of a table that grows with the items.
SCAN = re.compile(r"SCAN (reviews|review_items|review_assignments|exchanges)\w*\b")


@pytest.fixture
def world(engine: Engine, clock: datetime) -> World:
    return make_world(engine, clock, n=6)


@contextmanager
def statements_of(engine: Engine) -> Iterator[list[tuple[str, Any]]]:
    """Collect the statements of a block, with their parameters."""
    sent: list[tuple[str, Any]] = []

    def note(*call: Any) -> None:
        if call[2].startswith(("SELECT", "UPDATE", "INSERT", "WITH")):
            sent.append((call[2], call[3]))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


def accept_and_next(world: World, item: int, now: datetime) -> int | None:
    """Submit, claim and load, as the page does."""
    user = world.rows["Ada"]
    with transaction(world.engine) as connection:
        REVIEWS.submit(connection, item, user, ACCEPT, now, undoable=True)
        following = REVIEWS.claim_next(connection, user.id, now, LEASE)
        settle_reviewed(connection, now)
        assert following is not None
        view = view_item(connection, following, user)
        worklist_of(connection, user, now, batch_id=view.batch_id)
    return following


def test_accept_and_next_scans_no_table(world: World, clock: datetime) -> None:
    with transaction(world.engine) as connection:
        item = REVIEWS.claim_next(connection, world.rows["Ada"].id, clock, LEASE)
    assert item is not None
    with statements_of(world.engine) as sent:
        accept_and_next(world, item, clock)
    assert len(sent) <= 24
    scans = []
    with world.engine.connect() as connection:
        for statement, parameters in sent:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            scans += [(row[3], statement) for row in plan if SCAN.match(row[3])]
    assert scans == []


def test_accept_and_next_makes_its_queries_once(world: World, clock: datetime) -> None:
    with transaction(world.engine) as connection:
        item = REVIEWS.claim_next(connection, world.rows["Ada"].id, clock, LEASE)
    rounds: list[list[Any]] = [[], []]
    for made in rounds:
        note = partial(_note_query, made)
        event.listen(world.engine, "before_execute", note)
        assert item is not None
        item = accept_and_next(world, item, clock)
        event.remove(world.engine, "before_execute", note)
    first = {id(statement) for statement in rounds[0]}
    assert len(rounds[1]) > 10
    assert [str(statement) for statement in rounds[1] if id(statement) not in first] == []


def test_next_item_costs_no_query_per_reviewed_batch(world: World, clock: datetime) -> None:
    ada = world.rows["Ada"]
    counts = []
    with transaction(world.engine) as connection:
        oldest = items_of_batches(connection, [world.batch_id])[0]
        new = NewItem(
            exchange_id=oldest.exchange_id, slice="control", selection_probability=0.1,
            control_probability=0.1, cluster=None,
        )  # fmt: skip
        claimer = REVIEWS.load_claimer(connection, ada.id)
        for _ in range(3):
            insert_batch(connection, None, "assistant", [new], clock)
            item = REVIEWS.claim_next(connection, ada.id, clock, LEASE)
            assert item is not None
            REVIEWS.submit(connection, item, ada, ACCEPT, clock)
            with statements_of(world.engine) as sent:
                assert REVIEWS.find_next(connection, claimer, clock) == oldest.id
            counts.append(len(sent))
    assert counts == [3, 3, 3]


def _note_query(made: list[Any], *call: Any) -> None:
    if isinstance(call[1], Select):
        made.append(call[1])


def test_complete_items_are_not_available_however_late(world: World, clock: datetime) -> None:
    for name in ("Ada", "Ben"):
        user = world.rows[name]
        with transaction(world.engine) as connection:
            item = REVIEWS.claim_next(connection, user.id, clock, LEASE)
            assert item is not None
            REVIEWS.submit(connection, item, user, ACCEPT, clock, undoable=True)
    with transaction(world.engine) as connection:
        work = worklist_of(connection, world.rows["Cleo"], clock + timedelta(days=1))
    assert work.available == 5
