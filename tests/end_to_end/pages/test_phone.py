"""Charts and tables at the width of a phone: nothing leaves its card, and what is cut says so."""

import re
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import select, update

from monitor.alerts.incidents import note
from monitor.alerts.looks import handle_look
from monitor.settings import Alerts
from monitor.store.engine import transaction
from monitor.store.tables import Exchange
from monitor.store.windows.looks import LookFinding, mark_look_followed_up, save_look
from tests.support.present import utc_now
from tests.support.review.settled_items import JUDGEMENT, RIGHT, settle
from tests.support.traffic.stored_traffic import store_traffic
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
            lambda number, _: RIGHT if number % 12 else JUDGEMENT, utc_now(),
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
        assert page.evaluate(OUTSIDE) == [], path
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


def test_wide_table_has_a_shadow_until_scrolled_to_its_end(site: Site, evaluation: str) -> None:
    page = open_page(site, evaluation)
    page.get_by_text("Descriptors of prompts and responses").click()
    part = page.get_by_role("region", name="Descriptors of the responses")
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


@pytest.fixture
def incident(site: Site) -> int:
    """Return an incident of two looks, with long examples, 30 notes and as many messages."""
    now = utc_now()
    store_traffic(site.engine, now - timedelta(hours=12), 5, seed=9, days=0.4, model="desk")
    with transaction(site.engine) as connection:
        of_model = Exchange.model == "desk"
        long_text = {"prompt": "Where is my parcel? " * 40, "response": "It is on its way. " * 40}
        connection.execute(update(Exchange).where(of_model).values(**long_text))
        examples = connection.execute(select(Exchange.id).where(of_model)).scalars().all()
        for hours, names in ((1, ("csat", "resolved")), (0, ("csat", "resolved", "escalated"))):
            findings = [
                LookFinding(
                    kind="metric", name=name, measure="rate", reference=0.9, estimate=0.5,
                    lower=0.4, upper=0.6, p_value=1e-9, level=1e-6, since=now,
                    examples=tuple(examples),
                )
                for name in names
            ]  # fmt: skip
            look_id = save_look(
                connection, model="desk", looked_until=now - timedelta(hours=hours),
                n_exchanges=900, n_end_users=400, findings=findings, provenance={}, now=now,
            )  # fmt: skip
            assert look_id is not None
            incident_id = handle_look(connection, look_id, now, alerts=Alerts())
            mark_look_followed_up(connection, look_id, now)
        assert incident_id is not None
        for number in range(30):
            text = f"looked at release {number}, which is not the cause"
            note(connection, incident_id, "Lea", text, now)
    return incident_id


def test_page_of_an_incident_is_short_and_unfolds(site: Site, incident: int) -> None:
    page = open_page(site, f"/incidents/{incident}")
    for part in (page.locator("h1"), page.get_by_role("link", name="Runbook", exact=True),
                 page.get_by_role("button", name="Acknowledge")):  # fmt: skip
        box = part.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 844, "it is seen without scrolling"
    height = "document.documentElement.scrollHeight"
    assert page.evaluate(height) < 2.5 * 844
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for region, text in (("History", "release 7,"), ("Messages", "release 7,")):
        part = page.locator(f"section[aria-labelledby={region.lower()}]")
        expect(part.get_by_text(text).first).to_be_hidden()
        part.locator("summary").focus()
        page.keyboard.press("Enter")
        expect(part.get_by_text(text).first).to_be_visible()
    example = page.get_by_text("Where is my parcel?").first
    expect(example).to_be_hidden()
    page.locator("summary", has_text="5 examples: csat").first.click()
    expect(example).to_be_visible()
    expect(page.locator("summary .badge.warn")).to_have_text(re.compile("waiting"))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
