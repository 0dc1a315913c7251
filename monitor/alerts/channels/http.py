"""HTTP requests of the channels, with errors as the outbox knows them."""

import json
import time
from typing import Any

import httpx

from monitor.errors import (
    ChannelMisconfiguredError,
    ChannelRefusedError,
    ChannelUnavailableError,
)
from monitor.outgoing import GUARDED

TIMEOUT_SECONDS = 10.0
MAX_RESPONSE_BYTES = 1_000_000
#: Of a response, in an error.
QUOTED_CHARACTERS = 200


def request(
    service: str,
    method: str,
    url: str,
    *,
    body: Any = None,
    token: str = "",
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> Any:
    """Send a request, and return the JSON of its response; ``None`` where there is none.

    Errors name the service. The body is sent as JSON, the token as a bearer token. Redirects are
    not followed. The time limit is that of the whole response.

    Raises:
        ChannelUnavailableError: The service is unavailable, or limits the rate.
        ChannelRefusedError: The service refuses this message.
        ChannelMisconfiguredError: The service refuses the token, has no such address, or responds
            with what is not JSON.
    """
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        response, content = receive(method, url, timeout_seconds, json=body, headers=headers)
    except httpx.InvalidURL as error:
        raise ChannelMisconfiguredError(f"{service}: not an address: {error}") from None
    except httpx.HTTPError as error:
        cause = str(error) or type(error).__name__
        raise ChannelUnavailableError(f"{service} is unavailable: {cause}") from error
    status = response.status_code
    if status < 300:
        return _parse(service, content) if content else None
    problem = f"{service}: HTTP {status}: {_quote(content)}"
    if response.is_redirect or status in {401, 403, 404}:
        raise ChannelMisconfiguredError(f"{problem}; check its address and secret")
    if status == 429 or status >= 500:
        wait = response.headers.get("Retry-After", "")
        raise ChannelUnavailableError(problem, float(wait) if wait.isdecimal() else None)
    raise ChannelRefusedError(problem, code="refused")


def receive(
    method: str, url: str, timeout_seconds: float, **options: Any
) -> tuple[httpx.Response, bytes]:
    """Send a request, and return its response with at most the first megabyte of its content.

    Raises:
        httpx.InvalidURL: The address is none.
        httpx.HTTPError: There was no whole response within the time limit.
    """
    ends_at = time.monotonic() + timeout_seconds
    content = bytearray()
    with (
        httpx.Client(timeout=timeout_seconds, event_hooks=GUARDED) as client,
        client.stream(method, url, **options) as response,
    ):
        for part in response.iter_bytes():
            content += part
            if len(content) > MAX_RESPONSE_BYTES:
                break
            if time.monotonic() > ends_at:
                raise httpx.ReadTimeout(f"no whole response in {timeout_seconds:g} seconds")
    return response, bytes(content[:MAX_RESPONSE_BYTES])


def not_from(service: str, content: Any) -> ChannelMisconfiguredError:
    """Return the error of a response that another service must have sent."""
    return ChannelMisconfiguredError(
        f"the response is not one of {service}'s: {_quote(content)}; check the channel's url"
    )


def _parse(service: str, content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise not_from(service, content) from None


def _quote(content: Any) -> str:
    text = content.decode(errors="replace") if isinstance(content, bytes) else json.dumps(content)
    return " ".join(text.split())[:QUOTED_CHARACTERS] or "nothing"
