"""Undo and decline, by key and by button, and the item at work, in a real browser."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from monitor.review.items.blind_review import REVIEWS
from monitor.store.engine import transaction
from monitor.store.review.assignments import REVIEW_ASSIGNMENTS
from tests.support.present import utc_now
from tests.support.web.reviewer_actions import accept, number, start
from tests.support.web.site import Site

pytestmark = pytest.mark.browser


def holds(site: Site, item: int) -> bool:
    with transaction(site.engine) as connection:
        row = REVIEW_ASSIGNMENTS.find(connection, item, site.world.users["Ada"])
    assert row is not None
    return row.is_live(utc_now())


def undo(page: Page) -> Any:
    with page.expect_navigation():
        page.keyboard.press("u")
    return page.locator(".toast")


def test_undo_releases_an_item_that_was_not_begun(site: Site) -> None:
    page = site.open("Ada")
    first = start(page)
    accept(page)
    second = number(page)
    assert holds(site, second)
    expect(undo(page)).to_contain_text(f"Item {first} is open again. Item {second} is back")
    assert [first, True, False] == [number(page), holds(site, first), holds(site, second)]
    with page.expect_response("**/heartbeat"):
        page.go_back()
    expect(page.locator("#lease")).to_be_hidden()
    assert holds(site, second), "the way back claims it again"
    page.goto(f"{site.url}/review/{first}")
    accept(page)
    assert second == number(page), "its place in the queue is the same"


def test_undo_keeps_an_item_with_a_draft(site: Site) -> None:
    page = site.open("Ada")
    first = start(page)
    accept(page)
    second = number(page)
    page.keyboard.press("e")
    page.keyboard.type(" Begun.")
    page.keyboard.press("Escape")
    expect(undo(page)).to_contain_text(f"Item {second} stays reserved for you")
    assert [first, True, True] == [number(page), holds(site, first), holds(site, second)]
    page.goto(f"{site.url}/review")
    expect(page.get_by_role("link", name=f"Continue with item {first}")).to_be_visible()
    page.goto(f"{site.url}/review/{second}")
    expect(page.locator("#corrected")).to_have_value(re.compile(r" Begun\.$"))


def test_declining_has_its_own_button_and_key(site: Site) -> None:
    page = site.open("Ada")
    item = start(page)
    page.keyboard.press("f")
    flag = page.get_by_role("dialog", name="Flag this item")
    expect(flag.get_by_role("radio")).to_have_count(2)
    expect(flag).to_contain_text("decline it instead")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Decline", exact=True).click()
    dialog = page.get_by_role("dialog", name="Decline this item?")
    expect(dialog).to_contain_text("goes to another reviewer and is not offered to you again")
    dialog.get_by_role("button", name="Cancel").click()
    assert holds(site, item)
    page.keyboard.press("n")
    page.evaluate(
        "for (const key of ['Escape', 'x']) document.activeElement.dispatchEvent("
        "new KeyboardEvent('keydown', {key, bubbles: true, cancelable: true}))"
    )
    expect(page.locator("[name=verdict][value=reject]")).to_be_checked()
    page.keyboard.press("n")
    dialog.get_by_label("Reason").fill("my sister's card")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_have_text(f"Item {item} goes to another reviewer.")
    there = page.url
    page.keyboard.press("u")
    expect(page.locator(".toast")).to_contain_text(f"You declined item {item}")
    assert there == page.url
    with transaction(site.engine) as connection:
        row = REVIEW_ASSIGNMENTS.find(connection, item, site.world.users["Ada"])
        ada = REVIEWS.load_claimer(connection, site.world.users["Ada"])
        seen = [REVIEWS.find_next(connection, ada, utc_now())]
    assert row is not None
    assert row.declined_reason == "my sister's card"
    assert item not in seen
