"""A local server that takes any request: PagerDuty's events, Alertmanager's alerts, webhooks."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from tests.services.http_server import serving


@dataclass
class Webhooks:
    """The requests, and the responses to come."""

    url: str = ""
    #: Path and body of each request that was accepted.
    accepted: list[tuple[str, Any]] = field(default_factory=list)
    #: Bearer tokens of all requests.
    tokens: list[str] = field(default_factory=list)
    #: HTTP statuses of the next responses; then 202.
    statuses: list[int] = field(default_factory=list)


@contextmanager
def running_webhooks() -> Iterator[Webhooks]:
    """Serve on a free loopback port until the block ends."""
    server = Webhooks()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.respond(200, {"versionInfo": {"version": "0.34"}})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status = server.statuses.pop(0) if server.statuses else 202
            if status < 300:
                server.accepted.append((self.path, json.loads(body)))
            self.respond(status, {})

        def respond(self, status: int, body: Any) -> None:
            server.tokens.append(self.headers.get("Authorization", ""))
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Discard the message."""

    with serving(Handler) as url:
        server.url = url
        yield server


@pytest.fixture
def webhooks() -> Iterator[Webhooks]:
    """Return a running server."""
    with running_webhooks() as server:
        yield server
