"""A human evaluation in a browser: three raters by keyboard, the lock, the results."""

import re

import pytest
from playwright.sync_api import Page

from monitor.daemon.human_evaluations import score_locked_human_evaluations
from monitor.settings import Settings
from monitor.store.engine import transaction
from monitor.store.human_evaluation.human_evaluations import human_evaluation_by_id
from monitor.store.human_evaluation.keys import unblinded_ratings
from tests.end_to_end.test_accessibility import AXE, RULES, SIZES, violations
from tests.support.present import utc_now
from tests.support.review.human_evaluation import make_human_evaluation, systems_of_texts
from tests.support.web.site import Site

pytestmark = pytest.mark.browser

#: What each system is worth, as a key.
KEYS = {"candidate": "5", "incumbent": "4", "base": "2"}


def texts(page: Page) -> list[str]:
    """Return the texts of the responses on the page."""
    return [node.inner_text() for node in page.locator(".slot .response-text").all()]


def rate(page: Page, systems: dict[tuple[int, str], list[str]]) -> None:
    """Rate the current item by keyboard and submit it."""
    number = int(re.findall(r"\d+", page.locator(".itembar h1").inner_text())[0])
    for text in texts(page):
        for _ in range(4):
            page.keyboard.press(KEYS[systems[number, text][0]])
    with page.expect_navigation(url=re.compile(r"/human-evaluations/\d+(/rate)?$")):
        page.keyboard.press("Control+Enter")


def test_three_raters_rate_and_a_lead_locks(site: Site) -> None:
    now = utc_now()
    human_evaluation = make_human_evaluation(site.engine, now, n=3)
    systems = systems_of_texts(site.engine, human_evaluation)
    for name in ("Ada", "Ben", "Cleo"):
        page = site.open(name, f"/human-evaluations/{human_evaluation}")
        page.get_by_role("heading", name="3 items are waiting for you").wait_for()
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/human-evaluations/{human_evaluation}/rate")
        while page.url.endswith("/rate"):
            rate(page, systems)
        page.get_by_role("heading", name="You have rated all your items").wait_for()
    lea = site.open("Lea", f"/human-evaluations/{human_evaluation}")
    assert "3 of 3" in lea.get_by_role("region", name="Raters").inner_text()
    assert not any(system in lea.content() for system in ("incumbent", "Incumbent"))
    lea.get_by_role("checkbox").focus()
    lea.keyboard.press("Space")
    lea.keyboard.press("Tab")
    lea.keyboard.press("Enter")
    lea.get_by_role("heading", name="Locked").wait_for()
    lea.get_by_text("The daemon is computing the results").wait_for()
    score_locked_human_evaluations(site.engine, Settings(), now)
    lea.get_by_role("heading", name="Candidate compared with the other systems").wait_for()
    text = lea.locator("#results").inner_text()
    # A third of the incumbent's answers are the base's very words: rated once, as a 2.
    assert "+1.67" in text, "beside the incumbent"
    assert "+3.00" in text, "beside the base"
    with transaction(site.engine) as connection:
        assert human_evaluation_by_id(connection, human_evaluation).status == "locked"
        by_system: dict[str, set[int]] = {}
        for row in unblinded_ratings(connection, human_evaluation):
            by_system.setdefault(row.system, set()).update(row.scores.values())
    assert by_system["candidate"] == {5}
    lea.get_by_role("link", name=re.compile("^All items")).click()
    first = lea.locator("section.rated").first
    first.get_by_role("heading", name="Candidate").wait_for()
    assert {"Ada", "Ben", "Cleo"} <= set(first.inner_text().split())


def test_drafts_of_ratings_are_saved_and_restored(site: Site) -> None:
    human_evaluation = make_human_evaluation(site.engine, utc_now(), n=2)
    page = site.open("Ada", f"/human-evaluations/{human_evaluation}")
    page.keyboard.press("Enter")
    page.wait_for_url("**/rate")
    order = texts(page)
    page.keyboard.press("b")
    page.keyboard.press("4")
    page.keyboard.press("m")
    page.keyboard.type("It says 3 days, it is 5.")
    page.keyboard.press("Escape")
    page.locator("#saved.good").wait_for()
    again = site.open("Ada", f"/human-evaluations/{human_evaluation}/rate")
    assert texts(again) == order, "the same order in another tab"
    assert again.locator("[name='B.0'][value='4']").is_checked()
    assert again.locator("#comment").input_value() == "It says 3 days, it is 5."
    again.keyboard.press("Control+Enter")
    assert "Rate response A: accuracy." in again.locator("#problem").inner_text()
    again.keyboard.press("ArrowRight")
    again.keyboard.press("ArrowDown")
    again.keyboard.press("3")
    assert again.locator("[name='A.1'][value='3']").is_checked()
    again.keyboard.press("?")
    again.get_by_role("dialog", name="Keyboard shortcuts").wait_for()


