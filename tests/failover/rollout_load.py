"""Requests that go through a gateway all the time, and what became of each."""

import http.client
import threading
import time
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Request:
    """A request: when it was sent and finished, and by which version, or its failure."""

    sent_at: float
    finished_at: float
    #: The cluster; ``status ...`` or the class of the error for a failed request.
    outcome: str

    @property
    def version(self) -> int | None:
        """The number of the version that served it."""
        name, _, number = self.outcome.rpartition("-v")
        return int(number) if name else None


class Load:
    """A thread that sends requests to a listener, each of another user."""

    def __init__(self, listener: str, pause_seconds: float = 0.004) -> None:
        self.requests: list[Request] = []
        self._address = urlsplit(listener).netloc
        self._pause = pause_seconds
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        number = 0
        connection = http.client.HTTPConnection(self._address, timeout=5)
        while not self._ended.wait(self._pause):
            number += 1
            sent_at = time.monotonic()
            try:
                connection.request("GET", "/v1/x", headers={"x-user": f"user-{number}"})
                response = connection.getresponse()
                response.read()
                outcome = response.getheader("x-model-version", "")
                if response.status != 200 or not outcome:
                    outcome = f"status {response.status}"
            except (OSError, http.client.HTTPException) as error:
                outcome = type(error).__name__
                connection.close()
            self.requests.append(Request(sent_at, time.monotonic(), outcome))
        connection.close()
