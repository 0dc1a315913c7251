"""Actions of reviewers on the page."""

import re

from playwright.sync_api import Page

ITEM = re.compile(r"/review/\d+$")
NEXT = re.compile(r"/review(/\d+)?$")


def start(page: Page) -> int:
    """Press the button for the first item; return its number."""
    page.get_by_role("button", name=re.compile("^Start")).click()
    page.wait_for_url(ITEM)
    return number(page)


def resume(page: Page) -> int:
    """Follow the link to the item at work; return its number."""
    page.get_by_role("link", name=re.compile("^Continue with item")).click()
    page.wait_for_url(ITEM)
    return number(page)


def number(page: Page) -> int:
    """Return the number of the current item."""
    return int(page.url.rsplit("/", 1)[1])


def submit(page: Page) -> None:
    """Submit by keyboard, and wait for the next page."""
    with page.expect_navigation(url=NEXT):
        page.keyboard.press("Control+Enter")


def choose(page: Page, name: str, value: str) -> None:
    """Choose an option by mouse."""
    page.locator(f"[name={name}][value={value}]").check()


def see(page: Page) -> None:
    """Wait until the item was in sight long enough for a single key to accept it."""
    page.locator("#review[data-seen]").wait_for()


def accept(page: Page) -> None:
    """Accept by one key, with scores of 5."""
    see(page)
    with page.expect_navigation(url=NEXT):
        page.keyboard.press("a")


def correct(page: Page, text: str, *, kind: str = "knowledge", answerable: str = "yes") -> None:
    """Correct the response with scores of 2, and continue."""
    for key in "2222":
        page.keyboard.press(key)
    page.keyboard.press("e")
    page.locator("#corrected").fill(text)
    page.keyboard.press("Escape")
    choose(page, "error_kind", kind)
    choose(page, "answerable", answerable)
    submit(page)
