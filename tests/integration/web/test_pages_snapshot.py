"""Snapshots of pages with a fixed text: sign-in, links, errors and empty lists."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import Engine

from monitor.accounts.registration import create_user
from monitor.accounts.users import Actor, invite
from monitor.settings import Secrets, Settings
from monitor.store.audit_log import SYSTEM
from monitor.store.engine import transaction
from monitor.web import error_pages
from tests.support.review.review_world import PASSWORD
from tests.support.web.apps import create_app


class MainText(HTMLParser):
    """The visible text of a page's main element, one line per text node."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._is_main = False

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self._is_main = self._is_main or tag == "main"

    def handle_endtag(self, tag: str) -> None:
        self._is_main = self._is_main and tag != "main"

    def handle_data(self, data: str) -> None:
        text = " ".join(data.split())
        if self._is_main and text:
            self.lines.append(text)


def main_text(html: str) -> str:
    parser = MainText()
    parser.feed(html)
    return "\n".join(parser.lines)


@pytest.fixture
def client(engine: Engine, clock: datetime) -> Iterator[TestClient[Litestar]]:
    app = create_app(engine, Settings(), Secrets(), clock=lambda: clock)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def admin(client: TestClient[Litestar], engine: Engine, clock: datetime) -> TestClient[Litestar]:
    """Return a client signed in as an admin, with a database without traffic."""
    with transaction(engine) as connection:
        create_user(connection, "Lea", PASSWORD, "admin", clock)
    token = re.search(r'csrf-token" content="([^"]+)"', client.get("/login").text)
    assert token is not None
    client.headers["x-csrftoken"] = token[1]
    assert client.post("/api/login", json={"name": "Lea", "password": PASSWORD}).is_success
    return client


def test_snapshot_of_the_first_sign_in_page(client: TestClient[Litestar], snapshot: Any) -> None:
    assert main_text(client.get("/login").text) == snapshot


def test_snapshot_of_link_pages(
    client: TestClient[Litestar], engine: Engine, clock: datetime, snapshot: Any
) -> None:
    with transaction(engine) as connection:
        link = invite(
            connection, Actor(SYSTEM), name="Ada", now=clock, link_lifetime=timedelta(days=7)
        )
    assert link is not None
    assert main_text(client.get(link.path).text) == snapshot(name="valid")
    assert main_text(client.get(link.path[:-1]).text) == snapshot(name="unknown")
    assert main_text(client.get("/login").text) == snapshot(name="sign-in page")


@pytest.mark.parametrize(
    "path",
    [
        "/review",
        "/submitted",
        "/account",
        "/human-evaluations",
        "/drift-evaluations",
        "/digest",
        "/incidents",
        "/models",
        "/progress",
        "/decisions",
        "/runs",
        "/candidate-evaluations",
        "/users",
        "/nothing-here",
    ],
)
def test_snapshot_of_pages_without_data(
    admin: TestClient[Litestar], path: str, snapshot: Any
) -> None:
    assert main_text(admin.get(path).text) == snapshot


def test_snapshot_of_error_titles(snapshot: Any) -> None:
    assert snapshot == (error_pages.TITLES, error_pages.EXPLANATIONS)


def test_snapshot_of_refused_pages(
    admin: TestClient[Litestar], engine: Engine, clock: datetime, snapshot: Any
) -> None:
    old_form = admin.post("/users", data={"name": "Ada"}, headers={"x-csrftoken": "0" * 128})
    assert old_form.status_code == 403
    assert main_text(old_form.text) == snapshot(name="open for too long")
    with transaction(engine) as connection:
        create_user(connection, "Ada", PASSWORD, "reviewer", clock)
    assert admin.post("/api/login", json={"name": "Ada", "password": PASSWORD}).is_success
    page = admin.get("/progress")
    assert page.status_code == 403
    assert main_text(page.text) == snapshot(name="role")
