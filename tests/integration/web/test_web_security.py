"""Attacks: forged requests, fixed sessions, frames, guessed passwords, open redirects."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from http.cookies import SimpleCookie
from pathlib import Path

import httpx
import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import Engine, text
from structlog.testing import capture_logs

from monitor.accounts.sessions import COOKIE
from monitor.accounts.users import Actor, deactivate, invite, reactivate, reset_password
from monitor.daemon import web_app as product
from monitor.settings import Secrets, Settings
from monitor.settings.web import Web
from monitor.store.accounts.sessions import load_session
from monitor.store.audit_log import SYSTEM
from monitor.store.engine import transaction
from monitor.web.security import CSRF_COOKIE, local_path
from monitor.web.server import BackgroundServer
from tests.support.present import utc_now
from tests.support.review.review_world import PASSWORD, World, make_world
from tests.support.web.apps import create_app
from tests.support.web.route_table import (
    Route,
    Visitor,
    routes,
    unsafe_routes,
)

Visit = Callable[..., Visitor]


@pytest.fixture
def world(engine: Engine, clock: datetime) -> World:
    return make_world(engine, clock)


@pytest.fixture
def app(world: World) -> Litestar:
    return create_app(world.engine, Settings(), Secrets())


@pytest.fixture
def visit(app: Litestar) -> Iterator[Visit]:
    """Return a function that opens a browser, optionally signed in."""
    with ExitStack() as stack:
        urls: dict[int, str] = {}

        def start(name: str = "", application: Litestar = app) -> Visitor:
            if id(application) not in urls:
                urls[id(application)] = stack.enter_context(BackgroundServer(application)).url
            client = httpx.Client(base_url=urls[id(application)], timeout=60)
            visitor = Visitor(stack.enter_context(client))
            if name:
                assert visitor.sign_in(name).status_code < 300
            return visitor

        yield start


# --- forged requests


def test_unsafe_routes_require_the_csrf_token(app: Litestar, visit: Visit) -> None:
    lea, other = visit("Lea"), visit()
    right = lea.headers["x-csrftoken"]
    walked = list(unsafe_routes(app))
    assert len(walked) > 20
    wrong: list[dict[str, str]] = [
        {},
        {"x-csrftoken": ""},
        {"x-csrftoken": "0" * 128},
        {"x-csrftoken": other.headers["x-csrftoken"]},  # a real one, of another browser
        {"x-csrftoken": right[:-1] + ("0" if right[-1] != "0" else "1")},
    ]
    for route in walked:
        for headers in wrong:
            lea.headers = headers
            for body in ({"json": {}}, {"data": {"_csrf_token": headers.get("x-csrftoken", "")}}):
                response = lea.send(route.method, route.fill(), **body)
                assert response.status_code == 403, (route, headers, body)


def test_unsafe_routes_refuse_other_sites_despite_the_token(app: Litestar, visit: Visit) -> None:
    lea = visit("Lea")
    own = str(lea.client.base_url).rstrip("/")
    for route in unsafe_routes(app):
        for headers in (
            {"origin": "https://evil.example"},
            {"origin": "null"},
            {"origin": f"{own}.evil.example"},
            {"origin": "http://127.0.0.1:1"},
            {"sec-fetch-site": "cross-site"},
            {"sec-fetch-site": "same-site"},
        ):
            response = lea.send(route.method, route.fill(), json={}, headers=headers)
            assert response.status_code == 403, (route, headers)


def test_the_own_origin_passes_also_behind_a_proxy(visit: Visit) -> None:
    lea = visit("Lea")
    for headers in (
        {"origin": str(lea.client.base_url).rstrip("/")},
        {"origin": "http://127.0.0.1:8080"},  # alerts.public_url, where a proxy changes the host
        {"origin": "https://other.example", "sec-fetch-site": "same-origin"},
    ):
        response = lea.send("POST", "/api/items/claim", headers=headers)
        assert response.status_code == 200, headers


# --- sessions


def session_of(visitor: Visitor) -> str:
    return next(c.value for c in visitor.client.cookies.jar if c.name == COOKIE and c.value)


def stored(engine: Engine, session: str) -> bool:
    with transaction(engine) as connection:
        return load_session(connection, session, utc_now()) is not None


def test_a_planted_session_is_never_adopted(visit: Visit, world: World) -> None:
    ada = visit()
    ada.client.cookies.set(COOKIE, "planted")
    response = ada.sign_in("Ada")
    session_id = SimpleCookie(response.headers["set-cookie"])[COOKIE].value
    assert session_id != "planted"
    assert len(session_id) >= 32
    assert not stored(world.engine, "planted")
    assert stored(world.engine, session_id)


def test_signing_in_again_ends_the_earlier_session(visit: Visit, world: World) -> None:
    ada = visit("Ada")
    first = session_of(ada)
    ada.sign_in("Ben")
    assert first != session_of(ada)
    assert not stored(world.engine, first)


def test_signing_out_ends_the_session_on_the_server(visit: Visit, world: World) -> None:
    ada = visit("Ada")
    session = session_of(ada)
    ada.send("POST", "/logout")
    assert not stored(world.engine, session)
    thief = visit()
    thief.client.cookies.set(COOKIE, session)
    assert thief.get("/api/work").status_code == 401


def test_sessions_end_with_deactivation_and_password_reset(visit: Visit, world: World) -> None:
    now = utc_now()
    ada, ben = visit("Ada"), visit("Ben")
    with transaction(world.engine) as connection:
        deactivate(connection, Actor(SYSTEM), world.users["Ada"], now)
        reset_password(
            connection, Actor(SYSTEM), world.users["Ben"], now=now, link_lifetime=timedelta(days=1)
        )
    assert [browser.get("/api/work").status_code for browser in (ada, ben)] == [401, 401]
    assert visit().sign_in("Ada").status_code == 401
    with transaction(world.engine) as connection:
        reactivate(connection, Actor(SYSTEM), world.users["Ada"], now)
    assert ada.get("/api/work").status_code == 401, "the old session is no longer any good"
    assert ada.sign_in("Ada").status_code == 200


@pytest.mark.parametrize("name", ["csrf-key", "session:x", "null", "", "ü" * 5000])
def test_a_cookie_reads_sessions_only(visit: Visit, name: str) -> None:
    visitor = visit()
    header = f"{COOKIE}={name}".encode("latin-1")
    response = visitor.client.get("/review", headers={"cookie": header}, follow_redirects=False)
    assert response.status_code == 303


# --- frames, headers, cookies


def test_every_route_forbids_frames_and_sniffing(app: Litestar, visit: Visit) -> None:
    lea, visitor = visit("Lea"), visit()
    responses = [
        (route, browser.send(route.method, route.fill()))
        for route in routes(app)
        if route.path != "/logout"
        for browser in (lea, visitor)
    ]
    files = ("/static/base.css", "/vendor/htmx/htmx-2.min.js", "/nowhere", "/static/nowhere")
    responses += [(Route("GET", path), lea.get(path)) for path in files]
    for route, response in responses:
        headers = response.headers
        policy = headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy, route
        assert headers["x-frame-options"] == "DENY", route
        assert headers["x-content-type-options"] == "nosniff", route
        assert headers["referrer-policy"] == "same-origin", route
        assert headers["cross-origin-opener-policy"] == "same-origin", route
        if response.status_code == 200 and route.path.endswith("/report"):
            assert policy.startswith("sandbox allow-scripts;")  # an origin of its own
            assert "allow-same-origin" not in policy
        else:
            assert "'unsafe" not in policy, route
        if not route.path.startswith(("/static", "/vendor")):
            assert headers["cache-control"] == "no-store", route


@pytest.mark.parametrize("secure", [False, True])
def test_cookies_are_out_of_reach_of_scripts_and_other_sites(world: World, secure: bool) -> None:
    app = create_app(world.engine, Settings(web=Web(secure_cookies=secure)), Secrets())
    base_url = f"http{'s' if secure else ''}://testserver.local"
    with TestClient(app, base_url=base_url) as client:
        fresh = client.get("/login")
        visitor = Visitor(client)
        visitor.headers = {"x-csrftoken": fresh.text.partition('csrf-token" content="')[2][:128]}
        signed = visitor.sign_in("Ada")
        assert visitor.get("/review").status_code == 200
    for response, name in ((fresh, CSRF_COOKIE), (signed, COOKIE)):
        (line,) = response.headers.get_list("set-cookie")
        named, *parts = line.casefold().split("; ")
        assert named.startswith(f"__host-{name}=" if secure else f"{name}=")
        assert {"httponly", "samesite=lax", "path=/"} <= set(parts)
        assert secure == ("secure" in parts)
        assert not any(part.startswith("domain") for part in parts)
        assert secure == ("strict-transport-security" in response.headers)


# --- who may come in


def test_wrong_password_and_unknown_name_get_equal_responses(visit: Visit, world: World) -> None:
    with transaction(world.engine) as connection:
        now = utc_now()
        invite(connection, Actor(SYSTEM), name="Invited", now=now, link_lifetime=timedelta(days=7))
        deactivate(connection, Actor(SYSTEM), world.users["Ben"], now)
    responses = []
    for name in ("Ada", "Nobody", "Invited", "Ben"):
        visitor = visit()
        response = visitor.post("/login", {"name": name, "password": "wrong password"})
        page = response.text.replace(name, "NAME").replace(visitor.headers["x-csrftoken"], "TOKEN")
        api = visitor.sign_in(name, "wrong password")
        responses.append((response.status_code, page, api.status_code, api.json()))
    assert len({str(browser) for browser in responses}) == 1
    assert responses[0][0] == 401


# --- guessing


def test_guessing_is_throttled_on_replicas_and_after_restarts(world: World, visit: Visit) -> None:
    for number in range(5):
        replica = create_app(world.engine, Settings(), Secrets())
        assert visit(application=replica).sign_in("Ada", f"wrong {number}").status_code == 401
    fresh = visit(application=product.create_app(world.engine, Settings(), Secrets()))
    response = fresh.sign_in("Ada")
    assert response.status_code == 429, "also with the right password"
    assert 0 < int(response.headers["retry-after"]) <= 30
    assert "Too many failed sign-ins" in fresh.post("/login", {"name": "Ada", "password": "x"}).text
    assert fresh.sign_in("Ben").status_code == 200, "others aren't locked out"


# --- redirects

ELSEWHERE = [
    "https://evil.example", "//evil.example", "///evil.example", "http:evil.example", "evil", "",
    "/\\evil.example", "\\\\evil.example", "/%2fevil.example", "%2f%2fevil.example",
    "/%252fevil.example", "/%5cevil.example", "/.//evil.example", "/a/..//evil", "/x#//evil",
    "javascript:alert(1)", "/javascript:alert(1)//x", "data:text/html,x", "?next=//evil",
    " /x", "/x y", "/\t/evil", "/\n/evil", "/\u2028/evil", "/\x00",
    "/x\r\nSet-Cookie: a=b", "/x%0d%0aSet-Cookie:%20a=b",
]  # fmt: skip


OWN = ["/", "/review/7", "/drift-evaluations/1/report?kind=evidently", "/a/b?x=%2F"]


@pytest.mark.parametrize("target", ELSEWHERE)
def test_targets_on_other_sites_are_refused(target: str) -> None:
    assert local_path(target) == "/"


@pytest.mark.parametrize("target", OWN)
def test_own_paths_are_accepted(target: str) -> None:
    assert target == local_path(target)


def test_signing_in_redirects_to_this_site_only(visit: Visit) -> None:
    ada, signed_in = visit(), visit("Ben")
    for target in [*ELSEWHERE, *OWN]:
        expected = target if target in OWN else "/"
        form = {"name": "Ada", "password": PASSWORD, "next": target}
        for response in (
            ada.post("/login", form),
            signed_in.get("/login", params={"next": target}),
        ):
            assert response.status_code == 303
            assert expected == response.headers["location"], target
            assert "a=b" not in response.headers.get("set-cookie", "")
        ada.send("POST", "/logout")
        ada.renew_token()


@pytest.mark.parametrize(("status", "event"), [(500, "request_failed"), (503, "request_refused")])
def test_the_log_has_no_token_of_a_link(engine: Engine, status: int, event: str) -> None:
    app = create_app(engine, Settings(), Secrets())
    with transaction(engine) as connection:
        connection.execute(text("DROP TABLE invitations"))
    if status == 503:
        engine.dispose()
        file = Path(engine.url.database or "")
        file.unlink()
        file.mkdir()
    with TestClient(app, raise_server_exceptions=False) as client, capture_logs() as log:
        assert client.get("/welcome/zqk-token").status_code == status
    (entry,) = [entry for entry in log if entry["event"] == event]
    assert entry["path"] == "/welcome/{token}"
    assert "zqk" not in str(log)
