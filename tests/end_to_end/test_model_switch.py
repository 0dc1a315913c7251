"""The switch of models in a browser: by keyboard, by link, on a phone, and through a review."""

import re
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import Engine

from monitor.daemon.web_app import create_app
from monitor.settings import Configuration, Secrets
from monitor.store.engine import transaction
from monitor.store.model_history import carry_over
from monitor.web.server import BackgroundServer
from tests.end_to_end.test_accessibility import violations
from tests.end_to_end.test_users_page import AXE
from tests.support.present import utc_now
from tests.support.review.review_world import make_world
from tests.support.web.reviewer_actions import see
from tests.support.web.site import Site

pytestmark = pytest.mark.browser
NAME = "org/contract-analyst.v2 100%"
MODELS = {NAME: {}, "assistant": {}, "x" * 200: {}} | {f"router-{n}": {} for n in range(27)}
THEIRS = re.compile(r"/review/\d+\?model=org%2Fcontract-analyst.v2\+100%25$")


@pytest.fixture
def fleet(browser: Browser, engine: Engine) -> Iterator[Site]:
    now = utc_now().replace(microsecond=0)
    world = make_world(engine, now, n=6)
    with transaction(engine) as connection:
        carry_over(connection, "assistant", NAME, now)
    make_world(engine, now, n=6, weeks_ago=1, users=False)
    app = create_app(engine, Configuration(models=MODELS), Secrets())
    with BackgroundServer(app) as server, ExitStack() as stack:
        yield Site(server.url, world, browser, stack)


#: Each link of the navigation: its label, left, right, and whether a click there hits it.
BOXES = """() => {
    scrollTo(0, 0);
    const links = document.querySelectorAll("nav[aria-label=Main] a, nav[aria-label=Pages] a");
    return [...links].map((link) => {
        const { left, right, top, bottom } = link.getBoundingClientRect();
        const hit = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
        return [link.textContent, left, right, hit === link];
    });
}"""


def test_the_switch_keeps_page_queue_and_address(fleet: Site) -> None:
    page = fleet.open("Lea", "/incidents")
    menu = page.locator(".switch")
    menu.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(menu.get_by_role("link", name=NAME)).to_be_visible()
    page.evaluate(AXE.read_text())
    assert violations(page) == []
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
    see(ada)
    with ada.expect_navigation(url=THEIRS):
        ada.keyboard.press("a")
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


def test_every_entry_of_the_navigation_is_in_view(fleet: Site) -> None:
    page = fleet.open("Lea", "/overview")
    for group in ("Overview", "Monitoring", "Review", "Models", "Access"):
        with page.expect_navigation():
            page.get_by_role("navigation", name="Main").get_by_role("link", name=group).click()
        for width in (320, 390, 800, 1024, 1280):
            page.set_viewport_size({"width": width, "height": 740})
            boxes = page.evaluate(BOXES)
            assert len(boxes) >= 5
            for label, left, right, is_hit in boxes:
                where = f"{label} of {page.url} at {width} px"
                assert is_hit, where
                assert left >= 0, where
                assert right <= width, where
        assert page.locator("[aria-current=page]").count() == 1
    reviewer = fleet.open("Ada", "/review")
    groups = reviewer.get_by_role("navigation", name="Main").get_by_role("link").all_inner_texts()
    assert groups == ["Overview", "Monitoring", "Review", "Models"]
    pages = reviewer.get_by_role("navigation", name="Pages").get_by_role("link").all_inner_texts()
    assert pages == ["Queue", "Submitted", "Human evaluation"]
