"""The editor of the guidelines, in a browser: what was typed outlives its tab."""

import pytest
from playwright.sync_api import expect

from tests.services.browser import give_session
from tests.support.review.gold_items import TAXONOMY
from tests.support.web.site import Site

pytestmark = pytest.mark.browser
#: Typed in two tabs at once.
TEXTS = [TAXONOMY.replace("It stays blocked.", f"Tab {n} says so.") for n in (1, 2)]


def test_typed_guidelines_outlive_their_tabs(site: Site) -> None:
    context = site.context("Lea")
    for text in TEXTS:
        page = context.new_page()
        page.goto(f"{site.url}/guidelines")
        page.locator("#text").fill(text)
    for page in context.pages[:]:
        page.close()
    page = context.new_page()
    page.goto(f"{site.url}/review")
    page.evaluate("document.getElementById('sign-out').requestSubmit()")
    page.wait_for_url("**/login**")

    give_session(context, site.engine, site.url, site.world.users["Lea"])
    page.goto(f"{site.url}/guidelines")
    notices, text = page.locator("#kept-texts .kept"), page.locator("#text")
    expect(notices).to_have_count(2)
    notices.nth(1).get_by_role("button", name="Use it").click()
    expect(text).to_have_value(TEXTS[0])
    notices.get_by_role("button", name="Use it").click()
    expect(text).to_have_value(TEXTS[1])
    expect(notices).to_have_count(1)  # the other text is still kept
    for step, n_notices in (("Check and preview", 1), ("Publish", 1)):
        page.get_by_role("button", name=step).click()
        expect(text).to_have_value(TEXTS[1])
        expect(notices).to_have_count(n_notices)
    page.reload()
    expect(text).to_have_value(TEXTS[1])
    notices.get_by_role("button", name="Use it").click()
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("alert")).to_contain_text("changed")  # since that text was typed
    expect(text).to_have_value(TEXTS[0])
    page.locator("#text").fill(TEXTS[1])
    page.goto(f"{site.url}/guidelines")
    expect(notices).to_have_count(0)