def test_ratings_are_withdrawn_by_u(site: Site) -> None:
    human_evaluation = make_human_evaluation(site.engine, utc_now(), n=2)
    systems = systems_of_texts(site.engine, human_evaluation)
    page = site.open("Ben", f"/human-evaluations/{human_evaluation}")
    page.keyboard.press("Enter")
    page.wait_for_url("**/rate")
    first = page.locator(".itembar h1").inner_text()
    rate(page, systems)
    assert page.locator(".itembar h1").inner_text() != first
    page.get_by_text("Item 1 submitted.", exact=True).wait_for()
    with page.expect_navigation():
        page.keyboard.press("u")
    assert page.locator(".itembar h1").inner_text() == first
    assert page.locator("input:checked").count() == 4 * page.locator(".slot").count()


def test_an_item_is_declined_and_a_lock_is_shown(site: Site) -> None:
    human_evaluation = make_human_evaluation(site.engine, utc_now(), n=2)
    systems = systems_of_texts(site.engine, human_evaluation)
    page = site.open("Ada", f"/human-evaluations/{human_evaluation}")
    page.keyboard.press("Enter")
    page.wait_for_url("**/rate")
    page.keyboard.press("n")
    page.keyboard.type("my sister works there")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    page.get_by_text("Item 1 goes to another reviewer.").last.wait_for()
    rate(page, systems)
    page.get_by_role("heading", name="You have rated all your items").wait_for()
    ben = site.open("Ben", f"/human-evaluations/{human_evaluation}")
    ben.keyboard.press("Enter")
    ben.wait_for_url("**/rate")
    lea = site.open("Lea", f"/human-evaluations/{human_evaluation}")
    lea.get_by_text("5 of 6 ratings are missing").wait_for()
    lea.get_by_role("checkbox").check()
    lea.get_by_role("button", name="Lock with missing ratings").click()
    lea.get_by_role("heading", name="Locked").wait_for()
    ben.keyboard.press("3")
    ben.get_by_text("The human evaluation is locked and accepts no ratings.").first.wait_for()


def test_human_evaluation_pages_meet_wcag_2_2_aa(site: Site) -> None:
    now = utc_now()
    done, waiting = (
        make_human_evaluation(site.engine, now, n=3),
        make_human_evaluation(site.engine, now, n=3),
    )
    systems = systems_of_texts(site.engine, done)
    problems = []
    context = site.context("Lea", reduced_motion="reduce")
    context.add_init_script(path=str(AXE))
    page = context.new_page()

    def look(path: str = "") -> None:
        if path:
            page.goto(site.url + path)
        for scheme in RULES:
            problems.extend(violations(page, scheme))
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            needed = page.evaluate("document.documentElement.scrollWidth")
            assert needed <= width, f"{page.url} needs {needed} px of {width}"
        page.set_viewport_size({"width": 1440, "height": 900})

    look("/human-evaluations")
    look(f"/human-evaluations/{waiting}")
    page.keyboard.press("Enter")
    page.wait_for_url("**/rate")
    page.keyboard.press("3")
    page.locator("#saved.good").wait_for()
    look()
    page.keyboard.press("Control+Enter")
    look()
    for key in "?n":
        page.keyboard.press(key)
        problems += violations(page)
        page.keyboard.press("Escape")
    page.goto(f"{site.url}/human-evaluations/{done}")
    page.keyboard.press("Enter")
    page.wait_for_url("**/rate")
    while page.url.endswith("/rate"):
        rate(page, systems)
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name=re.compile("^Lock")).click()
    page.get_by_role("heading", name="Locked").wait_for()
    score_locked_human_evaluations(site.engine, Settings(), now)
    look(f"/human-evaluations/{done}")
    look(f"/human-evaluations/{done}/ratings")
    assert problems == [], "\n".join(problems)
