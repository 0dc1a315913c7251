"""Client of OpenAI-compatible chat completions, with rate limit and retries."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from types import TracebackType
from typing import Any

import httpx

from monitor.errors import JudgeError
from monitor.outgoing import GUARDED
from monitor.settings import Judge

#: Longest wait between two attempts, in seconds.
MAX_WAIT_SECONDS = 60.0
_FIRST_WAIT = 1.0
_TRY_AGAIN = frozenset({408, 409, 425, 429, 500, 502, 503, 504})


class ChatClient:
    """A thread-safe client of chat completions.

    Without ``api_key`` no bearer token is sent. ``sleep`` waits for a number of seconds, and
    ``clock`` returns monotonic seconds.
    """

    def __init__(
        self,
        settings: Judge,
        api_key: str = "",
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._settings = settings
        self._sleep = sleep
        self._pace = _Pace(settings.max_requests_per_minute, sleep, clock)
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._http = httpx.Client(
            base_url=settings.url.rstrip("/") + "/",
            headers=headers,
            timeout=settings.timeout.total_seconds(),
            transport=transport,
            event_hooks=GUARDED,
        )

    def __enter__(self) -> "ChatClient":
        """Return the client."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connections."""
        self._http.close()

    def ask(self, system: str, question: str) -> str:
        """Return the model's reply, at temperature 0.

        Raises:
            JudgeError: All attempts failed, the endpoint refuses, or the response is no chat
                completion.
        """
        return self.chat(
            [{"role": "system", "content": system}, {"role": "user", "content": question}]
        )

    def chat(self, messages: Sequence[dict[str, str]]) -> str:
        """Return the model's reply to a conversation. See :meth:`ask`."""
        body = {"model": self._settings.model, "temperature": 0, "messages": list(messages)}
        wait, problem = _FIRST_WAIT, ""
        for attempt in range(self._settings.max_attempts):
            if attempt:
                self._sleep(wait)
                wait = min(2 * wait, MAX_WAIT_SECONDS)
            self._pace.wait()
            try:
                response = self._http.post("chat/completions", json=body)
            except httpx.TransportError as error:
                problem = f"{type(error).__name__}: {error}"
                continue
            if response.status_code in _TRY_AGAIN:
                problem = f"HTTP {response.status_code}"
                wait = _asked_to_wait(response) or wait
                continue
            if response.is_error:
                raise JudgeError(
                    f"the judge refused: HTTP {response.status_code}: {_quote(response)}"
                )
            return _content(response)
        raise JudgeError(
            f"the judge returned no reply in {self._settings.max_attempts} attempts; last problem: "
            f"{problem}"
        )


@contextmanager
def judge_of(settings: Judge, api_key: str) -> Iterator[ChatClient | None]:
    """Yield a client of the configured judge; ``None`` if no judge is configured."""
    if not settings.url:
        yield None
        return
    with ChatClient(settings, api_key) as client:
        yield client


class _Pace:
    """A rate limit in requests per minute."""

    def __init__(
        self, per_minute: int, sleep: Callable[[float], None], clock: Callable[[], float]
    ) -> None:
        self._apart = 60.0 / per_minute if per_minute else 0.0
        self._sleep = sleep
        self._clock = clock
        self._next = 0.0
        self._lock = Lock()

    def wait(self) -> None:
        """Wait for this request's turn."""
        if not self._apart:
            return
        with self._lock:
            now = self._clock()
            turn = max(now, self._next)
            self._next = turn + self._apart
        if turn > now:
            self._sleep(turn - now)


def _asked_to_wait(response: httpx.Response) -> float | None:
    try:
        seconds = float(response.headers.get("retry-after", ""))
    except ValueError:  # missing, or a date
        return None
    return min(max(seconds, 0.0), MAX_WAIT_SECONDS)


def _content(response: httpx.Response) -> str:
    try:
        document: Any = response.json()
        content = document["choices"][0]["message"]["content"]
    except (ValueError, LookupError, TypeError):
        raise JudgeError(f"the judge's reply is no chat completion: {_quote(response)}") from None
    if not isinstance(content, str):
        raise JudgeError(f"the judge's reply contains no text: {_quote(response)}")
    return content


def _quote(response: httpx.Response) -> str:
    return " ".join(response.text.split())[:200]
