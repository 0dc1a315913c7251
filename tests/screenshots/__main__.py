"""Screenshots of the documentation, from sample data and a run of the demo: `make screenshots`.

With `--all DIR`, screenshots of all pages, light and dark, at several sizes.
"""

import argparse
import tempfile
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

from playwright.sync_api import Browser, Page

from monitor.daemon.web_app import create_app
from monitor.settings import Review, Secrets, Settings, load_configuration
from monitor.store.accounts.users import user_by_name
from monitor.store.alerts.incidents import list_incidents
from monitor.store.engine import make_engine, transaction
from monitor.store.tables import metadata
from monitor.web.server import BackgroundServer
from tests.services.browser import chromium
from tests.support.present import utc_now
from tests.support.retrain.rollout_desk import settings_of
from tests.support.review.human_evaluation import make_human_evaluation
from tests.support.review.item_states import make_talk
from tests.support.review.review_world import World
from tests.support.web.pictures import reduce_colours
from tests.support.web.reviewer_actions import choose, start
from tests.support.web.rollout_world import make_desk as make_rollout_desk
from tests.support.web.site import Site
from tests.support.web.support_desk import RIGHT, make_desk

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs" / "images"
SIZES = {
    "documentation": (1280, 1130),
    "wide": (1280, 640),
    "human-evaluation": (1280, 760),
    "tall": (1280, 1640),
    "desk": (1440, 900),
    "landscape": (1024, 768),
    "portrait": (768, 1024),
    "phone": (390, 844),
}
#: Above it, a picture makes a clone of the repository slow.
MAX_BYTES = 200_000


class Studio:
    """A site, with windows of one size and colour scheme."""

    def __init__(self, site: Site, folder: Path, size: str, scheme: str) -> None:
        self.site, self.folder, self.size, self.scheme = site, folder, size, scheme

    def open(self, name: str, path: str = "/review") -> Page:
        """Open a page as a user."""
        width, height = SIZES[self.size]
        return self.site.open(
            name,
            path,
            viewport={"width": width, "height": height},
            color_scheme=self.scheme,
            reduced_motion="reduce",
        )

    def shoot(self, page: Page, name: str) -> None:
        """Take a screenshot after rendering."""
        page.wait_for_timeout(400)
        path = self.folder / f"{name}.png"
        page.screenshot(path=path)
        reduce_colours(path)


def correct_the_stolen_bag(page: Page) -> None:
    """Fill in the review of the first item."""
    for key in "2332":
        page.keyboard.press(key)
    page.keyboard.press("e")
    page.locator("#corrected").fill(RIGHT)
    page.keyboard.press("Escape")
    choose(page, "error_kind", "knowledge")
    choose(page, "answerable", "facts_missing")
    page.locator("#saved.good").wait_for()


def rate_two_responses(studio: Studio) -> Page:
    """Rate two of the three responses of the first item of a human evaluation."""
    human_evaluation = make_human_evaluation(studio.site.engine, utc_now(), n=12)
    page = studio.open("Ada", f"/human-evaluations/{human_evaluation}")
    page.keyboard.press("Enter")
    page.wait_for_url("**/rate")
    for key in "45535333":
        page.keyboard.press(key)
    page.locator("#saved.good").wait_for()
    return page


def roll_out(site: Site) -> int:
    """Run a rollout for 60 hours, and return its id."""
    now = utc_now().replace(minute=12, second=0, microsecond=0)
    settings = settings_of("assistant", min_dwell="48h", max_hold="96h", holdback_time="48h")
    desk = make_rollout_desk(site.engine, now - timedelta(hours=60), settings, n_canary=200)
    desk.start()
    desk.tick()
    desk.run_hours(60)
    return desk.rollout().id


