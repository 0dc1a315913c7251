"""Hostile texts in a real browser without the content policy, so that only escaping protects."""

from datetime import datetime
from functools import partial

import httpx
import pytest
from litestar import Litestar
from playwright.sync_api import Browser, BrowserContext
from sqlalchemy import Engine

from monitor.daemon.web_app import create_app
from monitor.settings import ModelSection, Secrets, Settings
from monitor.web.server import BackgroundServer
from tests.services.browser import give_session
from tests.support.review.review_world import World
from tests.support.web.hostile_texts import CANARY, CORPUS
from tests.support.web.hostile_world import (
    MODEL,
    make_hostile_world,
    rename_everybody,
    write_hostile_reviews,
)
from tests.support.web.route_table import Visitor, routes

pytestmark = pytest.mark.browser


@pytest.fixture
def world(engine: Engine, clock: datetime) -> World:
    return make_hostile_world(engine, clock)


@pytest.fixture
def app(world: World) -> Litestar:
    return create_app(world.engine, Settings(model=ModelSection(name=MODEL)), Secrets())


def test_no_page_runs_scripts_in_texts(browser: Browser, world: World, app: Litestar) -> None:
    fired: list[str] = []
    with BackgroundServer(app) as server:
        with (
            httpx.Client(base_url=server.url) as first,
            httpx.Client(base_url=server.url) as second,
        ):
            ada, ben = Visitor(first), Visitor(second)
            ada.sign_in("Ada")
            ben.sign_in("Ben")
            items = write_hostile_reviews(ada, ben)
        rename_everybody(world)
        contexts: dict[str, BrowserContext] = {}
        for name in ("Ada", "Cleo", "Lea"):
            contexts[name] = browser.new_context(bypass_csp=True)
            give_session(contexts[name], world.engine, server.url, world.users[name])
        probe = browser.new_context(bypass_csp=True).new_page()
        probe.expose_function(CANARY, lambda: fired.append("probe"))
        probe.set_content(CORPUS[2])
        probe.wait_for_timeout(300)
        assert fired == ["probe"], "the canary sings where a text is taken for markup"
        fired.clear()

        paths = {
            route.fill({"evaluation_id": world.evaluation_id, "item_id": item, "user_id": 1})
            for route in routes(app)
            for item in items.values()
            if route.method == "GET" and not route.is_api and "token" not in route.parameters
        }
        n_hostile = 0
        for name, context in contexts.items():
            page = context.new_page()
            page.expose_function(CANARY, partial(fired.append, name))
            page.on("dialog", lambda dialog: (fired.append(dialog.message), dialog.dismiss()))
            for path in sorted(paths):
                response = page.goto(server.url + path, wait_until="load")
                if response is not None and "text/html" in response.headers.get("content-type", ""):
                    page.wait_for_timeout(30)
                    n_hostile += CANARY in page.locator("body").inner_text()
            assert fired == [], name
        assert n_hostile > 10, "the hostile texts are on the pages"
