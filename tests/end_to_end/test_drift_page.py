"""Drift page and progress page in a browser: by mouse, by keyboard, without scripts."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Engine, delete

from monitor.daemon.web_app import create_app
from monitor.settings import Secrets, Settings
from monitor.store.engine import transaction
from monitor.store.tables import Exchange
from monitor.web.server import BackgroundServer
from tests.end_to_end.test_accessibility import AXE, RULES, violations
from tests.support.review.review_world import PASSWORD, World
from tests.support.windows.mapped_window import make_mapped_world

pytestmark = pytest.mark.browser


@pytest.fixture
def world(engine: Engine, clock: datetime) -> World:
    return make_mapped_world(engine, clock)


@pytest.fixture
def open_page(browser: Browser, world: World) -> Iterator[Callable[..., Page]]:
    """Return a function that opens a page as Lea."""
    problems: list[str] = []
    app = create_app(world.engine, Settings(), Secrets())
    with BackgroundServer(app) as server, ExitStack() as stack:

        def visit(path: str, **options) -> Page:
            context = browser.new_context(base_url=server.url, **options)
            stack.callback(context.close)
            token = context.request.get(f"{server.url}/login").text().split('csrf-token" content="')
            context.request.post(
                f"{server.url}/api/login",
                data={"name": "Lea", "password": PASSWORD},
                headers={"x-csrftoken": token[1].split('"')[0]},
            )
            page = context.new_page()
            page.on("pageerror", lambda error: problems.append(str(error)))
            page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
            page.goto(path)
            return page

        yield visit
    assert [] == problems


def drift_path(world: World) -> str:
    return f"/drift-evaluations/{world.evaluation_id}"


def test_click_on_a_topic_opens_its_examples(world: World, open_page) -> None:
    page = open_page(drift_path(world))
    examples = page.get_by_role("region", name="Examples")
    expect(page.get_by_text("Can I move my bitcoin to my own wallet?")).to_have_count(0)
    page.get_by_role("link", name="bitcoin, wallet, sold").click()
    expect(examples.get_by_text("Can I move my bitcoin to my own wallet?")).to_be_visible()
    expect(examples.get_by_text("<script>alert(1)</script> is my wallet safe?")).to_be_visible()
    expect(page.locator(".map")).to_have_class("map choosing")
    assert page.url.endswith("?topic=0")
    page.locator(".label .name").first.click()
    expect(examples.get_by_role("heading", level=3)).to_contain_text("bitcoin")
    page.reload()
    expect(examples.get_by_text("Can I move my bitcoin to my own wallet?")).to_be_visible()


def test_topic_opens_by_keyboard(world: World, open_page) -> None:
    page = open_page(drift_path(world))
    link = page.get_by_role("link", name="bitcoin, wallet, sold")
    for _ in range(60):
        page.keyboard.press("Tab")
        if link.evaluate("node => node === document.activeElement"):
            break
    expect(link).to_be_focused()
    expect(page.locator(".dots.active")).to_have_attribute("data-topic", "0")
    page.keyboard.press("Enter")
    heading = page.get_by_role("region", name="Examples").get_by_role("heading", level=3)
    expect(heading).to_contain_text("bitcoin, wallet, sold")
    expect(heading).to_be_focused()


def test_a_dot_is_read_where_it_lies(world: World, open_page) -> None:
    page = open_page(drift_path(world))
    path = page.locator(".dots[data-topic='0']").get_attribute("d")
    assert path is not None
    x, y = (float(number) for number in path.split("h0")[0][1:].split())
    drawing = page.locator(".dotted")
    drawing.scroll_into_view_if_needed()
    box = drawing.bounding_box()
    assert box is not None
    scale = box["width"] / 760
    page.mouse.move(box["x"] + x * scale, box["y"] + y * scale)
    expect(page.locator(".pointed")).to_have_attribute("visibility", "visible")
    page.mouse.click(box["x"] + x * scale, box["y"] + y * scale)
    examples = page.get_by_role("region", name="Examples")
    expect(examples.get_by_role("heading", level=3)).to_contain_text(
        "Prompt of the window, on “bitcoin, wallet, sold”"
    )
    expect(examples.get_by_text("Nearest on the map")).to_be_visible()


def test_dot_of_a_deleted_exchange_shows_its_deletion(world: World, open_page) -> None:
    page = open_page(drift_path(world))
    with transaction(world.engine) as connection:
        connection.execute(delete(Exchange).where(Exchange.baseline_id.is_not(None)))
    drawing = page.locator(".dotted")
    drawing.scroll_into_view_if_needed()
    path = page.locator(".dots.before").get_attribute("d")
    box = drawing.bounding_box()
    assert path is not None
    assert box is not None
    x, y = (float(number) for number in path.split("h0")[0][1:].split())
    scale = box["width"] / 760
    page.mouse.click(box["x"] + x * scale, box["y"] + y * scale)
    examples = page.get_by_role("region", name="Examples")
    heading = examples.get_by_role("heading", level=3)
    expect(heading).to_have_text("Exchange deleted")


def test_map_works_without_a_script(world: World, open_page) -> None:
    page = open_page(drift_path(world), java_script_enabled=False)
    expect(page.locator(".dotted")).to_be_visible()
    page.get_by_role("link", name="bitcoin, wallet, sold").click()
    expect(page.get_by_text("Can I move my bitcoin to my own wallet?")).to_be_visible()
    page.get_by_role("link", name="26 Oct \N{EN DASH} 1 Nov 2026: ").click()
    expect(page.locator("h1")).to_contain_text("Customers ask about two things")


@pytest.mark.parametrize("width", [360, 834, 1440])
def test_anybody_can_read_it(world: World, open_page, width: int) -> None:
    """Check for overflow and with axe; take screenshots if REVIEW_SCREENSHOTS names a folder."""
    folder = os.environ.get("REVIEW_SCREENSHOTS")
    page = open_page("/progress", viewport={"width": width, "height": 900}, reduced_motion="reduce")
    page.context.add_init_script(path=str(AXE))
    for name, path in (("drift", drift_path(world) + "?topic=0"), ("lead", "/progress")):
        page.goto(path)
        assert width >= page.evaluate("document.documentElement.scrollWidth"), path
        for scheme in RULES:
            assert [] == violations(page, scheme)
            if folder:
                shot = Path(folder) / f"{name}-{scheme}-{width}.png"
                page.screenshot(path=shot, full_page=True)


def test_load_time_of_the_page_is_recorded(world: World, open_page, record_property) -> None:
    page = open_page(drift_path(world))
    timing = page.evaluate("performance.getEntriesByType('navigation')[0].toJSON()")
    record_property("load_ms", round(timing["loadEventEnd"]))
    record_property("bytes", timing["decodedBodySize"])
    print(f"\ndrift page: {timing['loadEventEnd']:.0f} ms, {timing['decodedBodySize']:,} bytes")
    assert timing["decodedBodySize"] < 250_000
