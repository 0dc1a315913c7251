"""Changes between responses, and the start of a run, in a browser."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Engine

from monitor.daemon.web_app import create_app
from monitor.settings import Secrets, Settings
from monitor.web.server import BackgroundServer
from tests.end_to_end.test_accessibility import AXE, NARROW, RULES, UNREADABLE, violations
from tests.services.browser import give_session
from tests.support.review.review_world import World
from tests.support.web.waiting_runs import make_run, row_of, taint
from tests.support.windows.mapped_window import make_changed_world

pytestmark = pytest.mark.browser


@pytest.fixture
def world(engine: Engine, clock: datetime) -> World:
    return make_changed_world(engine, clock)


@pytest.fixture
def open_page(browser: Browser, world: World) -> Iterator[Callable[..., Page]]:
    """Return a function that opens a page as Lea, with axe-core."""
    problems: list[str] = []
    with (
        BackgroundServer(create_app(world.engine, Settings(), Secrets())) as server,
        ExitStack() as stack,
    ):

        def visit(path: str, **options) -> Page:
            context = browser.new_context(base_url=server.url, reduced_motion="reduce", **options)
            stack.callback(context.close)
            give_session(context, world.engine, server.url, world.users["Lea"])
            context.add_init_script(path=str(AXE))
            page = context.new_page()
            page.on("pageerror", lambda error: problems.append(str(error)))
            page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
            page.goto(path)
            return page

        yield visit
    assert problems == []


def require_readable(page: Page) -> None:
    """Require WCAG 2.2 AA and no overflow, at 1280 and 390 px."""
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 844})
        page.evaluate("scrollTo(0, 0)")
        assert page.evaluate(UNREADABLE) == []
        if width == 390:
            assert violations(page, rules=NARROW) == []
        else:
            assert [text for scheme in RULES for text in violations(page, scheme)] == []


def test_the_page_shows_what_changed_between_responses(world: World, open_page) -> None:
    page = open_page(f"/drift-evaluations/{world.evaluation_id}")
    changed = page.locator(".responses")
    changed.get_by_text("Responses to similar prompts").click()
    expect(changed.locator(".whisker")).to_have_count(3)
    expect(changed.locator(".pairs > li")).to_have_count(2)
    window = changed.locator(".pairs .exchange > div:last-child").first
    expect(window).to_contain_text("I can't help with that.")
    baseline = changed.locator(".pairs .exchange > div:first-child").first
    expect(baseline).to_contain_text("Yes, up to 5,000 euros.")
    before, now = baseline.bounding_box(), window.bounding_box()
    assert before is not None
    assert now is not None
    assert abs(before["y"] - now["y"]) < 2 < now["x"] - before["x"], "side by side"
    expect(page.locator("figure.map")).to_have_count(1)
    expect(page.locator("figure.map.changes")).to_have_count(1)
    colours = {
        page.locator(f"path.change-{number}").evaluate("node => getComputedStyle(node).stroke")
        for number in range(6)
    }
    assert len(colours) == 6
    require_readable(page)


def test_a_dot_of_the_map_of_changes_shows_its_exchange(world: World, open_page) -> None:
    page = open_page(f"/drift-evaluations/{world.evaluation_id}")
    strongest = page.locator("path.change-5")
    numbers = str(strongest.get_attribute("data-points")).split()
    places = re.findall(r"M([\d.]+) ([\d.]+)h0", str(strongest.get_attribute("d")))
    assert len(numbers) == len(places) > 0
    with page.expect_response(lambda reply: "/points/" in reply.url) as read:
        page.locator(".dotted").scroll_into_view_if_needed()
        box = page.locator(".dotted").bounding_box()
        assert box is not None
        x, y = (float(number) * box["width"] / 760 for number in places[-1])
        page.mouse.click(box["x"] + x, box["y"] + y)
    assert read.value.url.rsplit("/", 1)[1] in numbers
    examples = page.get_by_role("region", name="Examples")
    expect(examples.get_by_role("heading", level=3)).to_contain_text("Prompt of the window")
    page.get_by_role("link", name="refused, sorry").click()
    expect(examples.get_by_text("I can't help with that.")).to_be_visible()


def test_bars_of_task_types_are_as_wide_as_their_shares(world: World, open_page) -> None:
    page = open_page(f"/drift-evaluations/{world.evaluation_id}")
    page.get_by_text("Task types", exact=True).click()
    header = page.get_by_role("columnheader", name=re.compile("baseline, window")).inner_text()
    end = float(str(re.search(r"0 to ([\d.]+)%", header)[1]))  # type: ignore[index]
    for row in page.get_by_role("region", name="Task types").locator("tbody tr").all():
        stated = [float(cell.rstrip("%")) for cell in row.locator("td.n").all_inner_texts()]
        whole = row.locator("svg.shares").bounding_box()
        assert whole is not None
        for share, bar in zip(stated, ("before", "now"), strict=True):
            drawn = row.locator(f"rect.{bar}").evaluate("n => n.getBoundingClientRect().width")
            assert drawn / whole["width"] == pytest.approx(share / end, abs=0.02)


def test_a_lead_starts_a_run_after_reading_what_it_does(
    world: World, open_page, clock: datetime, tmp_path: Path
) -> None:
    run = make_run(world, clock, tmp_path)
    page = open_page(f"/runs/{run}")
    page.get_by_role("link", name="Start this run").click()
    for figure in ("lora", "a/base", "1,234 examples", "at most 3.2 GiB"):
        expect(page.locator(".outlook")).to_contain_text(figure)
    require_readable(page)
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_text("Lea requested the start")).to_be_visible()
    require_readable(page)
    assert row_of(world, run).start_request is not None


def test_a_tainted_run_asks_for_a_reason(
    world: World, open_page, clock: datetime, tmp_path: Path
) -> None:
    run = make_run(world, clock, tmp_path, "cancelled")
    taint(world, run, clock)
    page = open_page(f"/runs/{run}/start")
    require_readable(page)
    page.get_by_role("button", name="Resume").click()
    assert row_of(world, run).start_request is None
    page.get_by_label("Reason").fill("a greeting")
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("Lea requested the resumption")).to_be_visible()
