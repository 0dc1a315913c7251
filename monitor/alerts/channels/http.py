"""HTTP requests of the channels, with errors as the outbox knows them."""

from typing import Any

import httpx

from monitor.errors import (
    ChannelMisconfiguredError,
    ChannelRefusedError,
    ChannelUnavailableError,
)

TIMEOUT_SECONDS = 10.0
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
    """Send a request, and return its JSON; ``None`` where there is none.

    Errors name the service. The body is sent as JSON, the token as a bearer token.

    Raises:
        ChannelUnavailableError: The service is unavailable, or limits the rate.
        ChannelRefusedError: The service refuses this message.
        ChannelMisconfiguredError: The service refuses the token, or has no such address.
    """
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        response = httpx.request(method, url, json=body, headers=headers, timeout=timeout_seconds)
    except httpx.InvalidURL as error:
        raise ChannelMisconfiguredError(f"{service}: not an address: {error}") from None
    except httpx.HTTPError as error:
        cause = str(error) or type(error).__name__
        raise ChannelUnavailableError(f"{service} is unavailable: {cause}") from error
    status = response.status_code
    if status < 300:
        return response.json() if response.content else None
    problem = f"{service}: HTTP {status}: {' '.join(response.text.split())[:QUOTED_CHARACTERS]}"
    if status in {401, 403, 404}:
        raise ChannelMisconfiguredError(f"{problem}; check its address and secret")
    if status == 429 or status >= 500:
        wait = response.headers.get("Retry-After", "")
        raise ChannelUnavailableError(problem, float(wait) if wait.isdecimal() else None)
    raise ChannelRefusedError(problem, code="refused")
