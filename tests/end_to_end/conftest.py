"""One browser per worker, one site per module, with the queue reset for each test."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser

from monitor.settings import Review, Secrets, Settings
from monitor.store.engine import make_engine
from monitor.store.tables import metadata
from monitor.web.app import create_app
from monitor.web.server import BackgroundServer
from tests.services.browser import chromium
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


@pytest.fixture(scope="module")
def shared_site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    engine = make_engine(f"sqlite:///{tmp_path_factory.mktemp('site') / 'site.db'}")
    metadata.create_all(engine)
    world = make_desk(engine, datetime.now(UTC).replace(microsecond=0))
    settings = Settings(review=Review(audit_share=1.0))
    with BackgroundServer(create_app(engine, settings, Secrets())) as server:
        yield Site(server.url, world, browser)
    engine.dispose()


@pytest.fixture
def site(shared_site: Site) -> Iterator[Site]:
    shared_site.reset()
    shared_site.problems.clear()
    with ExitStack() as stack:
        shared_site.stack = stack
        yield shared_site
    assert [] == shared_site.problems, "the page's own scripts failed, or broke its own policy"
