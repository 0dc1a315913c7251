"""Steps after two reviews: discussion, adjudication, audit, reopening."""

import re

import pytest
from playwright.sync_api import Page, expect

from monitor.store.engine import transaction
from monitor.store.review.reviews import gold_of_batches, reviews_of
from tests.support.review.item_states import make_states
from tests.support.web.reviewer_actions import accept, choose, correct, start
from tests.support.web.site import Site

pytestmark = pytest.mark.browser


def disagree(site: Site, more: str = "") -> tuple[int, Page, Page]:
    """Let two reviewers correct the same item differently, both with the same text after it."""
    ada, ben = site.open("Ada"), site.open("Ben")
    item = start(ada)
    assert item == start(ben)
    correct(ada, f"Block the card in the app. We refund the payment.{more}", kind="knowledge")
    correct(ben, f"Block the card in the app. We can't refund the payment.{more}", kind="judgement")
    site.settle()
    for page in (ada, ben):
        page.clock.install()
        page.goto(f"{site.url}/review/{item}")
        expect(page.get_by_role("heading", name="disagree")).to_be_visible()
        expect(page.locator(".reviews .review-card")).to_have_count(2)
    return item, ada, ben


def poll(page: Page) -> None:
    """Let five seconds pass in the page, after which it asks for news."""
    page.clock.fast_forward(5_000)


def test_two_reviewers_disagree_discuss_and_settle(site: Site) -> None:
    item, ada, ben = disagree(site)
    between = ada.locator("#between")
    expect(between.locator("ins")).to_contain_text("can't")
    expect(between.locator("del")).to_have_count(0)
    ada.keyboard.press("t")
    ada.keyboard.type("The terms say that we refund within a day.")
    expect(ada.locator("#saved")).to_have_text(re.compile("^Saved"))
    ada.reload()
    expect(ada.locator("#message")).to_have_value("The terms say that we refund within a day.")
    ada.locator("#message").focus()
    ada.keyboard.press("Control+Enter")
    expect(ada.locator("#messages")).to_contain_text("The terms say that we refund")
    # It comes to the other without a reload.
    poll(ben)
    expect(ben.locator("#messages")).to_contain_text("The terms say")

    ada.keyboard.press("Escape")
    with ada.expect_navigation():
        ada.keyboard.press("Control+Enter")  # her own verdict, as it stands
    expect(ada.get_by_role("heading", name="Your proposal").first).to_be_visible()
    agree = ben.get_by_role("button", name="Agree")
    poll(ben)
    expect(agree).to_be_visible()
    ben.keyboard.press("y")
    expect(agree).to_be_focused()
    with ben.expect_navigation():
        ben.keyboard.press("Enter")
    ben.goto(f"{site.url}/review/{item}")
    expect(ben.get_by_role("heading", name="Settled")).to_be_visible()
    poll(ada)
    expect(ada.get_by_role("heading", name="Settled")).to_be_visible()
    with transaction(site.engine) as connection:
        (gold,) = gold_of_batches(connection, [site.world.batch_id])
        votes = [row.error_kind for row in reviews_of(connection, [item])]
    assert (gold.verdict, gold.resolution, gold.error_kind) == ("correct", "discussed", "knowledge")
    assert gold.response == "Block the card in the app. We refund the payment."
    assert votes == ["knowledge", "judgement"], "the first votes stay"


