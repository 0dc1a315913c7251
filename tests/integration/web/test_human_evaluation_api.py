"""API of human evaluations, for raters and for other users."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime

import httpx
import pytest
from sqlalchemy import Engine, update

from monitor.settings import Secrets, Settings
from monitor.settings.evaluation_file import HumanEvaluationPlan
from monitor.store.engine import transaction
from monitor.store.tables import ReviewItem
from monitor.web.server import BackgroundServer
from retrain.evaluation.lifecycle import cancel_evaluation
from tests.support.retrain.fake_launcher import FakeLauncher
from tests.support.review.human_evaluation import make_human_evaluation, rate_all, rows
from tests.support.review.review_world import World, make_world
from tests.support.web.apps import create_app
from tests.support.web.route_table import Visitor

DIMENSIONS = ("accuracy", "completeness", "tone", "compliance")
FAIR = dict.fromkeys(DIMENSIONS, 3)
PATH = "/api/human-evaluations/1/items/1"


@pytest.fixture
def world(any_engine: Engine, clock: datetime) -> World:
    world = make_world(any_engine, clock, n=4)
    plan = HumanEvaluationPlan(sample_size=2, reviewers=1)
    responses = [row | {"response": f"{row['by']}: {row['response']}"} for row in rows(2)]
    assert make_human_evaluation(any_engine, clock, plan=plan, inputs=responses) == 1
    return world


@pytest.fixture
def browsers(world: World) -> Iterator[dict[str, Visitor]]:
    app = create_app(world.engine, Settings(), Secrets())
    with BackgroundServer(app) as server, ExitStack() as stack:
        browsers = {}
        for name in world.users:
            client = httpx.Client(base_url=server.url, timeout=60)
            browsers[name] = Visitor(stack.enter_context(client))
            assert browsers[name].sign_in(name).status_code == 200
        yield browsers


def test_ratings_are_submitted_and_withdrawn(browsers: dict[str, Visitor]) -> None:
    ada = browsers["Ada"]
    assert 'href="/human-evaluations/1">Rate responses' in ada.get("/review").text
    assert ada.get("/human-evaluations/1/rate").headers["location"] == "/human-evaluations/1", (
        "not at an item yet"
    )
    assert ada.post("/human-evaluations/1/rate").headers["location"] == "/human-evaluations/1/rate"
    assert ada.send("POST", "/api/human-evaluations/1/claim").json() == {"item": 1}
    assert "lease_until" in ada.send("PUT", f"{PATH}/draft", json={"A.0": "4"}).json()
    assert "lease_until" in ada.send("POST", f"{PATH}/heartbeat").json()
    short = ada.send("POST", f"{PATH}/ratings", json={"ratings": [FAIR]})
    assert (short.status_code, "3 responses" in short.json()["detail"]) == (409, True)
    body = {"ratings": [FAIR] * 3, "comment": "Fine."}
    wrong = ada.send("POST", f"{PATH}/ratings", json=body | {"system": "candidate"})
    assert wrong.status_code == 400, "unknown keys are refused"
    assert ada.send("POST", f"{PATH}/ratings", json=body).json() == {"status": "submitted"}
    assert ada.send("POST", f"{PATH}/ratings", json=body).status_code == 409
    assert ada.send("POST", "/api/human-evaluations/1/claim").json() == {"item": 2}
    undone = ada.send("DELETE", f"{PATH}/ratings?at_work=2").json()
    assert undone == {"status": "open", "released": True}
    older = {"A.0": "1", "tab": "a", "base": 1, "edited_at": 2}
    refused = ada.send("PUT", f"{PATH}/draft", json=older)
    assert refused.json()["extra"]["newer_draft"]["comment"] == "Fine."
    refused = ada.send("POST", f"{PATH}/ratings?tab=a&base=1", json=body)
    assert (refused.status_code, "newer_draft" in refused.json()["extra"]) == (409, True)
    assert ada.send("POST", f"{PATH}/decline", json={}).json() == {"status": "skipped"}
    assert ada.send("POST", "/api/human-evaluations/1/claim").json() == {"item": 2}


def test_unassigned_users_neither_see_nor_change_an_item(browsers: dict[str, Visitor]) -> None:
    browsers["Ada"].send("POST", "/api/human-evaluations/1/claim")
    for name in ("Ben", "Lea"):
        visitor = browsers[name]
        for method, last, body in (
            ("PUT", "draft", {"A.0": "1"}),
            ("POST", "heartbeat", {}),
            ("POST", "ratings", {"ratings": [FAIR] * 3}),
            ("DELETE", "ratings", {}),
            ("POST", "decline", {"reason": "mine now"}),
        ):
            response = visitor.send(method, f"{PATH}/{last}", json=body)
            assert response.status_code == 404, (name, last)
        assert visitor.get("/human-evaluations/1/rate").status_code == 303


def test_only_leads_lock_and_only_with_confirmation(
    world: World, clock: datetime, browsers: dict[str, Visitor]
) -> None:
    scores = dict.fromkeys(("base", "candidate", "incumbent"), FAIR)
    rate_all(world.engine, 1, world.users["Ben"], clock, scores)
    ada, lea = browsers["Ada"], browsers["Lea"]
    assert ada.post("/human-evaluations/1/lock", {"confirmed": "yes"}).status_code == 403
    assert 'id="lock"' not in ada.get("/human-evaluations/1").text
    assert "rating-figures" not in ada.get("/human-evaluations/1").text
    unticked = lea.post("/human-evaluations/1/lock", {})
    assert unticked.status_code == 409
    assert "notice bad" in unticked.text
    assert lea.get("/human-evaluations/1/ratings").status_code == 409
    assert lea.post("/human-evaluations/1/lock", {"confirmed": "yes"}).status_code == 303
    assert lea.post("/human-evaluations/1/lock", {"confirmed": "yes"}).status_code == 409
    results = ("/human-evaluations/1/ratings", "/human-evaluations/1")
    assert [ada.get(path).status_code for path in results] == [403, 403]
    with transaction(world.engine) as connection:
        connection.execute(update(ReviewItem).values(status="gold"))
    assert [ada.get(path).status_code for path in results] == [200, 200]
    assert ada.get("/human-evaluations/1/ratings?page=2").status_code == 404
    assert lea.get("/human-evaluations/99").status_code == 404
    assert lea.post("/human-evaluations/99/lock", {"confirmed": "yes"}).status_code == 404


def test_a_cancelled_human_evaluation_takes_no_ratings(
    world: World, clock: datetime, browsers: dict[str, Visitor]
) -> None:
    ada, lea = browsers["Ada"], browsers["Lea"]
    body = {"ratings": [FAIR] * 3}
    assert ada.send("POST", "/api/human-evaluations/1/claim").json() == {"item": 1}
    assert ada.send("POST", f"{PATH}/ratings", json=body).status_code == 200
    assert ada.send("POST", "/api/human-evaluations/1/claim").json() == {"item": 2}
    cancel_evaluation(world.engine, 1, FakeLauncher(), clock, cancelled_by="Lea")
    late = ada.send("POST", "/api/human-evaluations/1/items/2/ratings", json=body)
    assert late.status_code == 409
    assert late.status_code == 409
    assert ada.send("DELETE", f"{PATH}/ratings").status_code == 409
    assert ada.get("/human-evaluations/1/rate").headers["location"] == "/human-evaluations/1"
    page = ada.get("/human-evaluations/1").text
    assert "including your 1" in page
    assert "rating-figures" not in page
    assert "Cancelled 2 Nov 2026, 00:00 UTC" in ada.get("/human-evaluations").text
    assert "Rate responses" not in ada.get("/review").text
    page = lea.get("/human-evaluations/1").text
    assert "rating-figures" in page
    assert 'id="lock"' not in page
    assert lea.post("/human-evaluations/1/lock", {"confirmed": "yes"}).status_code == 409
    assert lea.get("/human-evaluations/1/ratings").status_code == 409
