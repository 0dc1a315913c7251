"""Keys of reviewers: an accept in one, a correction in six, and none that goes nowhere."""

import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import update

from monitor.review.items.flags import flag
from monitor.review.items.settling import UNDO_TIME
from monitor.store.engine import transaction
from monitor.store.review.reviews import reviews_of
from monitor.store.tables import ReviewItem
from tests.services.browser import COOKIE
from tests.support.present import utc_now
from tests.support.web.reviewer_actions import accept, number, see, start
from tests.support.web.site import Site
from tests.support.web.support_desk import LOST_CARD, queue_of, retell

pytestmark = pytest.mark.browser
LAPTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
#: As the help names them, beside the letters.
NAMES = {
    "↑": ["ArrowUp"], "↓": ["ArrowDown"], "←": ["ArrowLeft"], "→": ["ArrowRight"],
    "PgDn": ["PageDown"], "PgUp": ["PageUp"], "Space": [" "], "Home": ["Home"], "End": ["End"],
    "Esc": ["Escape"], "Ctrl": [], "Ctrl ↵": ["Submit"], "↵": ["Submit"],
    "\N{EN DASH}": list("2345"),
}  # fmt: skip


def press(page: Page, *keys: str) -> int:
    """Press keys, and return their number."""
    for key in keys:
        page.keyboard.press(key)
    return len(keys)


def state(page: Page) -> Any:
    """Return what a key may change: focus, choices, scrolling, the hint, an open dialog."""
    return page.evaluate(
        """() => [
            [...document.querySelectorAll("*")].indexOf(document.activeElement),
            [...document.querySelectorAll("input:checked")].map((e) => e.name + e.value),
            [...document.querySelectorAll("textarea")].map((e) => e.value),
            document.getElementById("conversation").scrollTop,
            document.getElementById("hint").textContent,
            document.querySelector("dialog[open]")?.id,
            [...document.querySelectorAll("#guidelines, #diff")].map((e) => e.checkVisibility()),
            document.querySelector(".toast")?.textContent,
        ].toString()"""
    )


def test_an_accept_is_one_key_and_a_correction_five(site: Site) -> None:
    page = site.open("Ada")
    items = [start(page)]
    press(page, "a")
    assert number(page) == items[0], "an item that nobody has seen is not accepted"
    accept(page)  # one key
    items.append(number(page))
    n = press(page, "e")
    page.keyboard.type(" Please call us.")
    n += press(page, "Escape", "4", "2")
    with page.expect_navigation():
        n += press(page, "Enter")
    assert n <= 6
    items.append(number(page))
    with page.expect_navigation():
        assert press(page, "x", "5", "3", "Enter") == 4
    with transaction(site.engine) as connection:
        rows = {row.item_id: row for row in reviews_of(connection, items)}
    assert [rows[item].verdict for item in items] == ["accept", "correct", "reject"]
    corrected = rows[items[1]]
    assert corrected.corrected_response.endswith(" Please call us.")
    assert (corrected.error_kind, corrected.answerable) == ("tone", "facts_missing")
    assert [corrected.accuracy, corrected.tone] == [4, 3], "as proposed for the kind of error"


def test_a_submission_brings_the_next_item(site: Site) -> None:
    page = site.open("Ada")
    item = start(page)
    see(page)
    posts: list[str] = []
    page.on(
        "request",
        lambda request: posts.append(urlsplit(request.url).path) if request.method == "POST" else 0,
    )
    accept(page)
    assert number(page) != item
    assert posts == [f"/api/items/{item}/review"], "no second request claims the next item"


