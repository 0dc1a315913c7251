"""Review pages over HTTP: access, blindness, invalid requests and health."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime

import httpx
import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import update

from monitor.daemon.web_app import create_app
from monitor.settings import Secrets, Settings
from monitor.store.engine import transaction
from monitor.store.tables import ReviewItem
from monitor.telemetry import Heartbeat
from monitor.web.access.audience import AUDIENCE, FINDINGS, Audience
from monitor.web.navigation import GROUPS
from monitor.web.server import BackgroundServer
from tests.support.review.review_world import PASSWORD, World, make_world

FIVE = {"accuracy": 5, "completeness": 5, "tone": 5, "compliance": 5}


@pytest.fixture
def world(engine, clock: datetime) -> World:
    return make_world(engine, clock)


@pytest.fixture
def app(world: World) -> Litestar:
    return create_app(world.engine, Settings(), Secrets())


class Visitor:
    """A browser that keeps cookies and sends the form token."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        page = client.get("/login").text
        token = re.search(r'csrf-token" content="([^"]+)"', page)
        assert token is not None
        self.headers = {"x-csrftoken": token[1]}

    def sign_in(self, name: str, password: str = PASSWORD):
        body = {"name": name, "password": password}
        return self.send("POST", "/api/login", body)

    def send(self, method: str, path: str, body=None):
        return self.client.request(
            method, path, json=body if body is not None else {}, headers=self.headers,
            follow_redirects=False,
        )  # fmt: skip


@pytest.fixture
def visit(app: Litestar) -> Iterator:
    with BackgroundServer(app) as server, ExitStack() as stack:
        yield lambda: Visitor(stack.enter_context(httpx.Client(base_url=server.url)))


def all_routes(app: Litestar) -> list[tuple[str, str]]:
    return [
        (method, re.sub(r"\{[^}]+\}", "1", route.path))
        for route in app.routes
        for method in route.methods
        if method != "OPTIONS" and not route.path.startswith(("/static", "/vendor"))
    ]


def test_no_route_shows_unfinished_work_of_others(app: Litestar, world: World, visit) -> None:
    ada, ben = visit(), visit()
    ada.sign_in("Ada")
    ben.sign_in("Ben")
    item = ada.send("POST", "/api/items/claim").json()["item"]
    ada.send("PUT", f"/api/items/{item}/draft", {"comment": "SECRETDRAFT"})
    for stage in ("draft", "submitted"):
        if stage == "submitted":
            review = {
                "verdict": "correct", "error_kind": "unsafe", "corrected_response": "SECRETTEXT",
                "comment": "SECRETCOMMENT", "answerable": "yes", **FIVE,
            }  # fmt: skip
            response = ada.send("POST", f"/api/items/{item}/review", review)
            assert response.json() == {"status": "submitted"}
        for method, path in all_routes(app):
            if method == "GET":
                real = path.replace("/1", f"/{item}")
                assert "SECRET" not in ben.send("GET", real).text, real
        assert ben.send("GET", f"/api/items/{item}").status_code == 404
        assert ben.send("GET", f"/review/{item}").status_code == 404
        for route in ("draft", "heartbeat", "review", "flag", "resolution", "adjudication"):
            bodies = {
                "review": {"verdict": "accept", **FIVE},
                "flag": {"reason": "x"},
                "resolution": {"verdict": "accept"},
                "adjudication": {"verdict": "accept", "cause": "ambiguous"},
            }
            method = "PUT" if route == "draft" else "POST"
            response = ben.send(method, f"/api/items/{item}/{route}", bodies.get(route))
            assert response.status_code == 404, route


def test_leads_only(visit, world: World) -> None:
    ada = visit()
    ada.sign_in("Ada")
    assert ada.send("GET", "/progress").status_code == 403
    assert ada.send("POST", "/decisions/1/confirm").status_code == 403
    lea = visit()
    lea.sign_in("Lea")
    assert lea.send("GET", "/progress").status_code == 200


def test_sessions_and_forms_survive_a_restart(world: World, visit) -> None:
    ada = visit()
    ada.sign_in("Ada")
    second = create_app(world.engine, Settings(), Secrets())
    with (
        BackgroundServer(second) as server,
        httpx.Client(base_url=server.url, cookies=ada.client.cookies) as client,
    ):
        response = client.post("/api/items/claim", headers=ada.headers)
    assert response.status_code == 200


def test_invalid_bodies_are_refused_with_their_field(visit) -> None:
    ada = visit()
    ada.sign_in("Ada")
    item = ada.send("POST", "/api/items/claim").json()["item"]
    response = ada.send(
        "POST", f"/api/items/{item}/review", {"verdict": "accept", **FIVE, "tone": 9}
    )
    assert response.status_code == 400
    assert response.json()["extra"][0]["key"] == "tone"


def test_health(world: World) -> None:
    now = [0.0]
    beat = Heartbeat("ingest", monotonic=lambda: now[0])
    app = create_app(
        world.engine, Settings(), Secrets(), heartbeats=[beat],
        readiness=[lambda: "the encoder isn't loaded"],
    )  # fmt: skip
    with TestClient(app) as client:
        assert client.get("/healthz").status_code == 200
        now[0] = 1000.0
        assert client.get("/healthz").status_code == 503
        response = client.get("/readyz")
        assert response.status_code == 503
        assert "the encoder isn't loaded" in response.json()["problems"]
        assert "driftwarden_records_read" in client.get("/metrics").text


def test_error_pages_keep_the_navigation(visit) -> None:
    ada = visit()
    ada.sign_in("Ada")
    for path, status in (("/progress", 403), ("/review/9999", 404)):
        page = ada.send("GET", path)
        assert status == page.status_code
        assert '<nav aria-label="Main">' in page.text
        assert "Sign out" in page.text


