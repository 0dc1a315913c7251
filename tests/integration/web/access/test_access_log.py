"""The access log: sign-ins and reads, before a response is sent, and its page."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import Mock

import httpx
import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import Engine, text, update
from sqlalchemy.exc import DBAPIError

from monitor.settings import Configuration, Secrets, Settings
from monitor.store.access_log import Access, AccessFilter, append_access, list_accesses
from monitor.store.engine import transaction
from monitor.store.model_sets import EVERY_MODEL
from monitor.store.review.items import items_with_status
from monitor.store.tables import AccessEntry
from monitor.web import error_pages
from monitor.web.access.access_pages import ENTRIES_SHOWN
from monitor.web.server import BackgroundServer
from tests.integration.web.access.test_task_types_of_others import MARK, pages, world  # noqa: F401
from tests.support.review.review_world import PASSWORD, World
from tests.support.review.roles import give_role
from tests.support.web.apps import create_app
from tests.support.web.route_table import Visitor


@pytest.fixture(autouse=True)
def _short_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw no tracebacks: each takes seconds."""
    monkeypatch.setattr(error_pages, "log", Mock())


@pytest.fixture
def app(world: World, clock: datetime) -> Litestar:  # noqa: F811
    return create_app(world.engine, Settings(), Secrets(), clock=lambda: clock)


@pytest.fixture
def client(app: Litestar) -> Iterator[TestClient[Any]]:
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def item(world: World) -> int:  # noqa: F811
    """Return an item of the other task type that two users have reviewed."""
    with transaction(world.engine) as connection:
        return items_with_status(connection, "disagreed", EVERY_MODEL)[0].id


def visit(client: TestClient[Any], name: str) -> Visitor:
    visitor = Visitor(client)
    assert visitor.sign_in(name).status_code == 200
    return visitor


def entries(engine: Engine, **search: Any) -> list[Any]:
    with transaction(engine) as connection:
        return list_accesses(connection, AccessFilter(**search), 10_000)


def forbid_entries(engine: Engine) -> None:
    with transaction(engine) as connection:
        connection.execute(
            text(
                "CREATE TRIGGER full BEFORE INSERT ON access_log "
                "BEGIN SELECT RAISE(ABORT, 'disk is full'); END"
            )
        )


def test_an_entry_says_who_what_when_and_from_where(
    client: TestClient[Any],
    world: World,  # noqa: F811
    clock: datetime,
    item: int,
) -> None:
    visit(client, "Lea").get(f"/review/{item}")
    (row,) = entries(world.engine, action="read")
    assert (row.actor, row.kind, row.object_id, row.model) == (
        "Lea",
        "item",
        str(item),
        "assistant",
    )
    assert (row.occurred_at, row.place, row.source) == (clock, f"/review/{item}", "web")
    assert row.address == "testclient"


@pytest.mark.parametrize(
    "path", ["/review/{}", "/api/items/{}", "/drift-evaluations/1/report?kind=evidently"]
)
def test_without_an_entry_no_text_is_sent(
    client: TestClient[Any],
    world: World,  # noqa: F811
    path: str,
    item: int,
) -> None:
    lea, path = visit(client, "Lea"), path.format(item)
    assert MARK in lea.get(path).text
    forbid_entries(world.engine)
    response = lea.get(path)
    assert response.status_code in {500, 503}
    assert MARK not in response.text
    assert lea.get("/overview").status_code == 200


def test_refusal_is_not_logged_as_read(client: TestClient[Any], world: World, item: int) -> None:  # noqa: F811
    ada = visit(client, "Ada")
    for path in (
        "/review/999",
        f"/review/{item}",
        f"/api/items/{item}",
        "/incidents/99",
        "/decisions/1",
    ):
        assert ada.get(path).status_code in {403, 404}
    assert ada.get("/human-evaluations/1/rate").status_code == 303
    assert not entries(world.engine, action="read")


