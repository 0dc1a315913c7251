"""A local judge: OpenAI's chat completions with scripted replies."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from tests.services.http_server import serving

#: (system prompt, question) -> what the judge says.
Says = Callable[[str, str], str]


class FakeJudge:
    """The state of the server. Use :func:`running_judge` or the fixture ``judge``."""

    def __init__(self) -> None:
        self.url = ""
        self.says: Says = lambda system, question: "VERDICT: TIE"
        #: Given first, in this order: status, body, headers.
        self.replies: list[tuple[int, Any, dict[str, str]]] = []
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self._lock = threading.Lock()

    def reply(self, path: str, key: str, body: dict[str, Any]) -> tuple[int, Any, dict[str, str]]:
        """Respond like an OpenAI-compatible endpoint."""
        with self._lock:
            self.requests.append(body)
            self.keys.append(key)
            if self.replies:
                return self.replies.pop(0)
        if path != "/v1/chat/completions":
            return 404, {"error": {"message": f"no {path}"}}, {}
        system, question = (message["content"] for message in body["messages"])
        message = {"role": "assistant", "content": self.says(system, question)}
        return 200, {"choices": [{"index": 0, "message": message}]}, {}


@contextmanager
def running_judge() -> Iterator[FakeJudge]:
    """Serve until the block ends."""
    fake = FakeJudge()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            key = self.headers.get("Authorization", "")
            status, content, headers = fake.reply(self.path, key, body)
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *arguments: object) -> None:
            pass

    with serving(Handler) as url:
        fake.url = f"{url}/v1"
        yield fake


@pytest.fixture
def judge() -> Iterator[FakeJudge]:
    """Return a running judge."""
    with running_judge() as fake:
        yield fake
