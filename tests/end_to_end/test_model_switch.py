"""The switch of models in a browser: by keyboard, by link, on a phone, and through a review."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Engine

from monitor.settings import Configuration, Secrets
from monitor.store.engine import transaction
from monitor.store.model_history import carry_over
from monitor.web.app import create_app
from monitor.web.server import BackgroundServer
from tests.end_to_end.test_accessibility import violations
from tests.end_to_end.test_users_page import AXE
from tests.support.review.review_world import make_world
from tests.support.web.site import Site

pytestmark = pytest.mark.browser
NAME = "org/contract-analyst.v2 100%"
MODELS = {NAME: {}, "assistant": {}, "x" * 200: {}} | {f"router-{n}": {} for n in range(27)}
THEIRS = re.compile(r"/review/\d+\?model=org%2Fcontract-analyst.v2\+100%25$")


@pytest.fixture
def fleet(browser: Browser, engine: Engine) -> Iterator[Site]:
    now = datetime.now(UTC).replace(microsecond=0)
    world = make_world(engine, now, n=6)
    with transaction(engine) as connection:
        carry_over(connection, "assistant", NAME, now)
    make_world(engine, now, n=6, weeks_ago=1, users=False)
    app = create_app(engine, Configuration(models=MODELS), Secrets())
    with BackgroundServer(app) as server, ExitStack() as stack:
        yield Site(server.url, world, browser, stack)


def test_the_switch_keeps_page_queue_and_address(fleet: Site) -> None:
    page = fleet.open("Lea", "/incidents")
    menu = page.locator(".switch")
    menu.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(menu.get_by_role("link", name=NAME)).to_be_visible()
    page.evaluate(AXE.read_text())
    assert [] == violations(page)
    page.keyboard.press("Escape")
    expect(menu.get_by_role("link", name=NAME)).to_be_hidden()
    menu.locator("summary").click()
    menu.get_by_role("link", name=NAME).click()
    expect(menu.locator("summary")).to_have_text(f"Model: {NAME}")
    assert page.url.startswith(f"{fleet.url}/incidents?model=")

    # Another user opens the same address, and then the pages of that model.
    ada = fleet.open("Ada", page.url.removeprefix(fleet.url))
    expect(ada.locator(".switch summary")).to_have_text(f"Model: {NAME}")
    ada.get_by_role("link", name="Review", exact=True).click()
    ada.get_by_role("button", name=re.compile("^Start")).click()
    ada.wait_for_url(THEIRS)
    first = ada.url
    ada.keyboard.press("a")
    with ada.expect_navigation(url=THEIRS):
        ada.keyboard.press("Control+Enter")
    assert ada.url != first

    # From one object the switch leads to the list of its kind.
    page.goto(f"{fleet.url}/drift-evaluations/{fleet.world.evaluation_id}")
    expect(menu.locator("summary")).to_have_text(f"Model: {NAME}")
    menu.locator("summary").click()
    menu.get_by_role("link", name="assistant").click()
    page.wait_for_url(f"{fleet.url}/drift-evaluations?model=assistant")
    assert not fleet.problems


def test_thirty_models_fit_on_a_phone(fleet: Site) -> None:
    page = fleet.open("Lea", "/overview", viewport={"width": 360, "height": 740})
    expect(page.get_by_role("rowheader")).to_have_count(30)
    page.goto(f"{fleet.url}/drift-evaluations?model={'x' * 200}")
    page.locator(".switch summary").click()
    wide = "document.documentElement.scrollWidth > innerWidth"
    assert not page.evaluate(wide)
    header = page.locator(".topbar").bounding_box()
    assert header is not None
    assert header["height"] <= 100
    box = page.locator(".switch ul").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 360
    for path in ("/models", "/users"):  # the current page is in view of the navigation
        page.goto(fleet.url + path)
        assert is_in_view(page, "[aria-current]")
    ada = fleet.open("Ada", "/incidents", viewport={"width": 1200, "height": 740})
    assert is_in_view(ada, "a:first-child")
    assert is_in_view(ada, "a:last-child")


def is_in_view(page: Page, link: str) -> bool:
    """Return whether a link of the navigation lies within it."""
    edges = """a => [a, a.parentElement].map(e => e.getBoundingClientRect())
        .flatMap(box => [box.left, box.right])"""
    left, right, first, last = page.locator(f".topbar nav {link}").evaluate(edges)
    return bool(first <= left and right <= last)