def test_a_page_that_refreshes_itself_is_one_read(
    client: TestClient[Any],
    world: World,  # noqa: F811
    item: int,
) -> None:
    lea = visit(client, "Lea")
    for _ in range(3):
        lea.get(f"/review/{item}", headers={"hx-request": "true"})
    assert len(entries(world.engine, action="read")) == 1
    # The header hides no read of something else, and none that a user makes.
    lea.get(f"/api/items/{item}", headers={"hx-request": "true"})
    lea.get(f"/review/{item}")
    assert len(entries(world.engine, action="read")) == 3


def test_sign_ins_failures_and_sign_outs_are_recorded(
    client: TestClient[Any],
    world: World,  # noqa: F811
) -> None:
    visitor = Visitor(client)
    assert visitor.sign_in("Ada", "wrong").status_code == 401
    assert visitor.sign_in("hunter2 my password", "wrong").status_code == 401
    assert visitor.post("/login", {"name": PASSWORD, "password": "x"}).status_code == 401
    assert visitor.sign_in(" Ada ").status_code == 200
    assert visitor.post("/logout").status_code == 303
    rows_read = [(row.action, row.actor, row.place) for row in reversed(entries(world.engine))]
    assert rows_read == [
        ("sign_in_refused", "Ada", "/api/login"),
        ("sign_in_refused", "", "/api/login"),
        ("sign_in_refused", "", "/login"),
        ("signed_in", "Ada", "/api/login"),
        ("signed_out", "Ada", "/logout"),
    ]
    with transaction(world.engine) as connection:
        stored = repr(connection.execute(text("SELECT * FROM access_log")).all())
    assert "hunter2" not in stored
    assert PASSWORD not in stored


def test_without_an_audit_entry_only_sign_out_works(
    client: TestClient[Any],
    world: World,  # noqa: F811
) -> None:
    ada = visit(client, "Ada")
    forbid_entries(world.engine)
    assert ada.post("/logout").status_code == 303
    assert ada.get("/overview").status_code == 303
    ada.renew_token()
    assert ada.sign_in("Ada").status_code in {500, 503}
    assert ada.get("/overview").status_code == 303


def test_entries_are_never_changed(any_engine: Engine, clock: datetime) -> None:
    access = Access(occurred_at=clock, source="web", actor="Ada", action="read")
    with transaction(any_engine) as connection:
        append_access(connection, access)
    with pytest.raises(DBAPIError), any_engine.begin() as connection:
        connection.execute(update(AccessEntry).values(actor="Ben"))
    if any_engine.dialect.name == "sqlite":
        with pytest.raises(DBAPIError), any_engine.begin() as connection:
            connection.execute(
                text("INSERT OR REPLACE INTO access_log SELECT * FROM access_log WHERE id = 1")
            )
    assert [row.actor for row in entries(any_engine)] == ["Ada"]


def test_leads_search_by_account_item_and_time(
    client: TestClient[Any],
    world: World,  # noqa: F811
    clock: datetime,
) -> None:
    with transaction(world.engine) as connection:
        for n in range(ENTRIES_SHOWN + 20):
            append_access(
                connection,
                Access(
                    occurred_at=clock + timedelta(days=n), source="web", actor=f"user{n % 2}",
                    action="read", kind="item", object_id=str(n), model="assistant",
                    place=f"/review/{n}", address="10.0.0.7",
                ),
            )  # fmt: skip
    lea = visit(client, "Lea")
    rows = lambda query: lea.get(f"/access-log{query}").text.count('class="when"')  # noqa: E731
    assert rows("") == ENTRIES_SHOWN
    older = lea.get("/access-log").text.partition('href="/access-log?')[2].partition('"')[0]
    assert rows(f"?{older.replace('&amp;', '&')}") == 20 + 1  # and the own sign-in
    assert rows("?actor=user1&kind=item&object_id=3") == 1
    assert rows("?actor=user0&kind=item&object_id=3") == 0
    first, second = (f"{clock + timedelta(days=n):%Y-%m-%d}" for n in (5, 7))
    assert rows(f"?since={first}&until={second}") == 3
    assert rows("?address=10.0.0.8") == 0
    assert rows("?action=signed_in") == 1
    assert rows("?since=nonsense&before_id=-1&action=nonsense") == ENTRIES_SHOWN
    assert rows("?before_id=99999999999999999999999") == ENTRIES_SHOWN


