"""Texts that are hard to show: very long ones, hidden characters, Markdown."""

import pytest
from playwright.sync_api import CDPSession, Page, expect

from tests.support.web.reviewer_actions import start
from tests.support.web.site import Site
from tests.support.web.support_desk import queue_of, retell, user

pytestmark = pytest.mark.browser

N = 200_000
#: Characters of the blocks that a browser lays out: a placeholder is about 40 lines high, far less.
LAID_OUT = """(selector) => [...document.querySelectorAll(`${selector} .text`)]
    .flatMap((text) => text.children.length ? [...text.children] : [text])
    .filter((block) => block.offsetHeight > 1000)
    .map((block) => block.textContent.length)"""
#: Left edges of the characters of a text node's parent, in the order of the text.
EDGES = """(element) => {
    const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    const edges = [];
    while (walker.nextNode()) {
        for (let at = 0; at < walker.currentNode.length; at += 1) {
            const range = document.createRange();
            range.setStart(walker.currentNode, at);
            range.setEnd(walker.currentNode, at + 1);
            edges.push([walker.currentNode.data[at], range.getBoundingClientRect().left]);
        }
    }
    return edges;
}"""


def show(site: Site, prompt: str, response: str, width: int = 1280) -> Page:
    """Open the first item of a reviewer with these texts."""
    retell(site.world, queue_of(site.world)[0], [user(prompt)], response)
    page = site.open("Ada", viewport={"width": width, "height": 844})
    start(page)
    return page


@pytest.mark.parametrize("width", [390, 1280])
def test_only_visible_text_is_laid_out(site: Site, width: int) -> None:
    page = show(site, "x" * N, "[" * N, width)
    for selector in (".turn.user", "#response"):
        assert N == page.locator(f"{selector} .text").evaluate("e => e.textContent.length")
        laid_out = page.evaluate(LAID_OUT, selector)
        assert sum(laid_out) <= 16_000, selector
    page.keyboard.press("e")
    expect(page.locator("#corrected")).to_be_focused()
    assert N == len(page.locator("#corrected").input_value())


@pytest.mark.parametrize("width", [1280, 390])
def test_a_long_text_is_open_within_300_milliseconds(site: Site, width: int) -> None:
    """By the processor time of the page's main thread, which other load doesn't change much."""
    page = show(site, "x" * N, "[" * N, width)
    address = page.url
    tracing = page.context.new_cdp_session(page)
    tracing.send("Performance.enable")
    spent = []
    for _ in range(3):
        page.goto("about:blank")
        before = thread_seconds(tracing)
        page.goto(address)
        page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
        spent.append(thread_seconds(tracing) - before)
    assert min(spent) < 0.3, spent


def thread_seconds(tracing: CDPSession) -> float:
    """Return the processor time of a page's main thread."""
    metrics = tracing.send("Performance.getMetrics")["metrics"]
    return float(next(metric["value"] for metric in metrics if metric["name"] == "ThreadTime"))


def test_hidden_characters_are_marked_and_have_no_effect(site: Site) -> None:
    page = show(site, "Pay \u202eJOHN now, pass\u200bword", "Done.")
    text = page.locator(".turn.user .text")
    assert "Pay \u202eJOHN now, pass\u200bword" == text.evaluate("e => e.textContent")
    marks = text.locator(".unseen")
    assert ["U+202E", "U+200B"] == [mark.get_attribute("data-name") for mark in marks.all()]
    for mark in marks.all():
        box = mark.bounding_box()
        assert box is not None
        assert box["width"] > 20
    name = [left for symbol, left in text.evaluate(EDGES) if symbol in "JOHN"]
    assert name == sorted(name), "the order of the text, not that of the override"


def test_markdown_is_rendered_below_its_source(site: Site) -> None:
    source = "**Fees**\n\n| from | fee |\n|---|--:|\n| 1 € | [0](https://a.example) |\n"
    page = show(site, "What does it cost?", source)
    response = page.locator("#response")
    assert source == response.locator(".text").first.evaluate("e => e.textContent")
    expect(response.locator(".markdown td").first).to_have_text("1 €")
    expect(response.locator(".markdown")).to_contain_text("https://a.example")
    expect(response.locator("a")).to_have_count(0)
    expect(page.locator(".turn.user .markdown")).to_have_count(0)