def documentation(site: Site) -> None:
    """Take the screenshots of the documentation."""
    for scheme, suffix in (("light", ""), ("dark", "-dark")):
        site.reset()
        studio = Studio(site, IMAGES, "documentation", scheme)
        ada = studio.open("Ada")
        start(ada)
        correct_the_stolen_bag(ada)
        ada.locator("#verdict-label").scroll_into_view_if_needed()
        studio.shoot(ada, f"review{suffix}")
    site.reset()
    item = make_talk(site)
    studio = Studio(site, IMAGES, "documentation", "light")
    studio.shoot(studio.open("Ada", f"/review/{item}"), "discussion")
    studio = Studio(site, IMAGES, "wide", "light")
    studio.shoot(studio.open("Ben"), "queue")
    # Before the human evaluation, which hides the checks of rollouts.
    studio = Studio(site, IMAGES, "tall", "light")
    studio.shoot(studio.open("Lea", f"/rollouts/{roll_out(site)}"), "rollout")
    studio = Studio(site, IMAGES, "human-evaluation", "light")
    studio.shoot(rate_two_responses(studio), "human-evaluation")


def lead_pages(demo: Path, browser: Browser, stack: ExitStack) -> None:
    """Take the screenshots of the pages of leads: the last week of a run of the demo."""
    configuration = load_configuration(demo / "config.toml")
    engine = make_engine(configuration.database.url)
    stack.callback(engine.dispose)
    with transaction(engine) as connection:
        (incident,) = list_incidents(connection, cause="drift")
        lead = user_by_name(connection, "lead")
    assert lead is not None
    assert incident.last_evaluation_id is not None
    evaluation = incident.last_evaluation_id
    with BackgroundServer(create_app(engine, configuration, Secrets())) as server:
        site = Site(server.url, World(engine, 0, evaluation, {"lead": lead.id}, {}), browser, stack)
        for name, path, height in (
            ("drift-page", f"/drift-evaluations/{evaluation}", 1900),
            ("progress", f"/progress?model={incident.model}", 1525),
        ):
            size = {"width": 1200, "height": height}
            page = site.open("lead", path, viewport=size, reduced_motion="reduce")
            page.wait_for_timeout(400)
            page.screenshot(path=IMAGES / f"{name}.jpg", quality=70)


def everything(site: Site, folder: Path) -> None:
    """Take every page in every size and both colour schemes."""
    for size in ("desk", "landscape", "portrait", "phone"):
        for scheme in ("light", "dark"):
            site.reset()
            place = folder / f"{size}-{scheme}"
            place.mkdir(parents=True, exist_ok=True)
            studio = Studio(site, place, size, scheme)
            studio.shoot(studio.open("", "/login"), "login")
            studio.shoot(studio.open("", "/nothing"), "404")
            studio.shoot(studio.open("Ben"), "welcome")
            item = make_talk(site)
            studio.shoot(studio.open("Ada", f"/review/{item}"), "discussion")
            studio.shoot(studio.open("Ben"), "queue")
            ada = studio.open("Ada")
            start(ada)
            studio.shoot(ada, "fresh")
            studio.shoot(rate_two_responses(studio), "human-evaluation")
            ada.keyboard.press("e")
            ada.keyboard.type(" Send `Bearer` before it.")
            ada.keyboard.press("Escape")
            studio.shoot(ada, "review")
            ada.keyboard.press("g")
            studio.shoot(ada, "guidelines")
            ada.keyboard.press("?")
            studio.shoot(ada, "keys")
            ada.keyboard.press("Escape")
            ada.keyboard.press("f")
            studio.shoot(ada, "flag")


def main() -> None:
    """Parse the command line and take the screenshots."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", type=Path, metavar="DIR")
    parser.add_argument("--demo", type=Path, metavar="DIR", help="folder of a run of the demo")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, chromium() as browser, ExitStack() as stack:
        engine = make_engine(f"sqlite:///{folder}/pictures.db")
        metadata.create_all(engine)
        world = make_desk(engine, utc_now().replace(microsecond=0))
        settings = Settings(review=Review(audit_share=1.0))
        with BackgroundServer(create_app(engine, settings, Secrets())) as server:
            site = Site(server.url, world, browser, stack)
            if options.all:
                everything(site, options.all)
            else:
                documentation(site)
                lead_pages(options.demo, browser, stack)
            stack.close()
        engine.dispose()
    for picture in IMAGES.iterdir():
        if picture.stat().st_size > MAX_BYTES:
            raise SystemExit(f"{picture} weighs {picture.stat().st_size} bytes: take less of it")


if __name__ == "__main__":
    main()
