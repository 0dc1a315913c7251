"""Batches of exchanges that a lead chose: what is queued, and that no rate counts them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import Engine, delete, select, text, update
from typer.testing import CliRunner

from monitor.cli.app import app
from monitor.errors import WorkflowError
from monitor.review.decision.decisions import decide, decide_open_batches, evaluate_batch
from monitor.review.items.blind_review import REVIEWS
from monitor.review.items.settling import settle_reviewed
from monitor.review.items.verdicts import ReviewInput
from monitor.review.progress.batch_summary import batch_summaries
from monitor.review.sampling.batch import create_batch
from monitor.review.sampling.chosen import (
    MAX_CHOSEN,
    ChosenBatch,
    WindowPart,
    queue_chosen,
    queue_window,
)
from monitor.settings import Review, Settings
from monitor.store.engine import transaction
from monitor.store.review.draws import draws_of_batches
from monitor.store.review.gold_export import ItemFilter, gold_items
from monitor.store.review.items import batch_by_id, items_of_batches, list_batches, seed_of_batch
from monitor.store.tables import AuditEntry, Exchange, ReviewBatch, ReviewDraw, ReviewItem
from monitor.store.windows.drift_evaluations import drift_evaluation_by_id
from tests.support.review.review_world import World, make_world
from tests.support.review.settled_items import FIVE
from tests.support.stamped import stamp
from tests.support.traffic.ingest import wait_until

REJECT = ReviewInput(
    verdict="reject", error_kind="unsafe", answerable="yes", comment="unsafe", **FIVE
)
#: Of 40 exchanges, the window's own batch has eight.
SMALL = Review(weekly_budget=8)


@pytest.fixture
def world(any_engine: Engine, clock: datetime) -> World:
    return make_world(any_engine, clock, n=40, review=SMALL)


def free(world: World, n: int) -> list[int]:
    """Return exchanges that are no items."""
    with transaction(world.engine) as connection:
        queued = {item.exchange_id for item in items_of_batches(connection, [world.batch_id])}
        ids = connection.execute(select(Exchange.id).order_by(Exchange.id)).scalars()
        return [id_ for id_ in ids if id_ not in queued][:n]


def choose(world: World, ids: list[int], now: datetime) -> ChosenBatch:
    with transaction(world.engine) as connection:
        return queue_chosen(connection, Settings(), ids, by="Lea", now=now)


def reject(world: World, batch_id: int, now: datetime) -> None:
    """Let two reviewers reject all items of a batch."""
    with transaction(world.engine) as connection:
        items = items_of_batches(connection, [batch_id])
    for name in ("Ada", "Ben"):
        row = world.rows[name]
        for item in items:
            with transaction(world.engine) as connection:
                until = now + timedelta(minutes=20)
                locked = REVIEWS.lock(connection, item.id)
                assert REVIEWS.claim_slot(connection, locked, row.id, now=now, until=until)
                REVIEWS.submit(connection, item.id, row, REJECT, now)
    with transaction(world.engine) as connection:
        settle_reviewed(connection, now, audit_share=0.0)


def test_chosen_items_count_in_no_rate(world: World, clock: datetime) -> None:
    def figures() -> tuple[object, ...]:
        with transaction(world.engine) as connection:
            batch = batch_by_id(connection, world.batch_id)
            recommendation, inputs = evaluate_batch(connection, batch, SMALL)
        names = ("batches", "control", "rate", "traffic", "by_task_type", "error_kinds")
        return recommendation, *(inputs[name] for name in names)

    before = figures()
    chosen = choose(world, free(world, 20), clock)
    reject(world, chosen.id, clock)
    assert figures() == before
    with transaction(world.engine) as connection:
        gold = gold_items(connection, ItemFilter(model="assistant"))
        assert [row.slice for row in gold] == 20 * ["chosen"]
        assert {row.control_probability for row in gold} == {0.0}
        assert [batch.id for batch in list_batches(connection)] == [world.batch_id]
        assert len(batch_summaries(connection, Settings())) == 2
    decided = decide_open_batches(world.engine, Settings(review=SMALL), clock)
    assert {row.batch_id for row in decided} <= {world.batch_id}


def test_chosen_batch_is_not_decided(world: World, clock: datetime) -> None:
    chosen = choose(world, free(world, 2), clock)
    with transaction(world.engine) as connection, pytest.raises(WorkflowError) as caught:
        decide(connection, chosen.id, SMALL, clock)
    assert caught.value.code == "chosen_batch"


def test_no_text_is_queued_twice(world: World, clock: datetime) -> None:
    with transaction(world.engine) as connection:
        known = items_of_batches(connection, [world.batch_id])[0].exchange_id
    first, second = free(world, 2)
    with transaction(world.engine) as connection:
        copied = select(Exchange.messages, Exchange.response).where(Exchange.id == first)
        messages, response = connection.execute(copied).one()
        same = update(Exchange).where(Exchange.id == second)
        connection.execute(same.values(messages=messages, response=response))
    chosen = choose(world, [known, first, second, first], clock)
    assert (chosen.n_items, chosen.n_left) == (1, 2)
    with pytest.raises(WorkflowError) as caught:
        choose(world, [known, first, second], clock)
    assert caught.value.code == "nothing_to_queue"


def test_audits_of_a_chosen_batch_are_drawn_unpredictably(world: World, clock: datetime) -> None:
    ids = [choose(world, [exchange], clock).id for exchange in free(world, 2)]
    with transaction(world.engine) as connection:
        own, window = drift_evaluation_by_id(connection, world.evaluation_id).seed, world.batch_id
        assert seed_of_batch(connection, window) == own
        seeds = {seed_of_batch(connection, batch_id) for batch_id in ids}
    assert len(seeds - {own}) == 2
    assert min(seeds) > 2**32, "small: as good as never"


@pytest.mark.postgres
def test_concurrent_batches_share_no_text(postgres_engine: Engine, clock: datetime) -> None:
    """The batch of a window waits for one that a lead is queueing, and then uses its items."""
    world = make_world(postgres_engine, clock, n=40, review=SMALL)
    with transaction(world.engine) as connection:
        for table in (ReviewDraw, ReviewItem, ReviewBatch):
            connection.execute(delete(table))

    def queue_window_batch() -> int:
        with transaction(world.engine) as connection:
            rng = np.random.default_rng(1)
            return create_batch(connection, world.evaluation_id, SMALL, rng, clock)

    with ThreadPoolExecutor(1) as pool:
        with transaction(world.engine) as connection:
            chosen = queue_chosen(connection, Settings(), free(world, 40), by="Lea", now=clock)
            window = pool.submit(queue_window_batch)
            wait_until(lambda: window.done() or is_waiting(world.engine), "the second batch")
        batch_id = window.result(timeout=10)
    with transaction(world.engine) as connection:
        draws = draws_of_batches(connection, [batch_id])
        assert {draw.queued_in for draw in draws} == {chosen.id}
        assert items_of_batches(connection, [batch_id]) == []


def is_waiting(engine: Engine) -> bool:
    """Return whether a transaction waits for another one's lock."""
    with transaction(engine) as connection:
        own = "database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        statement = text(f"SELECT count(*) FROM pg_locks WHERE NOT granted AND {own}")
        return bool(connection.execute(statement).scalar())


