"""Report of an assessment in a real browser: as a file, on a phone, in the dark theme, printed."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from monitor.windows.report.page import render_page
from tests.support.windows.assessments import (
    huge,
    make_assessment,
    make_family,
    make_growth,
    make_topic,
)

pytestmark = pytest.mark.browser


@pytest.fixture
def page_file(tmp_path: Path) -> Path:
    """Return the largest report."""
    path = tmp_path / "page.html"
    path.write_text(render_page(huge("wide "), evidently="evidently.html"), encoding="utf-8")
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 820, 1440])
def test_the_largest_page_is_one_request_and_fits(
    browser: Browser, page_file: Path, scheme: str, width: int
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=True
    )
    page = context.new_page()
    requests: list[str] = []
    problems: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(page_file.as_uri(), wait_until="networkidle")
    assert [page_file.as_uri()] == requests
    assert problems == []
    assert len(page.query_selector_all("script")) == 0
    assert width >= page.evaluate("document.documentElement.scrollWidth")
    page.get_by_text("Basis of these figures").click()
    expect(page.get_by_role("region", name="Tests of the input")).to_be_visible()
    assert width >= page.evaluate("document.documentElement.scrollWidth")
    context.close()


def test_a_bar_is_as_high_as_its_share(browser: Browser, tmp_path: Path) -> None:
    topic = make_topic(share_reference=0.0, growth=make_growth(0.05, None, 0.2))
    family = make_family(verdict="drift", alarm=True, topics=(topic,))
    path = tmp_path / "page.html"
    path.write_text(render_page(make_assessment(0.3, input=family)), encoding="utf-8")
    page = browser.new_page()
    page.goto(path.as_uri())
    page.locator("details.topic-card summary").first.click()
    chart = page.get_by_role("img", name="Share by day: 5.0% on 2 Nov, 20% on 4 Nov")
    heights = [bar.bounding_box() for bar in chart.locator("rect").all()]
    content = [0 if box is None else round(box["height"]) for box in heights]
    assert content == [10, 0, 40]
    page.close()


def test_printed_page_shows_collapsed_sections(
    browser: Browser, page_file: Path, tmp_path: Path
) -> None:
    context = browser.new_context(color_scheme="dark")
    page = context.new_page()
    page.goto(page_file.as_uri())
    page.emulate_media(media="print")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(246, 244, 239)", "paper is light, whatever the screen is"
    assert page.pdf(path=tmp_path / "page.pdf", format="A4").startswith(b"%PDF")
    table = page.get_by_role("table", name="Tests of the output")
    assert table.bounding_box() is not None
    context.close()
