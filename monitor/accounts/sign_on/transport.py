"""JSON requests to a provider, limited in time and size, without redirects."""

from typing import Any

import httpx
import msgspec

from monitor.errors import SignOnError, SignOnUnavailableError
from monitor.outgoing import GUARDED

TIMEOUT_SECONDS = 10.0
MAX_RESPONSE_BYTES = 1_000_000


def request_json(method: str, address: str, **options: Any) -> dict[str, Any]:
    """Send a request and return the JSON object of the response.

    Raises:
        SignOnUnavailableError: The provider doesn't respond, or fails.
        SignOnError: The provider refuses the request, or its response is no JSON object.
    """
    try:
        with httpx.Client(timeout=TIMEOUT_SECONDS, event_hooks=GUARDED) as client:
            status, content = _receive(client, method, address, options)
    except httpx.HTTPError as error:
        raise SignOnUnavailableError(
            f"the provider is unavailable at {address}: {type(error).__name__}"
        ) from None
    if status >= 500:
        raise SignOnUnavailableError(f"the provider failed with status {status} at {address}")
    try:
        body = msgspec.json.decode(content)
    except msgspec.DecodeError:
        body = None
    if status != 200 or not isinstance(body, dict):
        raise SignOnError(
            f"the provider responded with status {status}{_reason(body)} at {address}"
        )
    return body


def _receive(
    client: httpx.Client, method: str, address: str, options: dict[str, Any]
) -> tuple[int, bytes]:
    content = bytearray()
    with client.stream(method, address, **options) as response:
        for part in response.iter_bytes():
            content += part
            if len(content) > MAX_RESPONSE_BYTES:
                raise SignOnError(
                    f"the provider sent more than {MAX_RESPONSE_BYTES:,} bytes from {address}"
                )
    return response.status_code, bytes(content)


def _reason(body: Any) -> str:
    code = body.get("error") if isinstance(body, dict) else None
    return f" ({code})" if isinstance(code, str) and code.isidentifier() else ""
