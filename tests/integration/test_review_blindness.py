"""Blindness of reviews: until both are submitted, no route reveals the other reviewer's work.

The routes are those of the application's own table, so that new routes are included.
"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from litestar import Litestar, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.testing import TestClient
from sqlalchemy import Engine, func, select

from monitor.daemon import web_app as product
from monitor.review.items.blind_review import REVIEWS
from monitor.review.items.verdicts import ReviewInput
from monitor.settings import Secrets, Settings
from monitor.store.accounts.users import UserRow
from monitor.store.engine import transaction
from monitor.store.review.reviews import reviews_of
from monitor.store.tables import AuditEntry, Review
from tests.support.review.review_world import PASSWORD, World, make_world
from tests.support.web.apps import create_app
from tests.support.web.route_walk import MARK, Request, leaks, requests_to

MARKED = ReviewInput(
    verdict="reject",
    accuracy=1,
    completeness=2,
    tone=1,
    compliance=2,
    error_kind="unsafe",
    answerable="needs_judgement",
    corrected_response=f"{MARK} text",
    comment=f"{MARK} comment",
)
PLAIN = ReviewInput(verdict="accept", accuracy=5, completeness=5, tone=5, compliance=5)


@pytest.fixture
def world(engine: Engine, clock: datetime) -> World:
    return make_world(engine, clock, n=4)


@pytest.fixture
def make_app(world: World, clock: datetime) -> Callable[..., Litestar]:
    def make(*more: Any) -> Litestar:
        # Others must not be served by an application with a handler of this test.
        create = product.create_app if more else create_app
        app = create(world.engine, Settings(), Secrets(), clock=lambda: clock)
        for handler in more:
            app.register(handler)
        return app

    return make


def sign_in(name: str) -> Callable[[TestClient[Any]], dict[str, str]]:
    def enter(client: TestClient[Any]) -> dict[str, str]:
        result = re.search(r'csrf-token" content="([^"]+)"', client.get("/login").text)
        assert result is not None
        headers = {"x-csrftoken": result[1]}
        body = {"name": name, "password": PASSWORD}
        assert client.post("/api/login", json=body, headers=headers).is_success
        return headers

    return enter


class Peer:
    """Ben, whose work must stay hidden, and Ada, who sends requests; both on the same item."""

    def __init__(self, world: World, clock: datetime) -> None:
        self.world, self.clock = world, clock
        self.item = 0

    def claim(self, name: str) -> None:
        with transaction(self.world.engine) as connection:
            item = REVIEWS.claim_next(
                connection, self.world.users[name], self.clock, timedelta(minutes=20)
            )
        assert item is not None
        self.item = item

    def draft(self) -> None:
        draft = {"comment": f"{MARK} draft", "corrected_response": f"{MARK} half a text"}
        with transaction(self.world.engine) as connection:
            REVIEWS.save_draft(
                connection, self.item, self.world.rows["Ben"], draft, now=self.clock,
                lease=timedelta(minutes=20),
            )  # fmt: skip

    def submit(self, name: str = "Ben", review: ReviewInput = MARKED) -> None:
        with transaction(self.world.engine) as connection:
            REVIEWS.submit(connection, self.item, self.world.rows[name], review, self.clock)


def start(peer: Peer, stand: str) -> list[Callable[[], None]]:
    """Return the stages of the peer's work, from the requesting user's state."""
    peer.claim("Ben")
    if stand == "elsewhere":
        return [lambda: None, peer.draft, peer.submit]
    peer.claim("Ada")
    if stand == "submitted":
        peer.submit("Ada", PLAIN)
        return [lambda: None, peer.draft]  # with the peer's submission both are in
    return [lambda: None, peer.draft, peer.submit]


@pytest.mark.parametrize("stand", ["at work", "submitted", "elsewhere"])
def test_no_route_reveals_a_peers_review(
    make_app: Callable[..., Litestar], world: World, clock: datetime, stand: str
) -> None:
    app = make_app()
    peer = Peer(world, clock)
    stages = start(peer, stand)
    requests = requests_to(app, peer.item, ["Ben"])
    # A submission of one's own is where both are in; what it answers is looked at below.
    requests = [request for request in requests if not submits(request) and not signs_in(request)]
    assert 80 < len(requests)

    assert [] == leaks(app, world.engine, sign_in("Ada"), stages, requests)


def signs_in(request: Request) -> bool:
    """Return whether the response depends on remembered failed sign-ins."""
    return request.method == "POST" and request.path.split("?")[0] in {"/login", "/api/login"}


def submits(request: Request) -> bool:
    return request.method == "POST" and request.path.split("?")[0].endswith("/review")


def test_first_and_second_submission_get_the_same_response(
    make_app: Callable[..., Litestar], world: World, clock: datetime
) -> None:
    app = make_app()
    peer = Peer(world, clock)
    stages = start(peer, "at work")
    requests = [entry for entry in requests_to(app, peer.item, []) if submits(entry)]
    assert {"/review", f"/api/items/{peer.item}/review"} == {
        request.path.split("?")[0] for request in requests
    }

    assert [] == leaks(app, world.engine, sign_in("Ada"), stages, requests)


def test_requests_of_the_walk_change_state(
    make_app: Callable[..., Litestar], world: World, clock: datetime
) -> None:
    """The generated bodies cause changes; refused requests would prove nothing."""
    app = make_app()
    peer = Peer(world, clock)
    start(peer, "at work")
    with TestClient(app) as client:
        headers = sign_in("Ada")(client)
        for entry in requests_to(app, peer.item, []):
            if submits(entry) and entry.path.startswith("/api"):
                response = client.request(
                    entry.method, entry.path, json=entry.body, headers=headers
                )
                assert response.status_code in {200, 409}, response.text
    with transaction(world.engine) as connection:
        assert ["Ada"] == [row.reviewer for row in reviews_of(connection, [peer.item])]


@get("/api/items/{item_id:int}/others", sync_to_thread=True)
def shows_text(
    item_id: FromPath[int],
    user: NamedDependency[UserRow],
    engine: NamedDependency[Engine],
) -> list[str]:
    with transaction(engine) as connection:
        return [row.comment for row in reviews_of(connection, [item_id])]


@get("/api/activity", sync_to_thread=True)
def shows_count(
    user: NamedDependency[UserRow],
    engine: NamedDependency[Engine],
) -> int:
    with transaction(engine) as connection:
        count = select(func.count()).select_from(Review)
        return int(connection.execute(count).scalar_one())


@get("/api/last", sync_to_thread=True)
def shows_sequence(
    user: NamedDependency[UserRow],
    engine: NamedDependency[Engine],
) -> dict[str, int]:
    with transaction(engine) as connection:
        last = connection.execute(select(func.max(AuditEntry.id))).scalar_one()
    return {"entry": int(last)}


def test_a_route_that_leaks_is_found(
    make_app: Callable[..., Litestar], world: World, clock: datetime
) -> None:
    app = make_app(shows_text, shows_count, shows_sequence)
    peer = Peer(world, clock)
    stages = start(peer, "at work")
    requests = [
        entry for entry in requests_to(app, peer.item, ["Ben"]) if entry.method == "GET" and
        entry.path.startswith("/api/")
    ]  # fmt: skip

    result = leaks(app, world.engine, sign_in("Ada"), stages, requests)

    problems = {
        f"/api/items/{peer.item}/others": "shows the peer's work",
        "/api/activity": "responds differently at stage 2",
        "/api/last": "responds differently at stage 2",
    }
    assert [path for path in problems if not any(path in entry for entry in result)] == []
    for entry in result:
        assert any(path in entry and problem in entry for path, problem in problems.items()), entry
