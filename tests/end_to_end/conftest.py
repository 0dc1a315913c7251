"""One browser per worker, one site per module, with the queue reset for each test."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from monitor.daemon.web_app import create_app
from monitor.settings import Review, Secrets, Settings
from monitor.web.server import BackgroundServer
from tests.services.browser import chromium
from tests.support.database_copy import database_copy
from tests.support.present import utc_now
from tests.support.review.review_world import World
from tests.support.web.site import Site
from tests.support.web.support_desk import make_desk


@pytest.fixture(scope="session")
def own_browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched
        asyncio._set_running_loop(launched._loop)  # to close it


@pytest.fixture(scope="module")
def browser(own_browser: Browser) -> Iterator[Browser]:
    """Return the worker's browser, without what other modules have opened.

    Playwright leaves its event loop as the thread's running one; other modules start their own.
    """
    asyncio._set_running_loop(own_browser._loop)
    yield own_browser
    for context in own_browser.contexts:
        context.close()
    asyncio._set_running_loop(None)


@pytest.fixture(scope="session")
def desk_template(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, World]:
    """Return a database with a support desk, to copy, and what is in it."""
    path = tmp_path_factory.mktemp("desk") / "desk.db"
    with database_copy(sqlite_template, path) as engine:
        return path, make_desk(engine, utc_now().replace(microsecond=0))


@pytest.fixture(scope="module")
def shared_site(
    browser: Browser, desk_template: tuple[Path, World], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    path, world = desk_template
    settings = Settings(review=Review(audit_share=1.0))
    with (
        database_copy(path, tmp_path_factory.mktemp("site") / "site.db") as engine,
        BackgroundServer(create_app(engine, settings, Secrets())) as server,
    ):
        yield Site(server.url, replace(world, engine=engine), browser)


@pytest.fixture
def site(shared_site: Site) -> Iterator[Site]:
    shared_site.reset()
    shared_site.problems.clear()
    with ExitStack() as stack:
        shared_site.stack = stack
        yield shared_site
    assert shared_site.problems == [], "the page's own scripts failed, or broke its own policy"