def test_two_presses_accept_one_item(site: Site) -> None:
    page = site.open("Ada")
    first = start(page)
    see(page)
    with page.expect_navigation():
        press(page, "a", "a", "a")
    second = number(page)
    press(page, "a")
    with transaction(site.engine) as connection:
        assert [row.item_id for row in reviews_of(connection, [first, second])] == [first]
    for key in ("Control+a", "Meta+a", "Alt+a"):
        see(page)
        press(page, key)
    page.evaluate(
        "document.body.dispatchEvent(new KeyboardEvent('keydown',"
        " {key: 'a', isComposing: true, bubbles: true}))"
    )
    assert number(page) == second
    with page.expect_navigation():  # a Cyrillic layout
        page.evaluate(
            "document.body.dispatchEvent(new KeyboardEvent('keydown',"
            " {key: 'ф', code: 'KeyA', bubbles: true}))"
        )


def test_no_key_goes_nowhere_and_the_text_scrolls(site: Site) -> None:
    retell(site.world, queue_of(site.world)[0], *_long_text(), task_type="card_lost")
    page = site.open("Ada", viewport=LAPTOP)
    start(page)
    retell(site.world, queue_of(site.world)[0], *LOST_CARD, task_type="card_lost")
    conversation = page.locator("#conversation")
    top = "e => e.scrollTop"
    press(page, "End")
    page.wait_for_function(
        "() => { const e = document.getElementById('conversation');"
        " return e.scrollTop > 30_000 && e.scrollHeight - e.clientHeight - e.scrollTop <= 1 }"
    )
    for focus in ("body", "[data-score=tone] input", "#skip-button"):
        page.locator(focus).first.focus() if focus != "body" else None
        press(page, "Home", "PageDown")
        first = conversation.evaluate(top)
        assert first > 100, focus
        press(page, "PageDown", "PageUp")
        assert abs(conversation.evaluate(top) - first) <= 1  # a scroll ends at a part of a pixel
    page.evaluate("document.activeElement.blur()")
    press(page, "Home", " ")
    assert conversation.evaluate(top) == first
    press(page, "End", "PageDown")
    expect(page.locator("#hint")).to_have_text("The text ends here.")
    press(page, "d")
    expect(page.locator("#hint")).to_contain_text("opens the editor")
    press(page, "g", "Escape")
    expect(page.locator("#guidelines")).to_be_hidden()
    expect(page.locator("#hint")).not_to_contain_text("nothing")
    for before in ([], ["e", "Escape"], ["x"], ["4", "2"]):
        press(page, *before)
        for key in [*"7qz", "Escape", *"123456", "ArrowLeft", "ArrowDown", "u", "d", "End", "Home"]:
            if page.evaluate("document.activeElement.matches('textarea')"):
                press(page, "Escape")  # out of the text into which an arrow key led
            page.evaluate("document.getElementById('hint').textContent = ''")
            page.evaluate("document.querySelector('.toast')?.remove()")
            was = state(page)
            press(page, key)
            assert state(page) != was, (before, key)


def act_on(page: Page, keys: str) -> None:
    """Press keys, each of which changes something."""
    for key in keys:
        page.evaluate("document.getElementById('hint').textContent = ''")
        was = state(page)
        press(page, key)
        assert state(page) != was, key


def test_no_key_goes_nowhere_in_dialogs_and_refusals(site: Site) -> None:
    page = site.open("Ada", viewport=LAPTOP)
    item = start(page)
    see(page)
    for opens, keys in (("f", "2z?1"), ("?", "a?")):
        press(page, opens)
        act_on(page, keys)
        press(page, "Escape")
        expect(page.locator("dialog[open]")).to_have_count(0)
    press(page, "e")
    expect(page.locator("#corrected")).to_be_focused()
    page.keyboard.type(" More.")
    press(page, "Escape")
    with transaction(site.engine) as connection:
        flag(connection, item, site.world.rows["Lea"], utc_now(), "personal data")
    press(page, "Control+Enter", "4", "1", "Enter")
    expect(page.locator("#banner")).to_contain_text("flagged")
    act_on(page, "aexsnfd1")
    press(page, "Control+Enter")
    expect(page.locator("#hint")).to_contain_text("Press O")
    with page.expect_navigation():
        press(page, "o")
    see(page)
    assert number(page) != item

    page.context.clear_cookies(name=COOKIE)
    press(page, "a")
    expect(page.locator("#banner")).to_contain_text("Sign in")
    page.evaluate("document.getElementById('hint').textContent = ''")
    press(page, "a")
    expect(page.locator("#hint")).to_contain_text("Sign in")


