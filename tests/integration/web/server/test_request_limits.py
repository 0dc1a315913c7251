"""Requests to the real server that are too large, or written to confuse proxies."""

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from sqlalchemy import Engine

from monitor.daemon.web_app import MAX_BODY_BYTES, create_app
from monitor.settings import Secrets, Settings
from monitor.telemetry import Heartbeat
from monitor.web.health import create_health_app
from monitor.web.server import BackgroundServer


@pytest.fixture
def server(engine: Engine) -> Iterator[BackgroundServer]:
    with BackgroundServer(create_app(engine, Settings(), Secrets())) as started:
        yield started


def send(url: str, head: bytes, body: bytes = b"") -> int:
    """Send bytes; return the status of the reply, 0 where the connection is closed without one."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), 10) as connection:
        try:
            connection.sendall(head + b"\r\n\r\n" + body)
        except OSError:
            return 0
        reply = b""
        try:
            while b"\r\n" not in reply and (part := connection.recv(4096)):
                reply += part
        except OSError:
            return 0
    return int(reply.split()[1]) if reply else 0


def test_large_bodies_and_headers_are_refused(server: BackgroundServer) -> None:
    post = b"POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json"
    large = b"%s\r\nContent-Length: %d" % (post, MAX_BODY_BYTES + 1)
    assert send(server.url, large) in {403, 413}
    chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
    chunked = post + b"\r\nTransfer-Encoding: chunked"
    assert send(server.url, chunked, chunk * 3 + b"0\r\n\r\n") in {0, 403, 413}
    headers = b"GET /login HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 200_000
    assert send(server.url, headers) in {0, 400, 431}
    assert send(server.url, b"GET /login HTTP/1.1\r\nHost: x\r\nConnection: close") == 200


def test_ambiguous_lengths_are_refused(server: BackgroundServer) -> None:
    post = b"POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"
    assert send(server.url, post + b"Transfer-Encoding: chunked", b"0\r\n\r\nGET") in {0, 400, 403}
    assert send(server.url, post + b"Content-Length: 5", b"12345") in {0, 400}


def test_health_serves_neither_pages_nor_sign_in(engine: Engine) -> None:
    app = create_health_app(engine, Settings(), [Heartbeat("ingest")])
    with BackgroundServer(app) as started:
        for path, status in (
            *((b"/healthz", 200), (b"/metrics", 200), (b"/readyz", 503)),  # no migrated schema
            *((b"/login", 404), (b"/", 404), (b"/api/items", 404), (b"/static/page.css", 404)),
        ):
            request = b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close"
            assert send(started.url, request) == status, path