def test_later_draw_of_a_window_reuses_chosen_items(engine: Engine, clock: datetime) -> None:
    world = make_world(engine, clock, n=40, review=SMALL)
    with transaction(engine) as connection:
        for table in (ReviewDraw, ReviewItem, ReviewBatch):
            connection.execute(delete(table))
    chosen = choose(world, free(world, 40), clock)
    with transaction(engine) as connection:
        rng = np.random.default_rng(1)
        batch_id = create_batch(connection, world.evaluation_id, SMALL, rng, clock)
        draws = draws_of_batches(connection, [batch_id])
        own = draws_of_batches(connection, [chosen.id])
    assert {draw.queued_in for draw in draws} == {chosen.id}
    assert sum(draw.control_points for draw in draws) == round(8 * SMALL.control_share)
    assert [draw.control_points for draw in own] == 40 * [0]


@pytest.mark.parametrize("problem", ["none", "too many", "absent", "other model"])
def test_exchanges_outside_the_traffic_are_refused(
    problem: str, world: World, clock: datetime
) -> None:
    (first,) = free(world, 1)
    with transaction(world.engine) as connection:
        row = update(Exchange).where(Exchange.id == first)
        if problem == "other model":
            connection.execute(row.values(model="other"))
    ids = {
        "none": [],
        "too many": list(range(1, MAX_CHOSEN + 2)),
        "absent": [first, 10**15],
    }.get(problem, [first])
    with pytest.raises(WorkflowError) as caught:
        choose(world, ids, clock)
    size = problem in {"none", "too many"}
    assert caught.value.code == ("bad_size" if size else "unknown_exchange")


