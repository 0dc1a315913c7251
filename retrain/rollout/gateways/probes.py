"""Probes: one request to a version, through the gateway."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from monitor.errors import GatewayError, TransientError
from retrain.rest import bearer, quoted
from retrain.rollout.gateways.protocol import ProbeResult


@dataclass(frozen=True)
class ProbeRequest:
    """The request of a probe.

    Attributes:
        path: Path at the gateway, beginning with a slash.
        body: JSON that is posted; empty: a GET.
        key: Bearer token; empty: none.
        timeout_seconds: Time within which the response must be complete.
    """

    path: str = "/v1/models"
    body: str = ""
    key: str = ""
    timeout_seconds: float = 30.0


def chat_request(model: str, *, key: str, timeout_seconds: float) -> ProbeRequest:
    """Return a request for one token of a chat completion, by the name of a model."""
    body = {"model": model, "max_tokens": 1, "messages": [{"role": "user", "content": "ping"}]}
    return ProbeRequest("/v1/chat/completions", json.dumps(body), key, timeout_seconds)


def send_probe(
    version: str,
    url: str,
    request: ProbeRequest,
    *,
    headers: Mapping[str, str] | None = None,
    expected_header: tuple[str, str] | None = None,
) -> ProbeResult:
    """Send a probe, and return whether the version responded with success.

    Args:
        version: Name of the version at the gateway, for the detail.
        url: Address of the gateway, without a path.
        request: The request.
        headers: Further headers.
        expected_header: Name and value of a response header that proves which version responded.

    Raises:
        TransientError: The gateway is unavailable.
    """
    method = "POST" if request.body else "GET"
    place = f"{version}: {method} {url.rstrip('/')}{request.path}"
    sent = {**bearer(request.key), **(headers or {})}
    if request.body:
        sent["Content-Type"] = "application/json"
    start = time.perf_counter()
    try:
        response = httpx.request(
            method,
            f"{url.rstrip('/')}{request.path}",
            content=request.body or None,
            headers=sent,
            timeout=request.timeout_seconds,
        )
    except httpx.ReadTimeout:
        seconds = time.perf_counter() - start
        return ProbeResult(False, f"{place}: no response within {seconds:.0f} s", seconds)
    except (httpx.HTTPError, OSError) as error:
        message = str(error) or type(error).__name__
        raise TransientError(f"{place}: unavailable: {message}", code="unavailable") from error
    seconds = time.perf_counter() - start
    if not response.is_success:
        detail = quoted(response, secrets=[request.key])
        return ProbeResult(False, f"{place}: {response.status_code} {detail}", seconds)
    if expected_header and response.headers.get(expected_header[0]) != expected_header[1]:
        return ProbeResult(False, f"{place}: another version or service responded", seconds)
    return ProbeResult(True, f"{place}: {response.status_code}", seconds)


def require_success(result: ProbeResult) -> None:
    """Refuse the first traffic of a version that does not respond.

    Raises:
        GatewayError: It doesn't.
    """
    if not result.ok:
        raise GatewayError(
            f"the probe failed: {result.detail}; mend the version, the weights in force stay",
            code="probe_failed",
        )
