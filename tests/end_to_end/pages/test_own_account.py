"""The pages of one's own account and submissions, in a real browser."""

import re

import pytest
from playwright.sync_api import expect

from tests.end_to_end.test_users_page import barriers
from tests.support.review.review_world import PASSWORD
from tests.support.web.reviewer_actions import accept, start
from tests.support.web.site import Site

pytestmark = pytest.mark.browser
NEW = "lamps over quiet harbours"


@pytest.mark.parametrize("width", [390, 1280])
def test_a_submission_is_found_again(site: Site, width: int) -> None:
    page = site.open("Ada", viewport={"width": width, "height": 844}, reduced_motion="reduce")
    item = start(page)
    accept(page)
    page.get_by_role("link", name="Submitted").click()
    expect(page.get_by_role("row").filter(has_text=f"Item {item}")).to_contain_text("Waiting")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert [] == barriers(page)
    page.get_by_role("link", name=f"Item {item}").click()
    expect(page.get_by_role("heading", name="Review submitted")).to_be_visible()


@pytest.mark.parametrize("width", [390, 1280])
def test_a_user_changes_their_password(site: Site, width: int) -> None:
    old, new = (PASSWORD, NEW) if width == 390 else (NEW, PASSWORD)
    page = site.open(
        "", "/login", viewport={"width": width, "height": 844}, reduced_motion="reduce"
    )
    page.get_by_label("Name").fill("Ben")
    page.get_by_label("Password").fill(old)
    page.keyboard.press("Enter")
    page.get_by_role("link", name=re.compile("Ben.*account")).click()
    for fields in (("not the old one", new, new), (old, new, f"{new}!"), (old, new, new)):
        names = ("Old password", "New password", "Repeat the new password")
        for name, value in zip(names, fields, strict=True):
            page.get_by_label(name, exact=True).fill(value)
        page.keyboard.press("Enter")
        if fields[2] == new and fields[0] == old:
            expect(page.get_by_role("status").first).to_contain_text("changed")
        else:
            expect(page.get_by_role("alert")).to_be_visible()
        assert [] == barriers(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    other = site.open("", "/login")
    other.get_by_label("Name").fill("Ben")
    other.get_by_label("Password").fill(new)
    other.keyboard.press("Enter")
    other.wait_for_url("**/review")
    page.get_by_role("button", name="End other sessions").click()
    expect(page.get_by_role("status").first).to_contain_text("sessions have ended")
    other.reload()
    other.wait_for_url("**/login**")
