"""The page, as people use it: two browsers, a keyboard, a real server."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from sqlalchemy import Engine

from monitor.review.web.app import create_app
from monitor.review.web.server import BackgroundServer
from monitor.settings import Secrets, Settings
from monitor.store.engine import transaction
from monitor.store.leases import lease_of
from monitor.store.review_items import items_of_batches
from monitor.store.reviews import gold_of_batches, reviews_of
from tests.services.requirement import program
from tests.services.review_world import PASSWORD, World, make_world

pytestmark = pytest.mark.browser

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = program("chromium", "`apt-get install chromium`")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture
def world(engine: Engine, clock: datetime) -> World:
    return make_world(engine, clock)


@pytest.fixture
def url(world: World) -> Iterator[str]:
    with BackgroundServer(create_app(world.engine, Settings(), Secrets())) as server:
        yield server.url


@pytest.fixture
def sign_in(browser: Browser, url: str) -> Iterator[Callable[[str], Page]]:
    """Return a function that signs a person in, in a browser of their own."""
    problems: list[str] = []
    with ExitStack() as stack:

        def open_page(name: str) -> Page:
            context = browser.new_context(viewport={"width": 1440, "height": 900})
            stack.callback(context.close)
            page = context.new_page()
            page.on("pageerror", lambda error: problems.append(str(error)))
            page.on(
                "console",
                lambda m: problems.append(m.text) if "Content Security" in m.text else None,
            )
            page.goto(url)
            page.get_by_label("Name").fill(name)
            page.get_by_label("Password").fill(PASSWORD)
            page.keyboard.press("Enter")
            page.wait_for_url("**/review")
            return page

        yield open_page
    assert [] == problems, "the page's own scripts failed, or broke its own policy"


def start(page: Page) -> int:
    page.get_by_role("button", name="Start reviewing").click()
    page.wait_for_url(re.compile(r"/review/\d+$"))
    return int(page.url.rsplit("/", 1)[1])


def leave(page: Page) -> None:
    with page.expect_navigation(url=re.compile(r"/review(/\d+)?$")):
        page.keyboard.press("Control+Enter")


def test_a_full_review_by_keyboard_alone(world: World, sign_in: Callable[[str], Page]) -> None:
    page = sign_in("Ada")
    # A slow machine gives the button its focus only some time after the page has loaded.
    expect(page.get_by_role("button", name="Start reviewing")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/review/\d+$"))
    first = int(page.url.rsplit("/", 1)[1])
    page.keyboard.press("a")
    leave(page)
    second = int(page.url.rsplit("/", 1)[1])
    assert first != second

    for key in "4325":
        page.keyboard.press(key)
    page.keyboard.press("e")
    page.keyboard.type(" Please call us at once.")
    expect(page.locator("#diff ins")).to_contain_text("Please call us at once.")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#problem")).to_have_text("Say which kind of error it is.")
    page.keyboard.press("ArrowUp")  # from the editor to the kinds
    page.keyboard.press("ArrowUp")
    page.locator(".kind input").first.focus()
    page.keyboard.press("Space")
    leave(page)

    with transaction(world.engine) as connection:
        accepted, corrected = reviews_of(connection, [first, second])
    assert ("accept", 5) == (accepted.verdict, accepted.accuracy)
    assert "correct" == corrected.verdict
    assert (4, 3, 2, 5) == (
        corrected.accuracy,
        corrected.completeness,
        corrected.tone,
        corrected.compliance,
    )
    assert corrected.corrected_response.endswith("Please call us at once.")
    assert "knowledge" == corrected.error_kind


def test_the_diff_gives_back_both_texts(world: World, sign_in: Callable[[str], Page]) -> None:
    page = sign_in("Ada")
    script = """async ([before, after]) => {
        const { diffWords } = await import("/static/diff.js");
        return diffWords(before, after);
    }"""
    pairs = [
        ("a b c", "a x c"),
        ("", "new"),
        ("one two", ""),
        ("a b c d", "x y c z"),
        ("é 1", "é 2"),
    ]
    for before, after in pairs:
        parts = page.evaluate(script, [before, after])
        assert before == "".join(text for kind, text in parts if kind != "added")
        assert after == "".join(text for kind, text in parts if kind != "removed")
    assert [["removed", "a b"], ["added", "x y"], ["same", " c"]] == page.evaluate(
        script, ["a b c", "x y c"]
    )


def test_what_was_typed_survives_a_reload(world: World, sign_in: Callable[[str], Page]) -> None:
    page = sign_in("Ada")
    item = start(page)
    page.keyboard.press("e")
    page.keyboard.type(" Kept.")
    expect(page.locator("#saved")).to_have_text("Draft saved", timeout=4000)
    with transaction(world.engine) as connection:
        lease = lease_of(connection, item, world.people["Ada"])
    assert lease is not None
    assert lease.draft["corrected_response"].endswith(" Kept.")
    page.reload()
    expect(page.locator("#corrected")).to_have_value(re.compile(r" Kept\.$"))
    expect(page.locator("[name=verdict][value=correct]")).to_be_checked()


def test_skipping_flagging_and_help(world: World, sign_in: Callable[[str], Page]) -> None:
    page = sign_in("Ada")
    first = start(page)
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    with page.expect_navigation():
        page.keyboard.press("s")
    second = int(page.url.rsplit("/", 1)[1])
    assert first != second
    page.keyboard.press("f")
    page.locator("#flag-reason").fill("Personal data")
    with page.expect_navigation():
        page.locator("#flag button[value=flag]").click()
    with transaction(world.engine) as connection:
        items = {item.id: item for item in items_of_batches(connection, [world.batch_id])}
    assert ("flagged", "Personal data") == (items[second].status, items[second].excluded_reason)
    assert "queued" == items[first].status


def test_two_reviewers_disagree_talk_and_settle(
    world: World, sign_in: Callable[[str], Page]
) -> None:
    ada, ben = sign_in("Ada"), sign_in("Ben")
    item = start(ada)
    assert item == start(ben)
    ada.keyboard.press("a")
    ben.goto(ben.url)
    assert "Accept" not in ben.locator(".left").inner_text()
    leave(ada)
    answer = ben.request.get(f"{ben.url.split('/review')[0]}/api/items/{item}")
    assert [] == answer.json()["reviews"]

    ben.keyboard.press("x")
    ben.locator(".kind input[value=judgement]").check(force=True)
    for key in "2222":
        ben.keyboard.press(key)
    leave(ben)
    for page in (ada, ben):
        page.goto(page.url.split("/review")[0] + f"/review/{item}")
        expect(page.locator("h1")).to_have_text("You two see this differently")
        expect(page.locator(".votes .vote")).to_have_count(2)

    ben.locator("#resolution .segment.accept").click()
    ben.get_by_role("button", name=re.compile("^Propose")).click()
    expect(ben.get_by_text("You propose")).to_be_visible()
    ada.reload()
    ada.get_by_role("button", name="Agree").click()
    expect(ada.locator("h1")).to_have_text("Settled")
    with transaction(world.engine) as connection:
        (gold,) = gold_of_batches(connection, [world.batch_id])
        votes = [row.verdict for row in reviews_of(connection, [item])]
    assert ("accept", "discussed") == (gold.verdict, gold.resolution)
    assert ["accept", "reject"] == votes


def test_the_pages_of_a_lead(world: World, sign_in: Callable[[str], Page]) -> None:
    page = sign_in("Lea")
    base = page.url.split("/review")[0]
    page.goto(f"{base}/lead")
    expect(page.get_by_role("heading", name="items are settled")).to_be_visible()
    expect(page.get_by_text("No decision yet").first).to_be_visible()
    page.goto(f"{base}/evaluations/{world.evaluation_id}")
    expect(page.locator("h1")).to_contain_text("Customers ask about two things")
    expect(page.get_by_text("<script>alert(1)</script> is my wallet safe?")).to_be_visible()
    page.get_by_text("What these figures rest on").click()
    expect(page.get_by_role("cell", name="0.0123").first).to_be_visible()
    page.get_by_role("link", name="This report as one file").click()
    expect(page.locator("h1")).to_contain_text("Customers ask about two things")
    assert "null" == page.evaluate("window.origin")
    page.get_by_role("link", name="Evidently's report").click()
    page.wait_for_url("**/report?kind=evidently")
    assert "ran" == page.title()
    # Its own origin: the script ran, but can't see the session or the site.
    assert "null" == page.evaluate("window.origin")
    response = page.request.get(f"{base}/evaluations/{world.evaluation_id}/assessment.json")
    assert "drift" == response.json()["verdict"]
    for path in ("/evaluations", "/incidents", "/models"):
        page.goto(base + path)
        expect(page.locator("h1").first).to_be_visible()
    answer = page.goto(f"{base}/nothing-here")
    assert answer is not None
    assert 404 == answer.status
    expect(page.locator("h1")).to_have_text("Nothing here")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_overflows_on_a_tablet(
    world: World, browser: Browser, url: str, scheme: str, tmp_path: Path
) -> None:
    """Also writes screenshots where REVIEW_SCREENSHOTS names a folder."""
    folder = Path(os.environ.get("REVIEW_SCREENSHOTS", tmp_path))
    for width, height in ((1440, 900), (820, 1180)):
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme
        )
        page = context.new_page()
        page.goto(url)
        page.screenshot(path=folder / f"login-{scheme}-{width}.png")
        page.get_by_label("Name").fill("Lea")
        page.get_by_label("Password").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile("/review"))
        paths = ["/lead", f"/evaluations/{world.evaluation_id}", "/evaluations", "/review"]
        for path in paths:
            page.goto(url + path)
            if path == "/review":
                page.screenshot(path=folder / f"queue-{scheme}-{width}.png")
                if page.get_by_role("button", name="Start reviewing").count():
                    start(page)
                page.keyboard.press("e")
                page.keyboard.type(" Call us.")
                page.keyboard.press("Escape")
            name = path.strip("/").replace("/", "-")
            page.screenshot(path=folder / f"{name}-{scheme}-{width}.png", full_page=False)
            assert width >= page.evaluate("document.documentElement.scrollWidth"), path
        context.close()
