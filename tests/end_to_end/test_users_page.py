"""Invitation of a user in a real browser: link, password, role, accessibility."""

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Engine

from monitor.accounts.registration import create_user
from monitor.settings import Secrets, Settings
from monitor.store.engine import transaction
from monitor.web.app import create_app
from monitor.web.server import BackgroundServer
from tests.end_to_end.test_accessibility import AXE, RULES, violations
from tests.services.browser import give_session

pytestmark = pytest.mark.browser
PASSWORD = "lamps over quiet harbours"


def barriers(page: Page) -> list[str]:
    page.evaluate(AXE.read_text())
    return [violation for scheme in RULES for violation in violations(page, scheme)]


def test_an_admin_invites_a_user_who_signs_in(browser: Browser, engine: Engine) -> None:
    with transaction(engine) as connection:
        grace = create_user(connection, "Grace", PASSWORD, "admin", datetime.now(UTC))
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
        assert [] == barriers(admin)

        dan = browser.new_context(reduced_motion="reduce").new_page()
        dan.goto(re.sub(r"^https?://[^/]+", server.url, link))
        expect(dan.get_by_role("heading")).to_have_text("Welcome, Dan")
        assert [] == barriers(dan)
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
        assert [] == barriers(admin)
        admin.get_by_label("Role").select_option("reviewer")
        admin.get_by_role("button", name="Save role").click()
        expect(admin.locator("dd").first).to_have_text("Reviewer")
        admin.get_by_role("button", name="Deactivate").click()
        expect(admin.get_by_role("button", name="Reactivate")).to_be_visible()
        dan.reload()
        dan.wait_for_url("**/login**")
        assert [] == barriers(dan)
        dan.goto(re.sub(r"^https?://[^/]+", server.url, link))
        expect(dan.get_by_role("heading")).to_have_text("This link is not valid")
        assert [] == barriers(dan)
