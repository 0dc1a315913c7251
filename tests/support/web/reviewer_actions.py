"""What experts do on the page, in words of theirs."""

import re

from playwright.sync_api import Page

ITEM = re.compile(r"/review/\d+$")


def start(page: Page) -> int:
    """Press the button that gives the first item; return its number."""
    page.get_by_role("button", name=re.compile("^Start")).click()
    page.wait_for_url(ITEM)
    return number(page)


def number(page: Page) -> int:
    """Return the item that is shown."""
    return int(page.url.rsplit("/", 1)[1])


def submit(page: Page) -> None:
    """Submit by key, and wait for what comes next."""
    with page.expect_navigation(url=re.compile(r"/review(/\d+)?$")):
        page.keyboard.press("Control+Enter")


def choose(page: Page, name: str, value: str) -> None:
    """Choose an option as a mouse would."""
    page.locator(f"[name={name}][value={value}]").check()


def accept(page: Page) -> None:
    """Accept with fives, and go on."""
    page.keyboard.press("a")
    submit(page)


def correct(page: Page, text: str, *, kind: str = "knowledge", answerable: str = "yes") -> None:
    """Correct the response, with twos, and go on."""
    for key in "2222":
        page.keyboard.press(key)
    page.keyboard.press("e")
    page.locator("#corrected").fill(text)
    page.keyboard.press("Escape")
    choose(page, "error_kind", kind)
    choose(page, "answerable", answerable)
    submit(page)
