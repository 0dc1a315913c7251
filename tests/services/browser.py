"""A real Chromium, and sign-in of users."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from secrets import token_urlsafe

from playwright.sync_api import Browser, BrowserContext, sync_playwright
from sqlalchemy import Engine

from bench.services.requirement import program
from monitor.accounts.sessions import COOKIE, MAX_AGE
from monitor.store.accounts.sessions import save_session
from monitor.store.engine import transaction
from tests.support.present import utc_now

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Launch Chromium; skip the test if it is missing.

    The headless shell has the same engine. The whole browser runs its own window too, at three
    times the pages' processor time.
    """
    shell = shutil.which("chromium-headless-shell")
    path = shell or program("chromium", "`apt-get install chromium-headless-shell`")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield launched
        launched.close()


def give_session(context: BrowserContext, engine: Engine, url: str, user_id: int) -> None:
    """Sign a user in by a database session, without the form."""
    key = token_urlsafe(24)
    now = utc_now()
    value = f'{{"user_id":{user_id},"since":{now.timestamp()}}}'.encode()
    with transaction(engine) as connection:
        save_session(connection, key, value, now + MAX_AGE)
    context.add_cookies([{"name": COOKIE, "value": key, "url": url}])
