"""The progress page: counts, forecast, undefined figures, and hidden open work."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import httpx
import pytest
from sqlalchemy import Engine, update

from monitor.accounts.registration import create_user
from monitor.review.items.blind_review import REVIEWS
from monitor.review.progress.batch_progress import BatchProgress, batch_progress
from monitor.settings import Secrets, Settings
from monitor.store.engine import transaction
from monitor.store.review.items import batch_by_id, items_of_batches
from monitor.store.review.reviews import insert_review
from monitor.store.tables import ReviewItem
from monitor.web.server import BackgroundServer
from retrain.registry.stages import promote, register_version
from tests.support.review.review_world import PASSWORD, World, make_world
from tests.support.web.apps import create_app

HOUR = timedelta(hours=1)
SCORES = {"accuracy": 4, "completeness": 4, "tone": 4, "compliance": 4}
PARTIAL = {"hx-request": "true"}
SECRET = "a draft that only Ben may see"


@pytest.fixture
def world(any_engine: Engine, clock: datetime) -> World:
    return make_world(any_engine, clock)


@pytest.fixture
def read(any_engine: Engine, world: World, clock: datetime) -> Iterator[Callable[..., str]]:
    """Return a function that reads the progress page as Lea."""
    now = clock + 30 * HOUR
    with (
        BackgroundServer(
            create_app(any_engine, Settings(), Secrets(), clock=lambda: now)
        ) as server,
        httpx.Client(base_url=server.url) as client,
    ):
        token = re.search(r'csrf-token" content="([^"]+)"', client.get("/login").text)
        assert token is not None
        body = {"name": "Lea", "password": PASSWORD}
        client.post("/api/login", json=body, headers={"x-csrftoken": token[1]})

        def get(path: str = "/progress", **headers: str) -> str:
            response = client.get(path, headers=headers)
            assert response.status_code == 200
            return response.text

        yield get


def vote(connection, world: World, item: int, name: str, at: datetime, verdict: str) -> None:
    insert_review(
        connection, item, world.users[name], at, verdict=verdict, **SCORES,
        error_kind="" if verdict == "accept" else "other", answerable="",
        corrected_response="x", comment="",
    )  # fmt: skip


def desk_of(connection, world: World, now: datetime) -> BatchProgress:
    batch = batch_by_id(connection, world.batch_id)
    return batch_progress(connection, batch, world.users["Lea"], now)


def item_ids(engine: Engine, world: World) -> list[int]:
    with transaction(engine) as connection:
        return [item.id for item in items_of_batches(connection, [world.batch_id])]


def test_the_counts_add_up(any_engine: Engine, world: World, clock: datetime) -> None:
    items = item_ids(any_engine, world)
    statuses = ["gold", "gold", "gold", "disagreed", "adjudication", "flagged", "excluded"]
    with transaction(any_engine) as connection:
        for item, status in zip(items, statuses, strict=False):
            connection.execute(
                update(ReviewItem).where(ReviewItem.id == item).values(status=status)
            )
        vote(connection, world, items[10], "Ada", clock + HOUR, "accept")
        desk = batch_progress(
            connection,
            batch_by_id(connection, world.batch_id),
            world.users["Lea"],
            clock + 2 * HOUR,
        )
    n = len(items)
    assert {
        "gold": 3,
        "queued": n - 7,
        "disagreed": 1,
        "adjudication": 1,
        "flagged": 1,
        "excluded": 1,
    } == dict(desk.counts.by_status)
    assert (n - 1, 3, 1) == (desk.counts.n, desk.counts.n_settled, desk.counts.n_excluded)
    assert n == sum(counts.n_all for _, counts in desk.by_task_type)
    assert 2 * (n - 7) - 1 == desk.n_reviews_left


def test_the_end_of_the_queue_is_forecast(
    any_engine: Engine, world: World, read, clock: datetime
) -> None:
    page = read()
    assert "no reviews in the last 7 days" in page
    items = item_ids(any_engine, world)
    with transaction(any_engine) as connection:
        for at, item in enumerate(items[:10]):
            vote(connection, world, item, "Ada", clock + 20 * HOUR + at * HOUR / 10, "accept")
        desk = batch_progress(
            connection,
            batch_by_id(connection, world.batch_id),
            world.users["Lea"],
            clock + 30 * HOUR,
        )
    assert desk.pace == 10
    left = 2 * len(items) - 10
    assert desk.done_at == clock + 30 * HOUR + timedelta(days=left / 10)
    assert f"{left} reviews are left; at 10 a day" in read()
    ada = next(row for row in desk.reviewers if row.name == "Ada")
    assert (ada.n, ada.days[-2] + ada.days[-1], ada.minutes) == (10, 10, 6.0)
    assert "Lea" not in {row.name for row in desk.reviewers}, "leads without reviews are not listed"


def test_disagreements_show_their_deadline(
    any_engine: Engine, world: World, read, clock: datetime
) -> None:
    item = item_ids(any_engine, world)[0]
    with transaction(any_engine) as connection:
        vote(connection, world, item, "Ada", clock, "accept")
        vote(connection, world, item, "Ben", clock + HOUR, "reject")
        connection.execute(
            update(ReviewItem).where(ReviewItem.id == item).values(status="disagreed")
        )
    page = read()
    assert f"Item {item}, since 2 Nov 2026: goes to an adjudicator on 5 Nov 2026" in page


def test_undefined_agreement_is_shown_as_undefined(
    any_engine: Engine, world: World, read, clock: datetime
) -> None:
    items = item_ids(any_engine, world)[:12]
    with transaction(any_engine) as connection:
        for item in items:
            for name in ("Ada", "Ben"):
                vote(connection, world, item, name, clock + HOUR, "accept")
    page = read()
    assert "Alpha is undefined" in page
    assert "<dd>undefined" in page
    assert "12 items" in page


def test_a_reviewing_lead_sees_no_open_work_of_others(
    any_engine: Engine, world: World, read, clock: datetime
) -> None:
    """Ben drafts and submits on an item that Lea holds too; her page stays the same."""
    now = clock + 29 * HOUR
    with transaction(any_engine) as connection:
        lea, ben = (
            REVIEWS.claim_next(connection, world.users[name], now, timedelta(minutes=120))
            for name in ("Lea", "Ben")
        )
        assert lea is not None
        assert lea == ben
    before = read(**PARTIAL)
    with transaction(any_engine) as connection:
        draft = {"comment": SECRET, "verdict": "reject"}
        REVIEWS.save_draft(
            connection, lea, world.rows["Ben"], draft, now=now, lease=timedelta(minutes=90)
        )
    typed = read(**PARTIAL)
    with transaction(any_engine) as connection:
        vote(connection, world, lea, "Ben", now, "reject")
    assert before == typed == read(**PARTIAL)
    with transaction(any_engine) as connection:
        ada = REVIEWS.claim_next(connection, world.users["Ada"], now, timedelta(minutes=120))
        assert ada not in {None, lea}
        vote(connection, world, ada, "Ada", now, "accept")
    assert before != read(**PARTIAL), "other items are visible to leads"


def test_htmx_gets_the_batch_only(world: World, read) -> None:
    part = read(**PARTIAL)
    assert "<html" not in part
    assert 'id="waits"' in part


def test_an_earlier_batch_is_shown(any_engine: Engine, world: World, read, clock: datetime) -> None:
    older = make_world(any_engine, clock, weeks_ago=1, users=False)
    assert "18 Oct 2026" not in read().split('id="who"')[0]
    page = read(f"/progress?batch={older.batch_id}")
    assert "25 Oct 2026</a>" in page.split('id="who"')[0]


def test_without_a_batch_the_page_is_empty(engine: Engine, clock: datetime) -> None:

    with transaction(engine) as connection:
        create_user(connection, "Lea", PASSWORD, "lead", clock)
    with (
        BackgroundServer(create_app(engine, Settings(), Secrets())) as server,
        httpx.Client(base_url=server.url) as client,
    ):
        token = re.search(r'csrf-token" content="([^"]+)"', client.get("/login").text)
        assert token is not None
        body = {"name": "Lea", "password": PASSWORD}
        client.post("/api/login", json=body, headers={"x-csrftoken": token[1]})
        assert 'id="desk"' not in client.get("/progress").text


def test_the_models_page_shows_the_age_of_production(
    read: Callable[..., str], any_engine: Engine, clock: datetime
) -> None:
    made = clock - timedelta(days=200)
    for model, moment in (("assistant", made), ("young", clock - timedelta(days=2))):
        with transaction(any_engine) as connection:
            version = register_version(
                connection, model=model, adapter_path="a", adapter_digest="d", lineage={},
                now=moment,
            )  # fmt: skip
            promote(connection, version, changed_by="lea", reason="better", now=moment)
    page = read("/models")
    assert f"created on {made:%Y-%m-%d}, 201 days ago, longer than retrain.max_age" in page
    assert page.count("a refresh is suggested") == 1
    assert "3 days ago." in page
