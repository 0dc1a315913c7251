"""Failures while a user types: at most two seconds of text are lost, and the page reports it."""

import os
import re
import signal
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import delete, update

from bench.services.requirement import free_port
from monitor.review.items.blind_review import REVIEWS
from monitor.store.engine import transaction
from monitor.store.review.assignments import REVIEW_ASSIGNMENTS
from monitor.store.tables import ReviewAssignment, ReviewItem, WebSession
from tests.services.warm_interpreter import ForkedProcess, warm_interpreter
from tests.support.present import utc_now
from tests.support.review.review_world import PASSWORD
from tests.support.web.reviewer_actions import NEXT, number, resume, see, start
from tests.support.web.site import Site

pytestmark = pytest.mark.browser

SAVED = re.compile(r"Saved \d\d:\d\d:\d\d")
FAILING = "Not saved: retrying"


def draft(site: Site, item: int, name: str = "Ada") -> str:
    with transaction(site.engine) as connection:
        lease = REVIEW_ASSIGNMENTS.find(connection, item, site.world.users[name])
    assert lease is not None
    return str(lease.draft.get("corrected_response", ""))


def edit(page: Page, text: str) -> None:
    page.keyboard.press("e")
    page.keyboard.type(text)


def wait_for_copies(page: Page, n: int) -> None:
    """Wait until the browser holds this number of draft copies."""
    script = "Object.keys(localStorage).filter(key => key.startsWith('driftwarden:draft:')).length"
    deadline = time.monotonic() + 10
    while page.evaluate(script) != n:
        assert time.monotonic() < deadline, f"{page.evaluate(script)} copies, not {n}"
        page.wait_for_timeout(50)


class Server:
    """The page as a process that can be killed, with the site's database."""

    def __init__(self, site: Site, folder: Path) -> None:
        self.url = site.engine.url.render_as_string(hide_password=False)
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.process: ForkedProcess | None = None
        self._log = folder / "web.log"

    def start(self) -> None:
        with self._log.open("ab") as log:
            self.process = warm_interpreter().start_program(
                *("tests.end_to_end.web_child", self.url, str(self.port)),
                env=os.environ, cwd=self._log.parent, output=log,
            )  # fmt: skip
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                httpx.get(f"{self.address}/healthz")
            except httpx.TransportError:
                time.sleep(0.1)
            else:
                return
        raise AssertionError("the server didn't start")

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()


@pytest.fixture
def server(site: Site, tmp_path: Path) -> Iterator[Server]:
    running = Server(site, tmp_path)
    running.start()
    yield running
    running.kill()


def test_a_draft_is_saved_after_pauses_and_during_typing(site: Site) -> None:
    page = site.open("Ada")
    item = start(page)
    edit(page, " Kept.")
    expect(page.locator("#saved")).to_have_text(SAVED)
    page.wait_for_timeout(300)
    assert draft(site, item).endswith(" Kept.")

    # Without a pause of a second: what the server has is never more than two seconds behind.
    typed: list[tuple[float, str]] = []
    page.locator("#corrected").fill("")
    began = time.monotonic()
    slowest = 0.0  # on a busy machine a save takes as long as a look at the draft does
    while time.monotonic() - began < 4.5:  # twice as long as a save may take
        turn = time.monotonic()
        page.keyboard.type(f"w{len(typed)} ")
        typed.append((time.monotonic(), f"w{len(typed)} "))
        saved = draft(site, item)
        now = time.monotonic()
        slowest = max(slowest, now - turn)
        late = [word for at, word in typed if word not in saved and now - at > 2.0 + slowest]
        assert late == [], f"typed more than two seconds ago, and not saved: {late}"


def test_a_draft_survives_a_reload(site: Site) -> None:
    page = site.open("Ada")
    start(page)
    page.keyboard.press("3")
    edit(page, " Kept.")
    page.reload()
    expect(page.locator("#corrected")).to_have_value(re.compile(r" Kept\.$"))
    expect(page.locator("[name=verdict][value=correct]")).to_be_checked()
    expect(page.locator("[name=accuracy][value='3']")).to_be_checked()


