"""Invitation of a user, and the access log, in a real browser: forms, widths, accessibility."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Engine

from monitor.accounts.registration import create_user
from monitor.daemon.web_app import create_app
from monitor.settings import Secrets, Settings
from monitor.store.access_log import Access, append_access
from monitor.store.engine import transaction
from monitor.web.server import BackgroundServer
from tests.end_to_end.test_accessibility import AXE, RULES, violations
from tests.services.browser import give_session
from tests.support.present import utc_now

pytestmark = pytest.mark.browser
PASSWORD = "lamps over quiet harbours"


def barriers(page: Page) -> list[str]:
    page.evaluate(AXE.read_text())
    return [violation for scheme in RULES for violation in violations(page, scheme)]


def test_an_admin_invites_a_user_who_signs_in(browser: Browser, engine: Engine) -> None:
    with transaction(engine) as connection:
        grace = create_user(connection, "Grace", PASSWORD, "admin", utc_now())
    with BackgroundServer(create_app(engine, Settings(), Secrets())) as server:
        context = browser.new_context(reduced_motion="reduce")
        give_session(context, engine, server.url, grace)
        admin = context.new_page()
        admin.goto(f"{server.url}/users")
        admin.get_by_label("Name", exact=True).fill("Dan")
        admin.get_by_label("Role").select_option("adjudicator")
        admin.get_by_label("Other task types, separated by commas").fill("fees, cards")
        admin.get_by_role("button", name="Create a link").click()
        link = admin.locator("#link").inner_text()
        assert barriers(admin) == []

        dan = browser.new_context(reduced_motion="reduce").new_page()
        dan.goto(re.sub(r"^https?://[^/]+", server.url, link))
        expect(dan.get_by_role("heading")).to_have_text("Welcome, Dan")
        assert barriers(dan) == []
        dan.get_by_label("Password", exact=True).fill(PASSWORD)
        dan.get_by_label("Repeat the password").fill(f"{PASSWORD}!")
        dan.keyboard.press("Enter")
        expect(dan.get_by_role("alert")).to_have_text("The passwords differ.")
        dan.get_by_label("Password", exact=True).fill(PASSWORD)
        dan.get_by_label("Repeat the password").fill(PASSWORD)
        dan.keyboard.press("Enter")
        dan.wait_for_url("**/review")

        admin.get_by_role("link", name="Dan").click()
        expect(admin.get_by_role("checkbox", name="fees")).to_be_checked()
        assert barriers(admin) == []
        admin.get_by_label("Role").select_option("reviewer")
        admin.get_by_role("button", name="Save role").click()
        expect(admin.locator("dd").first).to_have_text("Reviewer")
        admin.get_by_role("button", name="Deactivate").click()
        expect(admin.get_by_role("button", name="Reactivate")).to_be_visible()
        dan.reload()
        dan.wait_for_url("**/login**")
        assert barriers(dan) == []
        dan.goto(re.sub(r"^https?://[^/]+", server.url, link))
        expect(dan.get_by_role("heading")).to_have_text("This link is not valid")
        assert barriers(dan) == []


@pytest.mark.parametrize("width", [390, 1280])
def test_a_lead_searches_the_access_log(browser: Browser, engine: Engine, width: int) -> None:
    now = utc_now()
    with transaction(engine) as connection:
        lea = create_user(connection, "Lea", PASSWORD, "lead", now)
        for n in range(6):
            append_access(
                connection,
                Access(
                    occurred_at=now - timedelta(hours=n), source="command" if n == 5 else "web",
                    actor=("Ada", "Ben", "")[n % 3], action="read" if n % 3 < 2 else
                    "sign_in_refused", kind="item" if n % 3 < 2 else "",
                    object_id=str(1000 + n) if n % 3 < 2 else "",
                    model="assistant" if n % 3 < 2 else "",
                    place=f"/review/{1000 + n}" if n % 3 < 2 else "/login",
                    address="2001:db8:85a3:8d3:1319:8a2e:370:7348",
                ),
            )  # fmt: skip
    with BackgroundServer(create_app(engine, Settings(), Secrets())) as server:
        context = browser.new_context(
            reduced_motion="reduce", viewport={"width": width, "height": 900}
        )
        give_session(context, engine, server.url, lea)
        page = context.new_page()
        page.goto(f"{server.url}/overview")
        page.get_by_role("navigation", name="Main").get_by_role("link", name="Access").click()
        rows = page.locator("tbody tr")
        expect(rows).to_have_count(6)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert barriers(page) == []
        page.get_by_label("Account").fill("Ada")
        page.get_by_label("Number").fill("1003")
        page.keyboard.press("Enter")
        expect(rows).to_have_count(1)
        expect(rows.first).to_contain_text("item 1003")
        expect(page.get_by_label("Account")).to_have_value("Ada")
        page.get_by_label("Account").fill("Nobody")
        page.get_by_role("button", name="Search").click()
        expect(page.get_by_role("heading", name="No such entry")).to_be_visible()
        assert barriers(page) == []
        page.get_by_role("link", name="All entries").click()
        expect(rows).to_have_count(6)
