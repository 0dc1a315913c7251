"""Asking a provider: JSON over HTTP, within a time and a size, without following anywhere."""

from typing import Any

import httpx
import msgspec

from monitor.errors import SignOnError, SignOnUnavailableError

TIMEOUT_SECONDS = 10.0
MAX_ANSWER_BYTES = 1_000_000


def request_json(method: str, address: str, **options: Any) -> dict[str, Any]:
    """Return a JSON object that the provider answers.

    Raises:
        SignOnUnavailableError: It doesn't answer, or has broken.
        SignOnError: It refuses, or answers something else.
    """
    try:
        with httpx.Client(timeout=TIMEOUT_SECONDS, follow_redirects=False) as client:
            status, content = _receive(client, method, address, options)
    except httpx.HTTPError as error:
        raise SignOnUnavailableError(f"{address} doesn't answer: {type(error).__name__}") from None
    if status >= 500:
        raise SignOnUnavailableError(f"{address} answers {status}")
    try:
        answer = msgspec.json.decode(content)
    except msgspec.DecodeError:
        answer = None
    if status != 200 or not isinstance(answer, dict):
        raise SignOnError(f"{address} answers {status}{_reason(answer)}")
    return answer


def _receive(
    client: httpx.Client, method: str, address: str, options: dict[str, Any]
) -> tuple[int, bytes]:
    content = bytearray()
    with client.stream(method, address, **options) as response:
        for part in response.iter_bytes():
            content += part
            if len(content) > MAX_ANSWER_BYTES:
                raise SignOnError(f"{address} sends more than a provider would")
    return response.status_code, bytes(content)


def _reason(answer: Any) -> str:
    code = answer.get("error") if isinstance(answer, dict) else None
    return f" ({code})" if isinstance(code, str) and code.isidentifier() else ""