def test_a_draft_survives_a_killed_server(site: Site, server: Server) -> None:
    site.url, before = server.address, site.url
    try:
        page = site.open("Ada")
        item = start(page)
        edit(page, " One.")
        expect(page.locator("#saved")).to_have_text(SAVED)
        page.keyboard.type(" Two.")
        server.kill()
        page.keyboard.type(" Three.")
        expect(page.locator("#saved")).to_have_text(FAILING)
        expect(page.locator("#announce")).to_contain_text("not saved")
        page.keyboard.press("Escape")
        page.keyboard.press("Escape")
        expect(page.locator("#corrected")).to_have_value(re.compile(r" One\. Two\. Three\.$"))
        page.close()  # even then: the copy in this browser outlives the page

        server.start()
        again = page.context.new_page()
        again.goto(f"{server.address}/review")
        assert item == resume(again)
        expect(again.locator("#corrected")).to_have_value(re.compile(r" One\. Two\. Three\.$"))
        expect(again.locator("#saved")).to_have_text(SAVED)
        assert draft(site, item).endswith(" One. Two. Three.")

        server.kill()
        again.locator("#corrected").focus()
        again.keyboard.type(" Four.")
        expect(again.locator("#saved")).to_have_text(FAILING)
        server.start()
        expect(again.locator("#saved")).to_have_text(SAVED, timeout=15_000)
        assert " Four." in draft(site, item)
    finally:
        site.url = before


def test_an_expired_session_returns_to_the_draft_after_sign_in(site: Site) -> None:
    page = site.open("Ada")
    item = start(page)
    edit(page, " One.")
    expect(page.locator("#saved")).to_have_text(SAVED)
    with transaction(site.engine) as connection:
        connection.execute(delete(WebSession).where(WebSession.expires_at.is_not(None)))
    page.keyboard.type(" Two.")
    banner = page.locator("#banner")
    expect(banner).to_contain_text("You have been signed out. Your text is saved")
    page.keyboard.type(" Three.")
    banner.get_by_role("link", name="Sign in again").click()
    page.get_by_label("Name").fill("Ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/review/{item}")
    expect(page.locator("#corrected")).to_have_value(re.compile(r" One\. Two\. Three\.$"))
    expect(page.locator("#saved")).to_have_text(SAVED)
    assert draft(site, item).endswith(" One. Two. Three.")


def test_drafts_leave_the_browser_on_submission_and_sign_out(site: Site) -> None:
    page = site.open("Ada")
    item = start(page)
    edit(page, " Secret.")
    wait_for_copies(page, 1)
    page.keyboard.press("Escape")
    see(page)
    with page.expect_navigation(url=NEXT):
        page.keyboard.press("a")
        page.keyboard.press("Enter")  # of an edited response, accepting is confirmed
    assert item != number(page)
    wait_for_copies(page, 0)
    edit(page, " Another secret.")
    wait_for_copies(page, 1)
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/login")
    wait_for_copies(page, 0)


def test_a_lease_is_extended_by_activity_and_its_end_shown(site: Site) -> None:
    page = site.context("Ada").new_page()
    page.clock.install()
    page.goto(f"{site.url}/review")
    start(page)
    lease = page.locator("#lease")
    expect(lease).to_be_hidden()
    page.clock.fast_forward(16 * 60 * 1000)
    expect(lease).to_have_text(re.compile(r"Reserved for [34]:\d\d more"))
    expect(page.locator("#announce")).to_contain_text("five more minutes")
    page.clock.fast_forward(5_000)
    with page.expect_request("**/heartbeat"):
        page.keyboard.press("ArrowDown")


def test_a_lost_item_leaves_its_text_to_copy(site: Site) -> None:
    page = site.open("Ada")
    item = start(page)
    edit(page, " Mine.")
    expect(page.locator("#saved")).to_have_text(SAVED)
    now = utc_now()
    with transaction(site.engine) as connection:
        connection.execute(update(ReviewAssignment).values(expires_at=now - timedelta(seconds=1)))
        for name in ("Ben", "Cleo"):
            assert item == REVIEWS.claim_next(
                connection, site.world.users[name], now, timedelta(minutes=20)
            )
        rest = update(ReviewItem).where(ReviewItem.id != item)
        connection.execute(rest.values(status="excluded"))
    page.keyboard.type(" More of mine.")
    banner = page.locator("#banner")
    expect(banner).to_contain_text("others have claimed the item")
    expect(banner).to_contain_text("Your text is saved")
    expect(page.get_by_role("button", name="Submit")).to_be_disabled()
    expect(page.locator("#corrected")).to_have_value(re.compile(r" Mine\. More of mine\.$"))
    banner.get_by_role("button", name="Next item").click()
    page.wait_for_url("**/review")
    lost_draft = page.get_by_label(f"Your draft of item {item}")
    expect(lost_draft).to_have_value(re.compile(r" Mine\. More of mine\.$"))
    page.get_by_role("button", name="Remove").click()
    page.reload()
    expect(lost_draft).to_have_count(0)
