"""Sessions through a proxy that ends TLS, as the page is deployed, against the real server."""

import re
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import Engine, select

from monitor.accounts.sessions import COOKIE
from monitor.daemon.web_app import create_app
from monitor.settings import Secrets, Settings
from monitor.settings.web import Web
from monitor.store.engine import transaction
from monitor.store.tables import AccessEntry
from monitor.web.security import CSRF_COOKIE
from monitor.web.server import BackgroundServer
from tests.services.secured.certificates import Authority
from tests.support.review.review_world import PASSWORD, make_world

VISITOR = "203.0.113.7"


class _Proxy(socketserver.ThreadingTCPServer):
    """A proxy that ends TLS and names the visitor; one request for each connection."""

    daemon_threads = True

    def __init__(self, context: ssl.SSLContext, backend: tuple[str, int]) -> None:
        super().__init__(("127.0.0.1", 0), _Relay)
        self.context = context
        self.backend = backend


class _Relay(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, _Proxy)
        with (
            self.server.context.wrap_socket(self.request, server_side=True) as client,
            socket.create_connection(self.server.backend, 10) as backend,
        ):
            head, _, body = client.recv(65536).partition(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head.lower())
            while length and len(body) < int(length[1]):
                body += client.recv(65536)
            line, _, rest = head.partition(b"\r\n")
            named = f"X-Forwarded-For: {VISITOR}\r\nX-Forwarded-Proto: https".encode()
            backend.sendall(b"\r\n".join((line, named, b"Connection: close", rest, b"", body)))
            while part := backend.recv(65536):
                client.sendall(part)


@pytest.fixture
def browser(engine: Engine, clock: datetime, tmp_path: Path) -> Iterator[httpx.Client]:
    """A browser that trusts the proxy's certificate, and nothing without one."""
    make_world(engine, clock)
    authority = Authority(tmp_path)
    issued = authority.issue("page")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(issued.certificate, issued.key)
    app = create_app(engine, Settings(web=Web(secure_cookies=True)), Secrets())
    with BackgroundServer(app, trusted_proxies=["127.0.0.1"]) as server:
        parts = urlsplit(server.url)
        with _Proxy(context, (str(parts.hostname), parts.port or 0)) as proxy:
            threading.Thread(target=proxy.serve_forever, args=(0.05,), daemon=True).start()
            trusted = ssl.create_default_context(cafile=str(authority.certificate))
            url = f"https://localhost:{proxy.server_address[1]}"
            limits = httpx.Limits(max_keepalive_connections=0)
            with httpx.Client(base_url=url, verify=trusted, limits=limits) as client:
                client.headers["x-plain-url"] = server.url
                yield client
            proxy.shutdown()


def cookies_of(response: httpx.Response) -> dict[str, set[str]]:
    """Return the attributes of the cookies that a response sets."""
    lines = [line.casefold() for line in response.headers.get_list("set-cookie")]
    return {line.partition("=")[0]: set(line.split("; ")[1:]) for line in lines}


def test_session_over_tls_ends_with_the_sign_out(browser: httpx.Client, engine: Engine) -> None:
    with (
        httpx.Client(base_url=browser.base_url) as outsider,  # knows other authorities
        pytest.raises(httpx.ConnectError),
    ):
        outsider.get("/login")
    csrf, session = (f"__host-{name}" for name in (CSRF_COOKIE, COOKIE))
    fresh = browser.get("/login")
    browser.headers["x-csrftoken"] = fresh.text.partition('csrf-token" content="')[2][:128]
    signed = browser.post("/api/login", json={"name": "Ada", "password": PASSWORD})

    for response, name in ((fresh, csrf), (signed, session)):
        assert response.is_success
        assert cookies_of(response)[name] >= {"secure", "httponly", "samesite=lax", "path=/"}
        assert response.headers["strict-transport-security"] == "max-age=31536000"
    assert browser.get("/review").status_code == 200
    # A browser sends neither cookie without TLS, so that nobody on the way reads them.
    with httpx.Client(cookies=browser.cookies) as plain:
        sent = plain.build_request("GET", browser.headers["x-plain-url"] + "/review").headers
        assert "cookie" not in sent

    old = dict(browser.cookies)
    out = browser.post("/logout")
    assert (out.status_code, out.headers["location"]) == (303, "/login")
    browser.cookies.clear()
    replayed = browser.get("/review", headers={"cookie": "; ".join(map("=".join, old.items()))})
    assert (replayed.status_code, replayed.headers["location"]) == (303, "/login?next=/review")
    with transaction(engine) as connection:
        columns = (AccessEntry.action, AccessEntry.address, AccessEntry.peer)
        entries = connection.execute(select(*columns)).all()
    assert {tuple(row)[1:] for row in entries} == {(VISITOR, "127.0.0.1")}
    assert {"signed_in", "signed_out"} <= {row[0] for row in entries}