@pytest.mark.parametrize(
    ("part", "task_type"),
    [(WindowPart(task_type="fees"), "fees"), (WindowPart(topic=0), "crypto_withdrawal")],
)
def test_part_of_a_window_is_queued_beside_its_batch(
    part: WindowPart, task_type: str, world: World, clock: datetime
) -> None:
    def queue() -> tuple[int, int]:
        with transaction(world.engine) as connection:
            return queue_window(
                connection, world.evaluation_id, Settings(), part, by="Lea", now=clock, n_items=3
            )

    batch_id, n = queue()
    with transaction(world.engine) as connection:
        items = items_of_batches(connection, [world.batch_id, batch_id])
        details = connection.execute(
            select(AuditEntry.details).where(AuditEntry.action == "batch_queued")
        ).scalar_one()
    own = [item for item in items if item.batch_id == batch_id]
    assert n == len(own) == 3
    assert {item.task_type for item in own} == {task_type}
    n_queued_before = sum(
        item.task_type == task_type for item in items if item.batch_id != batch_id
    )
    assert {item.selection_probability for item in own} == {3 / (10 - n_queued_before)}
    assert len({item.exchange_id for item in items}) == len(items)
    assert (details["task_type"], details["topic"]) == (part.task_type, part.topic)
    again, _ = queue()
    with transaction(world.engine) as connection:
        more = items_of_batches(connection, [again])
    assert not {item.exchange_id for item in own} & {item.exchange_id for item in more}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"choice": "control"}, "bad_choice"),
        ({"n_items": 0}, "bad_size"),
        ({"n_items": MAX_CHOSEN + 1}, "bad_size"),
        ({"part": WindowPart(task_type="none of these")}, "nothing_to_queue"),
        ({"part": WindowPart(topic=99)}, "nothing_to_queue"),
        ({"part": WindowPart()}, "has_batch"),
    ],
)
def test_bad_part_is_refused(
    arguments: dict[str, object], code: str, world: World, clock: datetime
) -> None:
    request = {"part": WindowPart(task_type="fees"), "by": "Lea", "now": clock, **arguments}
    with transaction(world.engine) as connection, pytest.raises(WorkflowError) as caught:
        queue_window(connection, world.evaluation_id, Settings(), **request)  # type: ignore[arg-type]
    assert caught.value.code == code


def test_command_queues_a_task_type(
    engine: Engine, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(engine, clock, n=40, review=SMALL)
    stamp(engine)
    url = engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("DRIFTWARDEN_DATABASE__URL", url)
    command = ["review", "batch", str(world.evaluation_id), "--task-type", "fees", "--items", "2"]
    assert CliRunner().invoke(app, command).output == "batch 2: 2 items queued\n"
    assert "chosen" in CliRunner().invoke(app, ["review", "queue"]).output
