"""Charts and tables at the width of a phone: nothing leaves its card, and what is cut says so."""

from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from monitor.store.engine import transaction
from tests.support.review.settled_items import JUDGEMENT, RIGHT, settle
from tests.support.web.site import Site

pytestmark = pytest.mark.browser

#: Texts and drawn parts of charts that end outside the card or frame that they are in.
OUTSIDE = """() => [...document.querySelectorAll("main svg :is(text, circle)")].filter((node) => {
    const frame = node.closest(".card, .windows-frame");
    for (let at = node; at && at !== frame; at = at.parentElement) {
        if (/auto|scroll/.test(getComputedStyle(at).overflowX)) return false;
    }
    const own = node.getBoundingClientRect(), outer = frame?.getBoundingClientRect();
    return outer && own.width && (own.left < outer.left - 1 || own.right > outer.right + 1);
}).map((node) => node.outerHTML.slice(0, 100))"""


def open_page(site: Site, path: str, width: int = 390) -> Page:
    viewport = {"width": width, "height": 844}
    return site.open("Lea", path, viewport=viewport, reduced_motion="reduce")


@pytest.fixture
def evaluation(site: Site) -> str:
    """Return the page of a drift evaluation with a low error rate, whose text had no place."""
    reviewers = (site.world.users["Ada"], site.world.users["Ben"])
    with transaction(site.engine) as connection:
        settle(
            connection, site.world.batch_id, reviewers,
            lambda number, _: RIGHT if number % 12 else JUDGEMENT, datetime.now(UTC),
        )  # fmt: skip
    return f"/drift-evaluations/{site.world.evaluation_id}"


def is_inside(node: Locator, frame: Any) -> bool:
    box = node.bounding_box()
    assert box is not None
    left, right = frame["x"], frame["x"] + frame["width"]
    return bool(left - 1 <= box["x"] and box["x"] + box["width"] <= right + 1)


def test_names_of_lanes_stay_in_sight(site: Site, evaluation: str) -> None:
    page = open_page(site, evaluation, 320)
    frame, chart = page.locator(".windows-frame"), page.locator(".windows-frame > .scroll")
    names = page.locator(".lane-names text")
    expect(names).to_have_count(3)
    for at in (0, -10_000):  # the newest windows, the oldest
        chart.evaluate("(chart, at) => (chart.scrollLeft = at)", at)
        for name in names.all():
            expect(name).to_be_visible()
            assert is_inside(name, frame.bounding_box()), name.text_content()
    expect(page.locator(".windows .lane").first).to_be_hidden()
    page.set_viewport_size({"width": 1280, "height": 844})
    expect(page.locator(".lane-names")).to_be_hidden()
    expect(page.locator(".windows .lane:visible")).to_have_count(3)


def test_no_chart_leaves_its_card(site: Site, evaluation: str) -> None:
    page = open_page(site, evaluation)
    for path in (evaluation, "/progress", "/digest"):
        page.goto(site.url + path)
        page.wait_for_load_state("networkidle")
        assert [] == page.evaluate(OUTSIDE), path
    page.goto(f"{site.url}/progress")
    expect(page.locator(".scale").first).to_be_visible()


def darkness(part: Locator, side: str) -> float:
    """Return how much darker a strip at a side of a part is than its middle, 0 to 255."""
    picture = Image.open(BytesIO(part.screenshot())).convert("L")
    width, height = picture.size
    # Between two lines of text, where nothing else is drawn.
    edge = width - 3 if side == "right" else 2
    inner = width - 22 if side == "right" else 21
    darker = [
        max(0, picture.getpixel((inner, y)) - picture.getpixel((edge, y))) for y in range(height)
    ]
    return float(sorted(darker)[height // 2])


def test_what_is_cut_has_a_shadow_until_its_end(site: Site, evaluation: str) -> None:
    page = open_page(site, evaluation)
    part = page.get_by_role("region", name="Descriptors and metrics")
    part.scroll_into_view_if_needed()
    assert part.evaluate("(part) => part.scrollWidth > part.clientWidth + 20")
    page.wait_for_timeout(200)
    assert darkness(part, "right") > 30
    assert darkness(part, "left") < 10
    part.evaluate("(part) => (part.scrollLeft = 10_000)")
    page.wait_for_timeout(200)
    assert darkness(part, "right") < 10
    assert darkness(part, "left") > 30
    page.set_viewport_size({"width": 1600, "height": 844})
    page.wait_for_timeout(200)
    expect(page.locator(".cut-left, .cut-right")).to_have_count(0)
