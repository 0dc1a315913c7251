"""The pages of leads, in a browser."""

import pytest
from playwright.sync_api import expect

from tests.support.web.site import Site

pytestmark = pytest.mark.browser


def test_pages_of_a_lead(site: Site) -> None:
    page = site.open("Lea")
    base, evaluation_id = site.url, site.world.evaluation_id
    page.goto(f"{base}/progress")
    expect(page.get_by_role("heading", name="items are settled")).to_be_visible()
    expect(page.get_by_text("No decision yet").first).to_be_visible()
    page.goto(f"{base}/drift-evaluations/{evaluation_id}")
    expect(page.locator("h1")).to_contain_text("Customers ask about two things")
    page.locator("details.topic-card summary").first.click()
    expect(page.get_by_text("<script>alert(1)</script> is my wallet safe?")).to_be_visible()
    page.get_by_text("Basis of these figures").click()
    expect(page.get_by_role("cell", name="0.0123").first).to_be_visible()
    page.get_by_role("link", name="Report as one file").click()
    expect(page.locator("h1")).to_contain_text("Customers ask about two things")
    assert page.evaluate("window.origin") == "null"
    page.get_by_role("link", name="Evidently's report").click()
    page.wait_for_url("**/report?kind=evidently")
    assert page.title() == "ran"
    # Its own origin: the script ran, but can't see the session or the site.
    assert page.evaluate("window.origin") == "null"
    response = page.request.get(f"{base}/drift-evaluations/{evaluation_id}/assessment.json")
    assert response.json()["verdict"] == "drift"
    for path in ("/drift-evaluations", "/incidents", "/models"):
        page.goto(base + path)
        expect(page.locator("h1").first).to_be_visible()
    for width in (720, 1024, 1280, 1600):  # no page of the navigation is out of sight
        page.set_viewport_size({"width": width, "height": 800})
        last = page.locator(".topbar nav a").last.bounding_box()
        assert last is not None
        assert last["x"] + last["width"] <= width
    response = page.goto(f"{base}/nothing-here")
    assert response is not None
    assert response.status == 404
    expect(page.locator("h1")).to_have_text("Page not found")
