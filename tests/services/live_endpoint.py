"""A live endpoint: OpenAI's chat completions of versions, with faults and batching noise."""

import json
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpx
import pytest

from tests.services.http_server import serving

#: Messages -> response.
Model = Callable[[list[dict[str, str]]], str]


def scripted(name: str) -> Model:
    """Return a model whose responses depend on its name and the whole conversation."""

    def respond(messages: list[dict[str, str]]) -> str:
        text = "|".join(f"{m['role']}:{m['content']}" for m in messages)
        words = random.Random(f"{name} {text}")
        if "harm" in text:
            return "I'm sorry, but I can't help with that."
        return " ".join(
            f"{words.choice('bcdfgklmnprst')}{words.choice('aeiou')}" * 2 for _ in range(8)
        )

    return respond


class FakeEndpoint:
    """The state of the server. Use :func:`running_endpoint` or the fixture ``live_endpoint``."""

    def __init__(self) -> None:
        self.url = ""
        self.model: Model = scripted("one")
        #: By the value of the header ``x-version``, where a request has one.
        self.by_version: Mapping[str, Model] = {}
        #: Value of the response header ``x-served``.
        self.served = ""
        #: Share of responses that batching changes.
        self.noise = 0.0
        #: Called with the number of the request; a fault: status, body; or seconds to sleep.
        self.fault: Callable[[int], tuple[int, bytes] | float | None] = lambda n: None
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self._lock = threading.Lock()
        self._random = random.Random(7)

    def transport(self) -> httpx.MockTransport:
        """Return a transport that calls this endpoint without a socket."""

        def handle(request: httpx.Request) -> httpx.Response:
            status, content = self.reply(dict(request.headers), json.loads(request.content))
            return httpx.Response(
                status, content=content, headers={"x-served": self.served} if self.served else {}
            )

        return httpx.MockTransport(handle)

    def reply(self, headers: dict[str, str], body: dict[str, Any]) -> tuple[int, bytes]:
        with self._lock:
            self.requests.append(body)
            self.headers.append(headers)
            number = len(self.requests)
            flips = self._random.random() < self.noise
        fault = self.fault(number)
        if isinstance(fault, float):
            time.sleep(fault)
        elif fault is not None:
            return fault
        model = self.by_version.get(headers.get("x-version", ""), self.model)
        text = model(body["messages"])
        if flips:
            text = text[: len(text) // 2] + " xyxy" + str(number % 3)
        message = {"role": "assistant", "content": text}
        return 200, json.dumps(
            {"model": "served", "choices": [{"index": 0, "message": message}]}
        ).encode()


@contextmanager
def running_endpoint() -> Iterator[FakeEndpoint]:
    """Serve until the block ends."""
    fake = FakeEndpoint()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, data = fake.reply(headers, body)
            try:
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                if fake.served:
                    self.send_header("x-served", fake.served)
                self.end_headers()
                self.wfile.write(data)
            except OSError:  # the client has given up
                pass

        def log_message(self, *arguments: object) -> None:
            pass

    with serving(Handler) as url:
        fake.url = f"{url}/v1"
        yield fake


@pytest.fixture
def live_endpoint() -> Iterator[FakeEndpoint]:
    """Return a running endpoint."""
    with running_endpoint() as fake:
        yield fake
