"""Every route, asked by reviewers of one task type for texts of another."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from msgspec.structs import replace
from sqlalchemy import Engine, update

from monitor.alerts.steps import take_step
from monitor.review.human_evaluation.locking import lock_human_evaluation
from monitor.review.human_evaluation.rating import RatingQueue
from monitor.review.items.blind_review import REVIEWS
from monitor.review.items.flags import flag
from monitor.settings import Secrets, Settings
from monitor.settings.evaluation_file import HumanEvaluationPlan
from monitor.store.alerts.outbox import add_message
from monitor.store.audit_log import SYSTEM
from monitor.store.engine import transaction
from monitor.store.human_evaluation.human_evaluations import items_of
from monitor.store.review.items import items_of_batches
from monitor.store.tables import Incident, ReviewItem
from monitor.store.windows.assessment import Example
from monitor.store.windows.drift_evaluations import drift_evaluation_by_id, replace_assessment
from monitor.store.windows.looks import LookFinding, save_look
from monitor.store.windows.reports import save_report
from monitor.web import current_user
from tests.integration.web.test_foreign_ids import everything, knock
from tests.support.review.human_evaluation import SYSTEMS, make_human_evaluation, rate_all
from tests.support.review.review_world import World, make_world
from tests.support.review.roles import give_role
from tests.support.review.settled_items import RIGHT, Told, settle
from tests.support.web.apps import create_app
from tests.support.web.rollout_world import add_rollout
from tests.support.web.route_table import PUBLIC, WITH_TOKEN, Visitor, routes
from tests.support.windows.mapped_window import add_map

OWN, THEIRS = "fees", "card_lost"
#: In every text of the other task type, and in what quotes texts of any.
MARK = "ZZSECRET"
DISAGREED = Told("accept", "reject", None, "other", "yes")
#: Leads too, whose task types say what they review, not what they read.
LIMITED = {"Ada": "reviewer", "Cleo": "adjudicator", "Lea": "lead"}
WITHIN = {"topic": 0, "point": 0, "number": 1}
QUERIES = {
    "/drift-evaluations/{evaluation_id:int}": ["?topic=0", "?topic=1"],
    "/drift-evaluations/{evaluation_id:int}/report": ["?kind=evidently", "?kind=page"],
    "/incidents": ["?cause=drift", "?status=unresolved"],
    "/progress": ["?batch=1"],
}


@pytest.fixture
def world(engine: Engine, clock: datetime) -> World:
    """Make a world that the limited users worked in before their roles were narrowed."""
    cases = [(OWN, "own prompt", "own response"), (THEIRS, f"{MARK} prompt", f"{MARK} response")]
    world = make_world(engine, clock, n=10, cases=cases)
    add_map(engine, world.evaluation_id, clock)
    human_evaluation = make_human_evaluation(engine, clock)
    ada, ben = world.users["Ada"], world.users["Ben"]
    with transaction(engine) as connection:
        items = items_of_batches(connection, [world.batch_id])
        of_theirs = [item for item in items if item.task_type == THEIRS]
        states = {of_theirs[0].id: DISAGREED, of_theirs[1].id: DISAGREED, of_theirs[2].id: RIGHT}
        settle(connection, world.batch_id, (ada, ben), lambda _, row: states.get(row.id), clock)
        for item, status in zip(of_theirs, ("disagreed", "adjudication"), strict=False):
            connection.execute(
                update(ReviewItem).where(ReviewItem.id == item.id).values(status=status)
            )
        flag(connection, of_theirs[3].id, world.rows["Lea"], clock, f"{MARK} reason")
        lease = timedelta(days=1)
        while True:  # Ada holds an item of the other type
            item_id = REVIEWS.claim_next(connection, ada, clock, lease)
            assert item_id is not None
            if next(row for row in items if row.id == item_id).task_type == THEIRS:
                break
            REVIEWS.decline(connection, item_id, world.rows["Ada"], clock)
        numbers = {
            row.number for row in items_of(connection, human_evaluation) if row.task_type == THEIRS
        }
        queue = RatingQueue(human_evaluation)
        while True:
            number = queue.claim_next(connection, ada, clock, lease)
            if number in numbers:
                break
            queue.decline(connection, number, world.rows["Ada"], clock)
        _quote(connection, world, clock)
        for name, role in LIMITED.items():
            give_role(connection, world.users[name], role, [OWN])
    add_rollout(engine, clock)
    return world


def _quote(connection: Any, world: World, clock: datetime) -> None:
    """Put the mark wherever a window, an incident or a message quotes traffic."""
    assessment = drift_evaluation_by_id(connection, world.evaluation_id).assessment
    topics = [
        replace(topic, name=f"{MARK} ” words", examples=(Example(prompt=f"{MARK} example"),))
        for topic in assessment.input.topics
    ]
    outliers = (Example(prompt=f"{MARK} outlier"),)
    marked = replace(
        assessment,
        headline=f"New: “{MARK} ” words”.",
        findings=(f"New: “{MARK} ” words”.", f"“{MARK}” was “{MARK}”."),
        input=replace(assessment.input, topics=tuple(topics), outliers=outliers),
        output=replace(assessment.output, topics=tuple(topics), outliers=outliers),
    )
    replace_assessment(connection, world.evaluation_id, marked)
    save_report(connection, world.evaluation_id, "evidently", f"<p>{MARK}</p>", clock)
    finding = LookFinding(
        kind="input", name="", measure="unlike", reference=0.0, estimate=0.2, lower=0.1,
        upper=0.3, p_value=0.001, level=0.01, topic=f"{MARK} ” words", examples=tuple(range(1, 11)),
    )  # fmt: skip
    look = save_look(
        connection, model="assistant", looked_until=clock - timedelta(days=6), n_exchanges=10,
        n_end_users=10, findings=[finding], provenance={}, now=clock,
    )  # fmt: skip
    take_step(
        connection, None, "opened", by=SYSTEM, now=clock, model="assistant",
        summary=f"New: “{MARK} ” words”", fingerprint=frozenset({"input"}), severity=0.3,
        evaluation_id=world.evaluation_id,
    )  # fmt: skip
    connection.execute(update(Incident).values(opening_look_id=look, last_look_id=look))
    add_message(
        connection, dedupe_key="m", model="assistant", incident_id=1, kind="post",
        payload={"text": f"{MARK} in a message"}, now=clock,
    )  # fmt: skip


@pytest.fixture
def app(world: World) -> Litestar:
    return create_app(world.engine, Settings(), Secrets())


@pytest.fixture
def client(app: Litestar) -> Iterator[TestClient[Any]]:
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def reviews_are_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """Withhold no findings for the sake of blindness; task types alone decide."""
    monkeypatch.setattr(current_user, "blind_models", lambda *_, **__: {})


def visit(client: TestClient[Any], name: str) -> Visitor:
    visitor = Visitor(client)
    assert visitor.sign_in(name).status_code == 200
    return visitor


def pages(app: Litestar, visitor: Visitor) -> Iterator[tuple[str, Any]]:
    """Yield the response to each address of each page, with guessed ids."""
    for route in routes(app):
        if route.method != "GET" or route.path in PUBLIC | WITH_TOKEN:
            continue
        if "item_id" in route.parameters or "point" in route.parameters:
            parameter = "point" if "point" in route.parameters else "item_id"
            addresses = [route.fill({parameter: n}) for n in range(14)]
        else:
            addresses = [route.fill(values) for values in ({}, WITHIN)]
        addresses += [f"{route.fill()}{query}" for query in QUERIES.get(route.path, [])]
        for address in dict.fromkeys(addresses):
            yield address, visitor.get(address)


@pytest.mark.usefixtures("reviews_are_done")
def test_no_page_shows_texts_of_another_task_type(
    app: Litestar, client: TestClient[Any], world: World
) -> None:
    for name in ("Ada", "Cleo"):
        visitor, n_own = visit(client, name), 0
        for address, response in pages(app, visitor):
            assert response.status_code in {200, 303, 403, 404, 409}, address
            assert MARK not in response.text, address
            n_own += "own prompt" in response.text
        assert n_own > 3  # points and topics of their own task type
    # A lead of one task type reads all: the walk would prove nothing if the texts were missing.
    marked = {
        re.sub(r"\d+", "1", address.partition("?")[0])
        for address, response in pages(app, visit(client, "Lea"))
        if MARK in response.text
    }
    assert {
        "/api/items/1", "/api/lead/flags", "/digest", "/drift-evaluations", "/drift-evaluations/1",
        "/drift-evaluations/1/assessment.json", "/drift-evaluations/1/points/1",
        "/drift-evaluations/1/report", "/drift-evaluations/1/topics/1", "/incidents",
        "/incidents/1", "/progress", "/review/1",
    } <= marked  # fmt: skip


def test_no_step_is_taken_on_an_item_of_another_type(
    app: Litestar, client: TestClient[Any], world: World
) -> None:
    with transaction(world.engine) as connection:
        items = items_of_batches(connection, [world.batch_id])
        rated = items_of(connection, 1)
    for name in ("Ada", "Cleo"):
        visitor = visit(client, name)
        before = everything(world.engine)
        for route in routes(app):
            if route.method == "GET" or route.path in PUBLIC | WITH_TOKEN:
                continue
            of_theirs: list[dict[str, int]] = []
            if "item_id" in route.parameters:
                of_theirs = [{"item_id": row.id} for row in items if row.task_type == THEIRS]
            elif "number" in route.parameters:
                of_theirs = [{"number": row.number} for row in rated if row.task_type == THEIRS]
            for ids in of_theirs:
                assert knock(visitor, route, ids).status_code in {403, 404}, (name, route, ids)
        assert before == everything(world.engine)


def test_work_of_another_type_is_not_offered(client: TestClient[Any], world: World) -> None:
    with transaction(world.engine) as connection:
        items = items_of_batches(connection, [world.batch_id])
    own = {row.id for row in items if row.task_type == OWN}
    ada, cleo = visit(client, "Ada"), None
    work = ada.get("/api/work").json()
    assert work["at_work"] is None
    assert not work["to_discuss"]
    assert ada.send("POST", "/api/items/claim").json()["item"] in own
    assert ada.get("/human-evaluations/1/rate").status_code == 303
    cleo = visit(client, "Cleo")
    assert not cleo.get("/api/work").json()["to_adjudicate"]


@pytest.mark.usefixtures("reviews_are_done")
def test_ratings_after_the_lock_are_of_the_own_type(
    client: TestClient[Any], world: World, clock: datetime
) -> None:
    scores = dict.fromkeys(HumanEvaluationPlan().dimensions, 3)
    rate_all(world.engine, 1, world.users["Ben"], clock, dict.fromkeys(SYSTEMS, scores))
    with transaction(world.engine) as connection:
        lock_human_evaluation(connection, 1, world.rows["Lea"], clock, allow_missing=True)
    texts = ("1.75%", "taxi in Lisbon", "transfer to a friend")
    for name, readable in (("Ada", texts[:1]), ("Lea", texts)):
        page = visit(client, name).get("/human-evaluations/1/ratings").text
        assert readable == tuple(text for text in texts if text in page)


@pytest.mark.usefixtures("reviews_are_done")
def test_point_of_another_type_is_shown_as_withheld(client: TestClient[Any], world: World) -> None:
    ada = visit(client, "Ada")
    bodies = [ada.get(f"/drift-evaluations/1/points/{n}").text for n in range(10)]
    assert sum("Another task type" in body for body in bodies) == 5
    assert not any("deleted" in body for body in bodies)


@pytest.mark.usefixtures("reviews_are_done")
def test_names_of_topics_are_numbers(client: TestClient[Any], world: World) -> None:
    document = visit(client, "Ada").get("/drift-evaluations/1/assessment.json").json()
    assert [row["name"] for row in document["input"]["topics"]] == ["topic 0", "topic 1"]
    assert document["input"]["drifted_share"]["estimate"] > 0
