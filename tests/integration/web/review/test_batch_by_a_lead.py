"""Batches that a lead queues and gives to reviewers on the page."""

from collections.abc import Iterator
from datetime import datetime

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import Engine, delete, select

from monitor.review.decision.decisions import evaluate_batch
from monitor.settings import Review, Secrets, Settings
from monitor.store.engine import transaction
from monitor.store.review.assignments import given_counts
from monitor.store.review.draws import draws_of_batches
from monitor.store.review.items import batch_by_id, batch_of_evaluation, items_of_batches
from monitor.store.tables import AuditEntry, ReviewBatch, ReviewDraw, ReviewItem
from tests.support.review.review_world import World, make_world
from tests.support.web.apps import create_app
from tests.support.web.sign_in import sign_in


@pytest.fixture
def world(engine: Engine, clock: datetime) -> World:
    return make_world(engine, clock, n=40)


@pytest.fixture
def lead(world: World, clock: datetime) -> Iterator[TestClient[Litestar]]:
    app = create_app(world.engine, Settings(), Secrets(), clock=lambda: clock)
    with TestClient(app) as client:
        sign_in(client, "Lea")
        yield client


def send(client: TestClient[Litestar], path: str, **data: object) -> int:
    return client.post(path, data=data, follow_redirects=False).status_code


def unqueue(world: World) -> str:
    with transaction(world.engine) as connection:
        for table in (ReviewDraw, ReviewItem, ReviewBatch):
            connection.execute(delete(table))
    return f"/drift-evaluations/{world.evaluation_id}/batch"


@pytest.mark.parametrize(("choice", "slices"), [("control", {"control"}), ("drift", {"drift"})])
def test_lead_chooses_size_and_slice(
    choice: str, slices: set[str], lead: TestClient[Litestar], world: World
) -> None:
    path = unqueue(world)
    assert send(lead, path, items="8", choice=choice) == 303
    with transaction(world.engine) as connection:
        batch_id = batch_of_evaluation(connection, world.evaluation_id)
        assert batch_id is not None
        items = items_of_batches(connection, [batch_id])
        draws = draws_of_batches(connection, [batch_id])
        batch = batch_by_id(connection, batch_id)
        recommendation, inputs = evaluate_batch(connection, batch, Review())
    assert len(items) == 8
    assert {item.slice for item in items} - {"cluster"} == slices
    assert sum(draw.control_points for draw in draws) == (8 if choice == "control" else 0)
    assert sum(1 / draw.selection_probability for draw in draws) == pytest.approx(40, rel=0.9)
    assert (recommendation, inputs["control"]["n"]) == ("undecided", 0)


def test_second_batch_of_a_window_is_refused(lead: TestClient[Litestar], world: World) -> None:
    path = f"/drift-evaluations/{world.evaluation_id}/batch"
    reply = lead.post(path, data={"items": "5"})
    assert reply.status_code == 409
    assert f"batch already: {world.batch_id}" in reply.text


@pytest.mark.parametrize("fields", [{"items": "0"}, {"items": "-1"}, {"choice": "all"}])
def test_batch_of_no_size_or_choice_is_refused(
    fields: dict[str, str], lead: TestClient[Litestar], world: World
) -> None:
    assert send(lead, unqueue(world), **fields) == 409


def test_lead_gives_a_task_type_to_two_reviewers(
    lead: TestClient[Litestar], world: World, clock: datetime
) -> None:
    path = f"/progress/batches/{world.batch_id}/give"
    assert send(lead, path, reviewer=["Ada", "Ben"], task_type="fees", days="3") == 303
    with transaction(world.engine) as connection:
        items = items_of_batches(connection, [world.batch_id])
        n = sum(item.task_type == "fees" for item in items)
        rows = given_counts(connection, world.batch_id, clock)
        entry = connection.execute(
            select(AuditEntry.details).where(AuditEntry.action == "items_given")
        ).scalar_one()
    assert [(row.name, row.n_items) for row in rows] == [("Ada", n), ("Ben", n)]
    assert len(entry["items"]) == n > 0
    assert "given to Ada" in lead.get("/progress").text


def test_second_gift_names_the_first_reviewer(
    lead: TestClient[Litestar], world: World, clock: datetime
) -> None:
    path = f"/progress/batches/{world.batch_id}/give"
    warning = "are taken from those whom you"
    assert warning not in lead.get("/progress").text
    send(lead, path, reviewer="Ada", days="2")
    assert warning in lead.get("/progress").text
    assert "taken from Ada" in lead.post(path, data={"reviewer": "Ben"}).text
    again = lead.post(path, data={"reviewer": ["Ada", "Ben"]}).text
    assert "given to Ada, Ben." in again
    with transaction(world.engine) as connection:
        rows = given_counts(connection, world.batch_id, clock)
    assert [row.name for row in rows] == ["Ada", "Ben"]


def test_gift_is_confirmed_by_a_page_that_reloads(
    lead: TestClient[Litestar], world: World, clock: datetime
) -> None:
    path = f"/progress/batches/{world.batch_id}/give"
    send(lead, path, reviewer="Ada", task_type="fees")
    reply = lead.post(path, data={"reviewer": "Ben"}, follow_redirects=False)
    assert reply.status_code == 303
    with transaction(world.engine) as connection:
        (row,) = given_counts(connection, world.batch_id, clock)
    for _ in range(2):
        page = lead.get(reply.headers["location"])
        assert f"{row.n_items} items given to Ben, taken from Ada." in page.text
    assert lead.get("/progress?items=3&to=Eve").status_code == 400


def test_refused_gift_keeps_its_form(lead: TestClient[Litestar], world: World) -> None:
    path = f"/progress/batches/{world.batch_id}/give"
    page = lead.post(path, data={"task_type": "fees", "days": "3"}).text
    assert 'id="give"' in page
    assert 'role="alert"' in page
    assert '<option value="fees" selected>' in page
    assert 'value="3" required' in page


@pytest.mark.parametrize("fields", [{}, {"reviewer": "Nobody"}, {"reviewer": "Ada", "days": "0"}])
def test_gift_without_reviewer_or_days_is_refused(
    fields: dict[str, str], lead: TestClient[Litestar], world: World, clock: datetime
) -> None:
    assert send(lead, f"/progress/batches/{world.batch_id}/give", **fields) == 409
    with transaction(world.engine) as connection:
        assert given_counts(connection, world.batch_id, clock) == []


def test_reviewer_gives_no_items(world: World, clock: datetime) -> None:
    app = create_app(world.engine, Settings(), Secrets(), clock=lambda: clock)
    with TestClient(app) as client:
        sign_in(client, "Ada")
        path = f"/progress/batches/{world.batch_id}/give"
        assert send(client, path, reviewer="Ada") in {403, 404}
        assert send(client, unqueue(world), items="5") in {403, 404}
