"""Ids of other users' rows and unknown ids, on every route with a parameter."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from typing import Any

import httpx
import pytest
from litestar import Litestar
from sqlalchemy import Engine, select

from monitor.accounts.registration import create_user
from monitor.settings import Secrets, Settings
from monitor.store.engine import transaction
from monitor.store.tables import metadata
from monitor.web.server import BackgroundServer
from tests.support.review.review_world import PASSWORD, World, make_world
from tests.support.web.apps import create_app
from tests.support.web.route_table import PUBLIC, WITH_TOKEN, Route, Visitor, routes

#: What everybody who is signed in may read.
SHARED = {
    "/drift-evaluations/{evaluation_id:int}",
    "/drift-evaluations/{evaluation_id:int}/report",
    "/drift-evaluations/{evaluation_id:int}/assessment.json",
}
SCORES = {"accuracy": 5, "completeness": 5, "tone": 5, "compliance": 5}
#: A body that the route would take, by the end of its path: refused is who sends it, not what.
BODIES: dict[str, dict[str, Any]] = {
    "draft": {"comment": "mine now"},
    "review": {"verdict": "accept", **SCORES},
    "flag": {"reason": "mine now"},
    "decline": {"reason": "mine now"},
    "messages": {"text": "mine now"},
    "resolution": {"verdict": "accept"},
    "adjudication": {"verdict": "accept", "cause": "ambiguous"},
    "audit": {"verdict": "accept"},
    "reopen": {"reason": "mine now"},
    "ratings": {"ratings": [SCORES]},
}
#: Forms, where the page sends no JSON.
FORMS: dict[str, dict[str, Any]] = {"role": {"role": "admin"}, "task-types": {"task_type": "fees"}}
#: Written by reading too, or by anybody's sign-in.
NOT_COMPARED = {"access_log", "web_sessions", "sign_in_attempts"}


@pytest.fixture
def world(any_engine: Engine, clock: datetime) -> World:
    world = make_world(any_engine, clock, n=12)
    with transaction(any_engine) as connection:
        for name in ("Dan", "Eve"):
            create_user(connection, name, PASSWORD, "reviewer", clock)
    return world


@pytest.fixture
def app(world: World) -> Litestar:
    return create_app(world.engine, Settings(), Secrets())


@pytest.fixture
def browsers(app: Litestar) -> Iterator[dict[str, Visitor]]:
    with BackgroundServer(app) as server, ExitStack() as stack:
        browsers = {}
        for name in ("Ada", "Ben", "Dan"):
            browsers[name] = Visitor(
                stack.enter_context(httpx.Client(base_url=server.url, timeout=60))
            )
            assert 200 == browsers[name].sign_in(name).status_code
        yield browsers


def everything(engine: Engine) -> dict[str, list[Any]]:
    """Return the content of the database by table."""
    with transaction(engine) as connection:
        return {
            name: sorted(map(repr, connection.execute(select(table)).all()))
            for name, table in metadata.tables.items()
            if name not in NOT_COMPARED
        }


def knock(visitor: Visitor, route: Route, values: dict[str, int]) -> Any:
    path, last = route.fill(values), route.path.rsplit("/", 1)[1]
    if route.method == "GET":
        return visitor.get(path)
    if route.is_api:
        return visitor.send(route.method, path, json=BODIES.get(last, {}))
    return visitor.send(route.method, path, data=FORMS.get(last, {}))


def items_of_others(ada: Visitor, ben: Visitor) -> list[int]:
    """Return a settled, a disagreed, an adjudicated and an assigned item of other users."""
    reject = {**SCORES, "verdict": "reject", "error_kind": "other", "answerable": "yes"}
    browsers = []
    for step in ("settled", "disagreed", "adjudication"):
        item = ada.send("POST", "/api/items/claim").json()["item"]
        assert item == ben.send("POST", "/api/items/claim").json()["item"]
        path = f"/api/items/{item}/review"
        accept = {**SCORES, "verdict": "accept"}
        assert 200 == ada.send("POST", path, json=accept).status_code
        second = accept if step == "settled" else reject
        assert 200 == ben.send("POST", path, json=second).status_code
        if step == "adjudication":
            assert 200 == ada.send("POST", f"/api/items/{item}/escalation").status_code
        browsers.append(item)
    # Two are at work on it: there is no place left for a third.
    item = ada.send("POST", "/api/items/claim").json()["item"]
    assert item == ben.send("POST", "/api/items/claim").json()["item"]
    ada.send("PUT", f"/api/items/{item}/draft", json={"comment": "a draft"})
    return [*browsers, item]


def test_ids_of_other_users_neither_open_nor_change(
    app: Litestar, world: World, browsers: dict[str, Visitor]
) -> None:
    other_items = items_of_others(browsers["Ada"], browsers["Ben"])
    dan = browsers["Dan"]
    walked = [
        route
        for route in routes(app)
        if route.parameters and route.path not in PUBLIC | WITH_TOKEN and route.path not in SHARED
    ]
    assert len(walked) > 20
    before = everything(world.engine)
    for route in walked:
        for item in other_items:
            ids = {
                "item_id": item,
                "user_id": world.users["Ben"],
                "evaluation_id": world.evaluation_id,
            }
            response = knock(dan, route, ids)
            assert response.status_code in {403, 404}, (
                route,
                item,
                response.status_code,
                response.text,
            )
            assert "a draft" not in response.text
    after = everything(world.engine)
    for table, rows in before.items():
        assert rows == after[table], f"{table} was changed by who had no right to"


def test_unknown_ids_are_not_found(
    app: Litestar, world: World, browsers: dict[str, Visitor]
) -> None:
    """Unknown ids, of any size, get the same response as ids of other users."""
    dan = browsers["Dan"]
    taken = items_of_others(browsers["Ada"], browsers["Ben"])[0]
    for route in routes(app):
        if "item_id" not in route.parameters:
            continue
        responses = [knock(dan, route, {"item_id": item}) for item in (taken, 999_999)]
        assert 1 == len({response.status_code for response in responses}), route
        for number in (0, 2**63 - 1, 2**63, 10**30):
            response = knock(dan, route, {"item_id": number})
            assert response.status_code in {400, 403, 404}, (route, number, response.status_code)
