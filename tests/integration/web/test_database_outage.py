"""Pages while the database is unavailable: what they say, what still works, the way back."""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import Engine

from monitor.settings import Secrets, Settings
from monitor.web.error_pages import RETRY_SECONDS
from tests.support.review.review_world import World, make_world
from tests.support.web.apps import create_app
from tests.support.web.sign_in import sign_in

PAGE = "/incidents/7?model=assistant"


@pytest.fixture
def world(engine: Engine, clock: datetime) -> World:
    return make_world(engine, clock, n=2)


@pytest.fixture
def client(world: World) -> Iterator[TestClient[Litestar]]:
    with TestClient(create_app(world.engine, Settings(), Secrets())) as made:
        yield made


def stop(engine: Engine) -> None:
    """Make the database unavailable: its file is away, and none can be made there."""
    engine.dispose()
    file = Path(engine.url.database or "")
    file.rename(file.with_suffix(".away"))
    file.mkdir()


def start(engine: Engine) -> None:
    file = Path(engine.url.database or "")
    file.rmdir()
    file.with_suffix(".away").rename(file)


@pytest.mark.parametrize("has_session", [False, True])
@pytest.mark.parametrize("page", [PAGE, "/models", "/login?next=/incidents/7"])
def test_page_says_database_is_unavailable_and_stays(
    client: TestClient[Litestar], world: World, page: str, has_session: bool
) -> None:
    if has_session:
        sign_in(client, "Lea")
    stop(world.engine)
    response = client.get(page, follow_redirects=False)
    assert (response.status_code, response.headers["retry-after"]) == (503, str(RETRY_SECONDS))
    assert f'<meta http-equiv="refresh" content="{RETRY_SECONDS}">' in response.text
    assert f'href="{page}"' in response.text  # Try again
    assert 'href="/runbooks"' in response.text


def test_page_comes_back_to_its_address_after_an_outage(
    client: TestClient[Litestar], world: World
) -> None:
    stop(world.engine)
    assert client.get(PAGE, follow_redirects=False).status_code == 503
    start(world.engine)
    response = client.get(PAGE, follow_redirects=False)  # as the page does by itself
    assert response.status_code == 303
    assert parse_qs(urlsplit(response.headers["location"]).query)["next"] == [PAGE]


def test_session_outlives_an_outage(client: TestClient[Litestar], world: World) -> None:
    sign_in(client, "Lea")
    stop(world.engine)
    assert client.get("/models").status_code == 503
    assert client.get("/runbooks").status_code == 200
    start(world.engine)
    assert client.get("/models", follow_redirects=False).status_code == 200


@pytest.mark.parametrize("has_session", [False, True])
def test_runbooks_need_no_database(
    client: TestClient[Litestar], world: World, has_session: bool
) -> None:
    if has_session:
        sign_in(client, "Lea")
    stop(world.engine)
    page = client.get("/runbooks")
    for address in {"/runbooks", *re.findall(r'href="(/runbooks/[\w-]+)"', page.text)}:
        assert client.get(address).status_code == 200


def test_programs_and_forms_learn_of_redactions_too(
    client: TestClient[Litestar], world: World
) -> None:
    token = re.search(r'csrf-token" content="([^"]+)"', client.get("/login").text)
    assert token is not None
    assert client.get("/api/work").status_code == 401
    stop(world.engine)
    response = client.get("/api/work")
    assert (response.status_code, response.json()["status_code"]) == (503, 503)
    data = {"name": "Lea", "password": "x", "next": PAGE, "_csrf_token": token[1]}
    response = client.post("/login", data=data)
    assert response.status_code == 503
    assert "http-equiv" not in response.text  # a form isn't sent again by itself