def navigation_of(page: str) -> list[str]:
    """Return the addresses of the navigation."""
    return [at for nav in re.findall(r"<nav .*?</nav>", page, re.DOTALL) for at in links(nav)]


def test_the_navigation_of_a_reviewer_leads_somewhere(world: World, visit) -> None:
    ada = visit()
    ada.sign_in("Ada")
    addresses = navigation_of(ada.send("GET", "/review").text)
    for page in ("/runbooks", "/account", "/submitted"):
        addresses += navigation_of(ada.send("GET", page).text)
    assert {"/runbooks", "/submitted"} <= set(addresses)
    assert {200} == {ada.send("GET", address).status_code for address in set(addresses)}
    refused = ada.send("GET", "/models")
    assert refused.status_code == 403
    assert "/models" not in navigation_of(refused.text)
    with transaction(world.engine) as connection:
        connection.execute(update(ReviewItem).values(status="gold"))
    assert {"/overview", "/drift-evaluations", "/models"} <= set(
        navigation_of(ada.send("GET", "/review").text)
    )


def test_entries_of_findings_are_those_that_may_be_withheld(app: Litestar) -> None:
    routes = {route.path: route for route in app.routes}
    for entry in (entry for entries in GROUPS.values() for entry in entries):
        opt = routes[entry.path].route_handler_map["GET"][0].opt
        withheld = opt.get(FINDINGS, True) and opt[AUDIENCE] == Audience.REVIEWERS
        assert entry.has_findings == withheld, entry.path


def test_users_are_refused_to_reviewers_by_their_role(visit) -> None:
    ada = visit()
    ada.sign_in("Ada")
    refused = ada.send("GET", "/users")
    assert refused.status_code == 403
    assert "leads and admins" in refused.text


def test_the_queue_stays_reachable_from_a_held_item(visit) -> None:
    ada, ben = visit(), visit()
    ada.sign_in("Ada")
    ben.sign_in("Ben")
    disputed = ada.send("POST", "/api/items/claim").json()["item"]
    assert disputed == ben.send("POST", "/api/items/claim").json()["item"]
    reject = {"verdict": "reject", "error_kind": "unsafe", "answerable": "yes", **FIVE}
    ada.send("POST", f"/api/items/{disputed}/review", {"verdict": "accept", **FIVE})
    ben.send("POST", f"/api/items/{disputed}/review", reject)
    held = ada.send("POST", "/api/items/claim").json()["item"]
    queue = ada.send("GET", "/review")
    assert queue.status_code == 200
    assert {f"/review/{held}", f"/review/{disputed}"} <= set(links(queue.text))
    item = ada.send("GET", f"/review/{held}").text
    assert {"/review", "/review#waiting"} <= set(links(item))
    place, total = re.findall(r'class="muted place">Batch \d+: (\d+) of (\d+)', item)[0]
    assert (int(place), int(total) - count_waiting(queue.text)) == (2, 1)
    assert "/review" in links(ada.send("GET", f"/review/{disputed}").text)


def test_the_place_is_that_of_the_users_own_reviews(visit) -> None:
    ada, ben = visit(), visit()
    ada.sign_in("Ada")
    ben.sign_in("Ben")
    for _ in range(3):
        item = ada.send("POST", "/api/items/claim").json()["item"]
        ada.send("POST", f"/api/items/{item}/review", {"verdict": "accept", **FIVE})
    held = [visitor.send("POST", "/api/items/claim").json()["item"] for visitor in (ada, ben)]
    places = [
        re.findall(
            r'class="muted place">Batch \d+: (\d+) of (\d+)',
            visitor.send("GET", f"/review/{at}").text,
        )
        for visitor, at in zip((ada, ben), held, strict=True)
    ]
    (mine, my_total), (theirs, their_total) = places[0][0], places[1][0]
    assert (mine, theirs) == ("4", "1")
    assert my_total == their_total


def test_adjudicators_of_a_discussion_cannot_read_it(visit) -> None:
    ada, ben, lea, cleo = (visit() for _ in range(4))
    for visitor, name in ((ada, "Ada"), (ben, "Ben"), (lea, "Lea"), (cleo, "Cleo")):
        visitor.sign_in(name)
    item = ada.send("POST", "/api/items/claim").json()["item"]
    ben.send("POST", "/api/items/claim")
    reject = {"verdict": "reject", "error_kind": "unsafe", "answerable": "yes", **FIVE}
    ada.send("POST", f"/api/items/{item}/review", {"verdict": "accept", **FIVE, "comment": "FINE"})
    ben.send("POST", f"/api/items/{item}/review", {**reject, "comment": "AWFUL"})
    ada.send("POST", f"/api/items/{item}/messages", {"text": "ARGUMENT"})
    view = lea.send("GET", f"/api/items/{item}").json()
    assert (view["reviews"], view["discussion"], view["proposals"]) == ([], [], [])
    page = lea.send("GET", f"/review/{item}").text
    assert not [word for word in ("FINE", "AWFUL", "ARGUMENT") if word in page]
    assert cleo.send("GET", f"/review/{item}").status_code == 404
    ada.send("POST", f"/api/items/{item}/escalation")
    page = cleo.send("GET", f"/review/{item}").text
    assert [word for word in ("FINE", "AWFUL", "ARGUMENT") if word not in page] == []
    assert "Ben" not in page


def links(page: str) -> list[str]:
    return re.findall(r'href="([^"]+)"', page)


def count_waiting(page: str) -> int:
    return int(re.findall(r"<h1>(\d+) items? (?:is|are) waiting", page)[0])