def test_log_is_for_leads_and_of_their_models(
    world: World,  # noqa: F811
    clock: datetime,
) -> None:
    settings = Configuration(models={"assistant": {}, "other": {}})
    app = create_app(world.engine, settings, Secrets(), clock=lambda: clock)
    with transaction(world.engine) as connection:
        for model in ("assistant", "other", ""):
            append_access(
                connection,
                Access(
                    occurred_at=clock, source="web", actor="Ben", action="read", kind="item",
                    object_id=f"of-{model}", model=model, place="/review/1",
                ),
            )  # fmt: skip
        give_role(connection, world.users["Ben"], "lead", model="other")
    with TestClient(app, raise_server_exceptions=False) as client:
        assert visit(client, "Ada").get("/access-log").status_code == 403
        page = visit(client, "Ben").get("/access-log").text
        assert "of-other" in page
        assert "of-assistant" not in page
        assert "signed in</span>" not in page
        page = visit(client, "Lea").get("/access-log").text
        assert "of-assistant" in page
        assert "signed in</span>" in page


def test_markup_in_an_entry_is_text(
    client: TestClient[Any],
    world: World,  # noqa: F811
    clock: datetime,
) -> None:
    evil = "<script>alert(1)</script>"
    with transaction(world.engine) as connection:
        append_access(
            connection,
            Access(occurred_at=clock, source="command", actor=evil, action="exported", place=evil),
        )
    lea = visit(client, "Lea")
    assert evil not in lea.get("/access-log").text
    assert evil not in lea.get(f"/access-log?actor={evil}").text


def test_only_trusted_proxies_name_the_reader(app: Litestar, world: World, item: int) -> None:  # noqa: F811
    forwarded = {"x-forwarded-for": "203.0.113.9"}
    for trusted, address in ((("127.0.0.1",), "203.0.113.9"), ((), "127.0.0.1")):
        with (
            BackgroundServer(app, trusted_proxies=trusted) as server,
            httpx.Client(base_url=server.url, headers=forwarded, timeout=60) as http,
        ):
            lea = Visitor(http)
            assert lea.sign_in("Lea").status_code == 200
            lea.get(f"/review/{item}")
        last = entries(world.engine)[:2]
        assert {(address, "127.0.0.1")} == {(row.address, row.peer) for row in last}


def test_concurrent_reads_lose_no_entry(app: Litestar, world: World, item: int) -> None:  # noqa: F811
    with BackgroundServer(app) as server, httpx.Client(base_url=server.url, timeout=60) as http:
        lea = Visitor(http)
        assert lea.sign_in("Lea").status_code == 200
        with ThreadPoolExecutor(8) as pool:
            rows_read = list(pool.map(lambda _: lea.get(f"/review/{item}").status_code, range(24)))
    assert rows_read == [200] * 24
    assert len(entries(world.engine, action="read")) == 24


def test_an_entry_takes_milliseconds(client: TestClient[Any], world: World, item: int) -> None:  # noqa: F811
    """Measured with the write and without: refreshes of a page write nothing."""
    lea = visit(client, "Lea")
    spent = {}
    for headers in ({"hx-request": "true"}, {}):
        lea.get(f"/review/{item}", headers=headers)
        began = time.process_time()
        for _ in range(20):
            assert lea.get(f"/review/{item}", headers=headers).status_code == 200
        spent[bool(headers)] = (time.process_time() - began) / 20
    assert spent[False] - spent[True] < 0.02
