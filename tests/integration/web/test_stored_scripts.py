"""Hostile texts on every page of the route table."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta

import httpx
import pytest
from litestar import Litestar
from sqlalchemy import Engine

from monitor.review.human_evaluation.locking import lock_human_evaluation
from monitor.review.human_evaluation.rating import RatingQueue
from monitor.settings import ModelSection, Secrets, Settings
from monitor.settings.evaluation_file import HumanEvaluationPlan
from monitor.store.engine import transaction
from monitor.web.server import BackgroundServer
from tests.support.present import utc_now
from tests.support.review.human_evaluation import make_human_evaluation, rate_all, rows
from tests.support.review.review_world import World
from tests.support.web.apps import create_app
from tests.support.web.hostile_texts import ALL, CANARY, CORPUS, markup_in
from tests.support.web.hostile_world import (
    MODEL,
    make_hostile_world,
    rename_everybody,
    write_hostile_reviews,
)
from tests.support.web.route_table import Visitor, routes

NAMES = ("Ada", "Ben", "Cleo", "Lea")


@pytest.fixture
def world(engine: Engine, clock: datetime) -> World:
    return make_hostile_world(engine, clock)


@pytest.fixture
def app(world: World) -> Litestar:
    settings = Settings(model=ModelSection(name=MODEL))
    return create_app(world.engine, settings, Secrets())


@pytest.fixture
def browsers(app: Litestar) -> Iterator[dict[str, Visitor]]:
    with BackgroundServer(app) as server, ExitStack() as stack:
        browsers = {}
        for name in NAMES:
            browsers[name] = Visitor(
                stack.enter_context(httpx.Client(base_url=server.url, timeout=60))
            )
            assert browsers[name].sign_in(name).status_code == 200
        yield browsers


@pytest.mark.parametrize("text", [text for text in CORPUS if "7*7" not in text])
def test_an_unescaped_page_is_detected(text: str) -> None:
    page = f'<p>{text}</p><a href="{text}">x</a><b title=\'{text}\'>x</b><i title="{text}">x</i>'
    assert markup_in(page)


def hostile_human_evaluations(world: World, clock: datetime) -> tuple[int, int]:
    """Make an open human evaluation with an assignment of Ada, and a locked one."""
    responses = [
        {
            **row,
            "task_type": ALL,
            "benchmark": ALL,
            "messages": [{"role": "user", "content": ALL}],
            "response": f"{ALL} {row['by']}",
            "by": f"{row['by']} {ALL}",
        }
        for row in rows(2)
    ]
    dimensions = ("accuracy", ALL)
    plan = HumanEvaluationPlan(sample_size=2, dimensions=dimensions)
    at_work, locked = (
        make_human_evaluation(world.engine, clock, plan=plan, inputs=responses) for _ in range(2)
    )
    scores = {row["by"]: dict.fromkeys(dimensions, 3) for row in responses}
    rate_all(world.engine, locked, world.users["Ben"], clock, scores)
    with transaction(world.engine) as connection:
        assert RatingQueue(at_work).claim_next(
            connection, world.users["Ada"], utc_now(), timedelta(minutes=20)
        )
        lock_human_evaluation(connection, locked, world.rows["Lea"], clock, allow_missing=True)
    return at_work, locked


def test_no_page_renders_text_as_markup(
    app: Litestar, world: World, clock: datetime, browsers: dict[str, Visitor]
) -> None:
    items = write_hostile_reviews(browsers["Ada"], browsers["Ben"])
    rename_everybody(world)
    human_evaluations = hostile_human_evaluations(world, clock)
    paths: set[str] = set()
    for number, item in enumerate(items.values()):
        ids = {"evaluation_id": world.evaluation_id, "user_id": world.users["Ada"]}
        ids["human_evaluation_id"] = human_evaluations[number % len(human_evaluations)]
        values = {**ids, "item_id": item, "token": "x"}
        paths |= {route.fill(values) for route in routes(app) if route.method == "GET"}
    pages: dict[str, str] = {}
    for path in sorted(paths):
        for name, browser in browsers.items():
            reply = browser.get(path)
            if reply.headers.get("content-type", "").startswith("text/html"):
                pages[f"{name} {path}"] = reply.text
            else:
                kind = reply.headers.get("content-type", "application/json")
                assert kind.startswith(("application/json", "text/plain")), path
    assert len(pages) > 40
    hostile_pages = [page for page in pages.values() if CANARY in page]
    assert len(hostile_pages) > 15, "the hostile texts are on the pages"
    for where, page in pages.items():
        assert markup_in(page) == [], where
        assert "7777777" not in page, where


def test_no_form_response_renders_text_as_markup(browsers: dict[str, Visitor]) -> None:
    lea, visitor = browsers["Lea"], browsers["Ada"]
    visitor.send("POST", "/logout")
    visitor.renew_token()
    replies = [
        visitor.post("/login", {"name": ALL, "password": "x", "next": ALL}),
        visitor.get("/login", params={"next": ALL}),
        visitor.get(f"/welcome/{CORPUS[2]}".replace("/img", "img")),
        visitor.get("/login/sso/callback", params={"error": ALL, "state": ALL}),
        lea.post("/users", {"name": ALL, "email": ALL, "role": "reviewer"}),
        lea.post("/users", {"name": "Zed", "role": ALL, "other_task_types": ALL}),
        lea.post("/users/1/role", {"role": ALL}),
        lea.post("/users/1/task-types", {"task_type": ALL}),
        lea.get("/users"),
        lea.get("/digest", params={"model": ALL}),
        lea.get(f"/nowhere/{CORPUS[2]}"),
    ]
    for reply in replies:
        assert reply.headers["content-type"].startswith("text/html"), reply.url
        assert markup_in(reply.text) == [], reply.url
