"""One item in two tabs or browsers of one user: nothing that was typed is replaced unseen."""

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from monitor.store.engine import transaction
from monitor.store.review.assignments import REVIEW_ASSIGNMENTS
from monitor.store.review.discussions import proposals_of_item
from tests.support.web.reviewer_actions import choose, correct, start
from tests.support.web.site import Site

pytestmark = pytest.mark.browser

DRAFT = re.compile(r"/api/items/\d+/draft$")
SAVED = re.compile(r"Saved \d\d:\d\d:\d\d")
Pair = tuple[Page, Page, int]


def stored(site: Site, item: int) -> dict[str, Any]:
    with transaction(site.engine) as connection:
        row = REVIEW_ASSIGNMENTS.find(connection, item, site.world.users["Ada"])
    assert row is not None
    return row.draft


def write(page: Page, text: str) -> None:
    page.locator("#corrected").focus()
    page.keyboard.press("Control+End")
    page.keyboard.type(text)


def edit(page: Page, text: str) -> None:
    page.keyboard.press("e")
    page.keyboard.type(text)


def saved(page: Page) -> None:
    expect(page.locator("#saved")).to_have_text(SAVED)


def wait_until_stored(site: Site, item: int, end: str) -> None:
    deadline = time.monotonic() + 10
    while not stored(site, item)["corrected_response"].endswith(end):
        assert time.monotonic() < deadline, stored(site, item)
        time.sleep(0.1)


def conflict(page: Page) -> Any:
    return page.get_by_role("region", name="Two drafts")


def two_browsers(site: Site) -> Pair:
    first = site.open("Ada")
    item = start(first)
    return first, site.open("Ada", f"/review/{item}"), item


def two_tabs(site: Site) -> Pair:
    first = site.open("Ada")
    item = start(first)
    second = first.context.new_page()
    second.goto(f"{site.url}/review/{item}")
    return first, second, item


@pytest.mark.parametrize("opened", [two_browsers, two_tabs])
def test_the_later_page_is_warned_and_both_are_shown(
    site: Site, opened: Callable[[Site], Pair]
) -> None:
    first, second, item = opened(site)
    edit(first, " First.")
    first.keyboard.press("Escape")
    choose(first, "error_kind", "tone")
    saved(first)
    edit(second, " Sec")
    box = conflict(second)
    expect(box).to_contain_text("kind of error: Wrong tone")
    write(second, "ond.")
    expect(box.get_by_label("The text of the newer draft")).to_have_value(re.compile(r" First\.$"))
    difference = box.get_by_label("Difference of the two drafts")
    expect(difference.locator("del")).to_have_text("First")
    expect(difference.locator("ins")).to_have_text("Second")
    expect(second.locator("#corrected")).to_have_value(re.compile(r" Second\.$"))
    second.wait_for_timeout(1000)
    assert stored(site, item)["corrected_response"].endswith(" First.")

    second.get_by_role("button", name="Keep the draft of this page").click()
    wait_until_stored(site, item, " Second.")
    expect(box).to_have_count(0)
    assert "base" not in stored(site, item)

    write(first, " Third.")
    expect(conflict(first)).to_be_visible()
    first.get_by_role("button", name="Use the newer draft").click()
    expect(first.locator("#corrected")).to_have_value(re.compile(r" Second\.$"))
    expect(first.locator("[name=error_kind][value=tone]")).not_to_be_checked()
    own = first.get_by_label("The text of this page")
    expect(own).to_have_value(re.compile(r" First\. Third\.$"))
    assert stored(site, item)["corrected_response"].endswith(" Second.")
    write(first, " Fourth.")
    wait_until_stored(site, item, " Second. Fourth.")


def test_a_page_without_edits_submits_no_older_draft(site: Site) -> None:
    first, second, item = two_browsers(site)
    first.locator("#review .choice.accept").click()
    saved(first)
    second.reload()
    with first.expect_response(DRAFT):
        edit(first, " Newer.")
    second.keyboard.press("Control+Enter")
    expect(second.locator("#corrected")).to_have_value(re.compile(r" Newer\.$"))
    wait_until_stored(site, item, " Newer.")


def test_a_page_closed_in_conflict_leaves_its_text(site: Site) -> None:
    first, second, item = two_tabs(site)
    edit(first, " First.")
    saved(first)
    edit(second, " Second.")
    expect(conflict(second)).to_be_visible()
    second.get_by_role("button", name="Sign out").click()
    expect(second.locator(".toast")).to_contain_text("Choose the draft")
    write(second, " More.")
    second.wait_for_timeout(400)
    second.close()
    write(first, " Third.")
    wait_until_stored(site, item, " First. Third.")
    first.goto(f"{site.url}/review")
    left = first.get_by_label(f"Your draft of item {item}")
    expect(left).to_have_value(re.compile(r" Second\. More\.$"))
    first.get_by_role("button", name="Remove").click()
    first.reload()
    expect(left).to_have_count(0)


def test_a_lost_response_and_a_reload_are_no_conflict(site: Site) -> None:
    page = site.open("Ada")
    item = start(page)

    def lose(route: Any) -> None:
        route.fetch()  # it is stored, and nobody hears of it
        route.abort()

    page.route(DRAFT, lose, times=1)
    edit(page, " One.")
    saved(page)
    page.keyboard.type(" Two.")
    page.reload()
    expect(page.locator("#corrected")).to_have_value(re.compile(r" One\. Two\.$"))
    write(page, " Three.")
    wait_until_stored(site, item, " One. Two. Three.")
    expect(conflict(page)).to_have_count(0)


def test_a_stale_page_proposes_nothing_over_a_newer_draft(site: Site) -> None:
    ada, ben = site.open("Ada"), site.open("Ben")
    item = start(ada)
    assert item == start(ben)
    correct(ada, "We refund the payment.", kind="knowledge")
    correct(ben, "We refund nothing.", kind="judgement")
    site.settle()
    first, stale = (site.open("Ada", f"/review/{item}") for _ in range(2))
    edit(first, " Newer.")
    saved(first)
    stale.keyboard.press("Control+Enter")  # her own verdict, as the page has it
    expect(stale.locator("#corrected")).to_have_value(re.compile(r" Newer\.$"))
    with transaction(site.engine) as connection:
        assert proposals_of_item(connection, item) == []
    with stale.expect_navigation():
        stale.keyboard.press("Control+Enter")
    with transaction(site.engine) as connection:
        (proposal,) = proposals_of_item(connection, item)
    assert proposal.corrected_response.endswith(" Newer.")