def _long_text() -> tuple[list[dict[str, str]], str]:
    messages, response = LOST_CARD
    return [*messages[:-1], {"role": "user", "content": "A line of text.\n" * 3000}], response


def test_the_second_review_can_be_undone_until_compared(site: Site) -> None:
    ada, ben = site.open("Ada"), site.open("Ben")
    item = start(ada)
    assert item == start(ben)
    accept(ada)
    accept(ben)
    ada.goto(f"{site.url}/review/{item}")
    expect(ada.get_by_role("heading", name="Review submitted")).to_be_visible()
    assert "Ben" not in ada.locator("main").inner_text()
    with ben.expect_navigation():
        press(ben, "u")
    assert number(ben) == item
    see(ben)
    with ben.expect_navigation():
        press(ben, "x", "1", "1", "Enter")
    with transaction(site.engine) as connection:
        before = utc_now() - UNDO_TIME
        own = update(ReviewItem).where(ReviewItem.id == item)
        connection.execute(own.values(complete_since=before))
    ada.reload()  # opens the discussion
    expect(ada.get_by_role("heading", name="disagree").first).to_be_visible()
    expect(ada.locator("#no-correction")).to_be_visible()
    expect(ada.locator("#between")).to_have_count(0)
    press(ada, "u")
    assert number(ada) == item
    expect(ada.locator("#hint")).to_contain_text("can't be undone")
    ada.locator("#message").fill("**No** <b onclick=x>refund</b>")
    ada.locator("#send").click()
    expect(ada.locator("#messages strong")).to_have_text("No")
    expect(ada.locator("#messages b")).to_have_count(0)
    ben.goto(f"{site.url}/review")
    row = ben.locator(f"#waiting li:has(a[data-item='{item}'])")
    expect(row).to_contain_text("Your turn")
    expect(row).to_contain_text("Yes, both are blocked. But how do I get at money tonight?")


def test_notes_and_problems_cover_nothing(site: Site) -> None:
    page = site.open("Ada", viewport=LAPTOP)
    start(page)
    accept(page)
    toast = page.locator(".toast").bounding_box()
    text = page.locator("#conversation").bounding_box()
    assert toast is not None
    assert text is not None
    assert toast["y"] + toast["height"] <= text["y"]
    press(page, "e")
    page.keyboard.type("\nline" * 40)
    press(page, "Control+Enter")
    page.locator("#comment").focus()
    page.locator("#corrected").focus()
    page.keyboard.type(" more")
    bar = page.locator("footer.actions").bounding_box()
    fields = page.locator("#review .fields").bounding_box()
    assert bar is not None
    assert fields is not None
    assert fields["y"] + fields["height"] <= bar["y"] + 1
    assert bar["y"] + bar["height"] <= LAPTOP["height"]

    phone = site.open("Ben", viewport=PHONE)
    start(phone)
    verdict, bar = (
        phone.locator(part).bounding_box() for part in ("[data-field=verdict]", "footer.actions")
    )
    assert verdict is not None
    assert bar is not None
    assert verdict["y"] + verdict["height"] <= bar["y"]


def test_the_help_lists_the_keys_that_act(site: Site) -> None:
    page = site.open("Ada")
    pages = ["/review", f"/review/{start(page)}"]
    accept(page)
    pages.append(pages[1])
    for place in pages:
        page.goto(site.url + place)
        listed = page.locator("#help dt kbd").evaluate_all("all => all.map(e => e.textContent)")
        matches = {key for label in listed for key in NAMES.get(label, [label.lower()])}
        acting = set(json.loads(page.locator("body").get_attribute("data-keys") or "[]"))
        assert acting - matches == set(), place
        if place != pages[-1] or page.locator("#review").count():
            assert matches - acting == set(), place
