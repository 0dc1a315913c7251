"""Rows of a search that a lead queues for review, and the links that lead to exchanges."""

import html
import re
from collections.abc import Iterator
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from msgspec import structs
from sqlalchemy import Engine, delete, select, update

from monitor.settings import Configuration, Secrets
from monitor.store.engine import transaction
from monitor.store.review.assignments import given_counts
from monitor.store.review.items import ItemRow, items_of_batches
from monitor.store.tables import AuditEntry, DriftEvaluation, ReviewBatch, ReviewDraw, ReviewItem
from monitor.store.windows.drift_evaluations import drift_evaluation_by_id
from tests.support.review.review_world import World, make_world
from tests.support.search.indexed import index
from tests.support.web.apps import create_app
from tests.support.web.sign_in import sign_in
from tests.support.windows.assessments import make_numeric_column


@pytest.fixture
def world(engine: Engine, clock: datetime) -> World:
    """Return twelve exchanges, none of which is an item."""
    world = make_world(engine, clock, n=12)
    index(engine, clock)
    with transaction(engine) as connection:
        for table in (ReviewDraw, ReviewItem, ReviewBatch):
            connection.execute(delete(table))
    return world


@pytest.fixture
def app(world: World, clock: datetime) -> Litestar:
    settings = Configuration(models={"assistant": {}, "other": {}})
    return create_app(world.engine, settings, Secrets(), clock=lambda: clock)


@pytest.fixture
def lead(app: Litestar) -> Iterator[TestClient[Litestar]]:
    with TestClient(app) as client:
        sign_in(client, "Lea")
        yield client


def queue(client: TestClient[Litestar], query: str = "", **data: object) -> int:
    path = f"/exchanges/batch?model=assistant{query}"
    return client.post(path, data=data, follow_redirects=False).status_code


def queued(world: World) -> list[ItemRow]:
    with transaction(world.engine) as connection:
        batches = list(connection.execute(select(ReviewBatch.id)).scalars())
        return items_of_batches(connection, batches)


def test_lead_queues_the_ticked_rows_once(lead: TestClient[Litestar], world: World) -> None:
    page = lead.get("/exchanges?model=assistant").text
    assert page.count('name="row"') == 12
    assert queue(lead, take="ticked", row=["3", "5"]) == 303
    assert {item.exchange_id for item in queued(world)} == {3, 5}
    assert {item.slice for item in queued(world)} == {"chosen"}
    assert queue(lead, take="ticked", row=["3", "5"]) == 409, "sent again"
    assert len(queued(world)) == 2
    page = lead.get("/exchanges?model=assistant").text
    assert page.count('name="row"') == 10
    with transaction(world.engine) as connection:
        entries = select(AuditEntry.actor).where(AuditEntry.action == "batch_queued")
        assert list(connection.execute(entries).scalars()) == ["Lea"]
    progress = lead.get(f"/progress?batch={queued(world)[0].batch_id}")
    assert progress.status_code == 200
    assert "chosen by a lead" in progress.text


def test_lead_queues_all_found_and_gives_them(
    lead: TestClient[Litestar], world: World, clock: datetime
) -> None:
    assert queue(lead, "&task_type=fees", take="found", items="2", reviewer=["Ada"]) == 303
    items = queued(world)
    assert {item.exchange_id for item in items} == {11, 7}
    with transaction(world.engine) as connection:
        rows = given_counts(connection, items[0].batch_id, clock)
    assert [(row.name, row.n_items) for row in rows] == [("Ada", 2)]


def test_refusal_keeps_ticks_and_names(lead: TestClient[Litestar], world: World) -> None:
    path = "/exchanges/batch?model=assistant&q=bitcoin"
    fields = {"take": "ticked", "row": ["8", "999"], "reviewer": "Ada", "items": "7"}
    reply = lead.post(path, data=fields)
    assert reply.status_code == 409
    assert re.search(r'value="8"[^>]* checked', reply.text)
    assert re.search(r'value="Ada" checked', reply.text)
    assert 'value="bitcoin"' in reply.text
    assert 'name="items" type="number" min="1" max="1000" value="7"' in reply.text
    assert queued(world) == []


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("", {}),
        ("", {"take": "found", "items": "0"}),
        ("", {"take": "found", "items": "1001"}),
        ("", {"take": "found", "items": "x"}),
        ("&q=nowhere", {"take": "found", "items": "5"}),
        ("&since=never", {"take": "found", "items": "5"}),
        ("", {"take": "ticked", "row": ["x"]}),
    ],
)
def test_nothing_to_queue_is_refused(
    query: str, fields: dict[str, object], lead: TestClient[Litestar], world: World
) -> None:
    assert queue(lead, query, **fields) == 409
    assert queued(world) == []


def test_unfit_reviewer_leaves_nothing_queued(lead: TestClient[Litestar], world: World) -> None:
    assert queue(lead, take="ticked", row=["3"], reviewer="Nobody") == 409
    assert queued(world) == []


def test_rows_of_another_model_are_refused(lead: TestClient[Litestar], world: World) -> None:
    path = "/exchanges/batch?model=other"
    assert lead.post(path, data={"take": "ticked", "row": "3"}).status_code == 409
    assert queued(world) == []


def test_reviewer_queues_no_rows(app: Litestar, world: World) -> None:
    with TestClient(app) as client:
        sign_in(client, "Ada")
        assert queue(client, take="ticked", row="3") == 403
    assert queued(world) == []


def test_window_links_the_exchanges_of_metrics_and_verdicts(
    lead: TestClient[Litestar], world: World
) -> None:
    with transaction(world.engine) as connection:
        stored = drift_evaluation_by_id(connection, world.evaluation_id).assessment
        assert stored is not None
        columns = (
            make_numeric_column(name="tone", adjusted_p_value=0.5),
            make_numeric_column(name="a&b", adjusted_p_value=0.001),
        )
        changed = structs.replace(stored, numeric_columns=(*stored.numeric_columns, *columns))
        connection.execute(update(DriftEvaluation).values(assessment=changed))
    page = lead.get(f"/drift-evaluations/{world.evaluation_id}").text
    links = [
        html.unescape(link) for link in re.findall(r'href="(/exchanges\?[^"]*until[^"]*)"', page)
    ]
    queries = [parse_qs(urlsplit(link).query) for link in links]
    assert [query.get("metric") for query in queries] == [None, ["a&b"], ["tone"], None, None]
    assert [query["verdict"] for query in queries[-2:]] == [["correct"], ["reject"]]
    assert lead.get(links[0]).text.count('name="row"') == 12
    assert {lead.get(link).status_code for link in links} == {200}


def test_lead_queues_a_topic_of_a_window(lead: TestClient[Litestar], world: World) -> None:
    path = f"/drift-evaluations/{world.evaluation_id}"
    assert 'name="topic"' in lead.get(path).text
    fields = {"items": "2", "topic": "0", "task_type": "*"}
    reply = lead.post(f"{path}/batch", data=fields, follow_redirects=False)
    assert reply.status_code == 303
    assert reply.headers["location"].startswith("/progress?batch=")
    assert {item.task_type for item in queued(world)} == {"crypto_withdrawal"}
    assert lead.post(f"{path}/batch", data=fields | {"topic": "x"}).status_code == 409