def test_an_adjudicator_decides_without_names(site: Site) -> None:
    item, ada, _ = disagree(site, " It says so." * 200)
    between = ada.locator("#between")
    assert between.evaluate("e => e.scrollHeight <= e.clientHeight"), "the change is in sight"
    expect(between.locator("ins")).to_be_visible()
    between.locator("summary").click()
    expect(between.locator(".gap > span")).to_contain_text("It says so. It says so.")
    own = ada.locator(".reviews .quoted").first  # nothing in it is the model's
    own.locator("xpath=following-sibling::button").click()
    assert own.evaluate("e => e.scrollHeight <= e.clientHeight")
    ada.keyboard.press("j")
    dialog = ada.get_by_role("dialog")
    with ada.expect_navigation():
        dialog.get_by_role("button", name="Ask an adjudicator").click()
    expect(ada.locator(".toast")).to_have_text(f"Item {item} is passed to an adjudicator.")

    cleo = site.open("Cleo")
    cleo.get_by_role("link", name="Decide the first").click()
    cleo.wait_for_url(f"**/review/{item}")
    expect(cleo.get_by_role("heading", name="Your decision is final")).to_be_visible()
    text = cleo.locator("main").inner_text()
    assert "Ada" not in text
    assert "Ben" not in text
    cleo.keyboard.press("f")
    expect(cleo.get_by_role("dialog", name="Flag this item")).to_be_visible()
    cleo.keyboard.press("Escape")
    cleo.keyboard.press("e")
    cleo.locator("#corrected").fill("Block the card in the app. We refund what others spent.")
    cleo.keyboard.press("Escape")
    expect(cleo.locator("#saved")).to_have_text(re.compile("^Saved"))
    cleo.reload()
    expect(cleo.locator("#corrected")).to_have_value(re.compile("what others spent"))
    choose(cleo, "error_kind", "knowledge")
    choose(cleo, "answerable", "facts_missing")
    cleo.keyboard.press("Control+Enter")
    expect(cleo.locator("#problem")).to_have_text("Select the cause of the disagreement.")
    cleo.keyboard.press("1")
    with cleo.expect_navigation():
        cleo.keyboard.press("Control+Enter")
    expect(cleo.locator(".toast")).to_have_text(f"Item {item} is decided.")
    with transaction(site.engine) as connection:
        (gold,) = gold_of_batches(connection, [site.world.batch_id])
    assert (gold.resolution, gold.answerable) == ("adjudicated", "facts_missing")

    lea = site.open("Lea", f"/review/{item}")
    lea.get_by_role("button", name="Reopen").click()
    lea.get_by_label("Reason").fill("The price list changed.")
    with lea.expect_navigation():
        lea.get_by_role("dialog").get_by_role("button", name="Reopen").click()
    cleo.goto(f"{site.url}/review/{item}")
    expect(cleo.get_by_text("Reopened: The price list changed.")).to_be_visible()
    expect(cleo.get_by_text("Revision 2")).to_be_visible()


def test_a_differing_audit_replaces_the_verdict(site: Site) -> None:
    ada, ben = site.open("Ada"), site.open("Ben")
    item = start(ada)
    assert item == start(ben)
    accept(ada)
    accept(ben)
    site.settle()

    cleo = site.open("Cleo")
    expect(cleo.get_by_role("heading", name="To audit")).to_be_visible()
    cleo.locator(f"a[data-item='{item}']").click()
    cleo.wait_for_url(f"**/review/{item}")
    expect(cleo.get_by_role("heading", name="Audit this item")).to_be_visible()
    expect(cleo.locator(".reviews .review-card")).to_have_count(0)
    cleo.keyboard.press("e")
    cleo.locator("#corrected").fill("Block the card in the app first.")
    cleo.keyboard.press("Escape")
    choose(cleo, "error_kind", "knowledge")
    choose(cleo, "answerable", "facts_missing")
    with cleo.expect_navigation():
        cleo.keyboard.press("Control+Enter")
    expect(cleo.locator(".toast")).to_contain_text("differ")
    with transaction(site.engine) as connection:
        (gold,) = gold_of_batches(connection, [site.world.batch_id])
    assert (gold.resolution, gold.response) == ("audited", "Block the card in the app first.")
    ada.goto(f"{site.url}/review/{item}")
    expect(ada.get_by_text("The audit differed and replaced the agreed verdict.")).to_be_visible()


def test_a_difference_of_arabic_texts_runs_right_to_left(site: Site) -> None:
    item = make_states(site)["Cleo", "adjudication"]
    removed = site.open("Cleo", f"/review/{item}").locator("[data-diff]").first
    expect(removed.locator("del").first).to_contain_text("Lost or stolen")
    assert removed.evaluate("e => getComputedStyle(e).direction") == "rtl", "most of it is Arabic"
