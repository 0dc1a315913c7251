"""The page of a rollout in a browser: it follows the rollout, fits a phone, and reverts."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import Engine

from monitor.accounts.registration import create_user
from monitor.daemon.web_app import create_app
from monitor.settings import Secrets
from monitor.store.engine import transaction
from monitor.web.server import BackgroundServer
from retrain.rollout.transitions import stages
from tests.support.present import utc_now
from tests.support.retrain.rollout_desk import RolloutDesk, settings_of
from tests.support.review.review_world import PASSWORD, World
from tests.support.web.rollout_world import make_desk
from tests.support.web.site import Site

pytestmark = pytest.mark.browser
N_LINES = """cell => {
  const range = document.createRange();
  range.selectNodeContents(cell);
  return range.getClientRects().length;
}"""
#: The number of tables of which some is out of sight.
HIDDEN = (
    "[...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.clientWidth).length"
)


@pytest.fixture
def desk(engine: Engine) -> RolloutDesk:
    now = utc_now().replace(minute=12, second=0, microsecond=0)
    desk = make_desk(engine, now - timedelta(hours=8), settings_of(min_dwell="48h"))
    desk.start()
    desk.tick()
    desk.run_hours(8)
    return desk


@pytest.fixture
def site_of_rollout(desk: RolloutDesk, browser: Browser) -> Iterator[Site]:
    with transaction(desk.engine) as connection:
        lea = create_user(connection, "Lea", PASSWORD, "lead", desk.now)
    app = create_app(desk.engine, desk.settings, Secrets())
    world = World(desk.engine, 0, 0, {"Lea": lea}, {})
    with BackgroundServer(app) as server, ExitStack() as stack:
        site = Site(server.url, world, browser, stack)
        yield site
        assert site.problems == []


def test_page_follows_the_rollout_and_reverts_it(desk: RolloutDesk, site_of_rollout: Site) -> None:
    page = site_of_rollout.open("Lea", "/rollouts/1")
    expect(page.locator("#state .badge").first).to_have_text("Running at 5%")
    # What asks again every 20 seconds asks now.
    ask = "htmx.ajax('GET', '/rollouts/1', {target: '#state', swap: 'outerHTML'})"
    reason = page.get_by_label("Reason of a pause")
    reason.fill("comp")
    page.evaluate("document.querySelector('#state').dataset.old = ''")
    page.evaluate(ask)
    expect(page.locator("#state[data-old]")).to_have_count(0)
    page.keyboard.type("laints")  # a typed reason stays, with the focus
    expect(reason).to_have_value("complaints")
    with transaction(desk.engine) as connection:
        stages.pause(connection, 1, desk.now, by="Max", reason="release day")
    page.evaluate(ask)
    expect(page.locator("#state .badge").first).to_have_text("Paused at 5%")
    expect(page.get_by_role("button", name="Pause")).to_have_count(0)
    expect(page.get_by_role("button", name="Resume")).to_be_visible()

    page.get_by_role("link", name="Revert …").click()
    page.get_by_label("Reason, for the history").fill("complaints <b>today</b>")
    page.get_by_role("button", name="Revert now").click()
    expect(page.locator("#state")).to_contain_text("reverted by Lea")
    expect(page.locator("#state")).to_contain_text("complaints <b>today</b>")
    assert desk.rollout().status == "reverted"
    desk.tick(timedelta(seconds=5))
    page.reload()
    expect(page.locator("#state")).to_contain_text("the gateway confirmed it")


@pytest.mark.parametrize("width", [1280, 390, 320])
def test_pages_of_rollouts_fit_the_screen(
    desk: RolloutDesk, site_of_rollout: Site, width: int
) -> None:
    with transaction(desk.engine) as connection:
        stages.pause(connection, 1, desk.now, by="Max", reason="more complaints " * 30)
    size = {"width": width, "height": 844}
    page = site_of_rollout.open("Lea", "/rollouts/1", viewport=size)
    paths = ("/rollouts/1", "/rollouts", "/rollouts/1/advance", "/rollouts/1/revert")
    for path in (*paths, "/models/versions/2"):
        page.goto(site_of_rollout.url + path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    assert page.evaluate(HIDDEN) == 0, "a column of the version is out of sight"
    page.goto(f"{site_of_rollout.url}/rollouts/1")
    assert page.locator(".history td").first.evaluate(N_LINES) <= 2, "a date beside a long reason"
    charts = page.locator("svg.sequence")
    assert charts.count() >= 10
    for chart in charts.all():
        box = chart.bounding_box()
        assert box is not None
        assert box["width"] >= 0.6 * min(width, 450)
        assert box["height"] >= 100
