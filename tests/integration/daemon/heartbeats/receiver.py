"""A service that takes heartbeats, such as healthchecks.io."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.services.http_server import serving


@dataclass
class Receiver:
    """The heartbeats, and the response to the next ones."""

    url: str = ""
    #: Time (monotonic) and path of each.
    heartbeats: list[tuple[float, str]] = field(default_factory=list)
    status: int = 200
    content: bytes = b"OK"
    location: str = ""

    def count(self, path: str = "") -> int:
        """Return the number of heartbeats of a path; empty: of all."""
        return sum(path in (heartbeat[1], "") for heartbeat in list(self.heartbeats))


@contextmanager
def running_receiver() -> Iterator[Receiver]:
    """Serve on a free loopback port until the block ends."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            receiver.heartbeats.append((time.monotonic(), self.path))
            self.send_response(receiver.status)
            if receiver.location:
                self.send_header("Location", receiver.location)
            self.send_header("Content-Length", str(len(receiver.content)))
            self.end_headers()
            self.wfile.write(receiver.content)

        def log_message(self, *_: Any) -> None:
            """Discard the message."""

    with serving(Handler) as url:
        receiver.url = url
        yield receiver
