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
PHONE = {"width": 390, "height": 844}


def test_a_submission_is_found_again(site: Site) -> None:
    page = site.open("Ada", viewport=PHONE)
    item = start(page)
    accept(page)
    page.get_by_role("link", name="Submitted").click()
    row = page.get_by_role("row").filter(has=page.locator(f'a[href="/review/{item}"]'))
    expect(row).to_contain_text("Waiting")
    row.get_by_role("link").click()
    expect(page.get_by_role("heading", name="Review submitted")).to_be_visible()


def test_a_user_changes_their_password(site: Site) -> None:
    page = site.open("", "/login", viewport=PHONE, reduced_motion="reduce")
    page.get_by_label("Name").fill("Ben")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("link", name=re.compile("Ben.*account")).click()
    for fields in (("not the old one", NEW, NEW), (PASSWORD, NEW, f"{NEW}!"), (PASSWORD, NEW, NEW)):
        names = ("Old password", "New password", "Repeat the new password")
        for name, value in zip(names, fields, strict=True):
            page.get_by_label(name, exact=True).fill(value)
        with page.expect_navigation():
            page.keyboard.press("Enter")
        kind = "good" if fields == (PASSWORD, NEW, NEW) else "bad"
        expect(page.locator(f"main .notice.{kind}")).to_be_visible()
    assert barriers(page) == []
    other = site.open("", "/login")
    other.get_by_label("Name").fill("Ben")
    other.get_by_label("Password").fill(NEW)
    other.keyboard.press("Enter")
    other.wait_for_url("**/review")
    page.get_by_role("button", name="End other sessions").click()
    page.wait_for_url("**/account?done=sessions")
    other.reload()
    other.wait_for_url("**/login**")
