"""Probes: one request to a version, through the gateway."""

import json
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import httpx

from monitor.errors import GatewayError, TransientError
from monitor.outgoing import GUARDED
from retrain.rest import bearer, quoted, trust_for
from retrain.rollout.gateways.protocol import ProbeResult

#: Request header that selects a version for a probe; in the response, the version that responded.
PROBE_HEADER = "x-driftwarden-probe"
#: Returns whether a response is that of the version.
Proof = Callable[[httpx.Response], bool]


@dataclass(frozen=True)
class ProbeRequest:
    """The request of a probe."""

    #: Path at the gateway, beginning with a slash.
    path: str = "/v1/models"
    #: JSON that is posted; empty: a GET.
    body: str = ""
    #: Bearer token; empty: none.
    key: str = ""
    #: Time within which the response must be complete.
    timeout_seconds: float = 30.0


def chat_request(model: str, *, key: str, timeout_seconds: float) -> ProbeRequest:
    """Return a request for one token of a chat completion, by the name of a model."""
    body = {"model": model, "max_tokens": 1, "messages": [{"role": "user", "content": "ping"}]}
    return ProbeRequest("/v1/chat/completions", json.dumps(body), key, timeout_seconds)


def header_is(name: str, value: str) -> Proof:
    """Return a proof by a header of the response."""
    return lambda response: bool(response.headers.get(name) == value)


def model_is(name: str) -> Proof:
    """Return a proof by the model that a chat completion names."""

    def names_model(response: httpx.Response) -> bool:
        try:
            return bool(response.json().get("model") == name)
        except (ValueError, AttributeError):
            return False

    return names_model


def send_probe(
    version: str,
    url: str,
    request: ProbeRequest,
    *,
    headers: Mapping[str, str] | None = None,
    proof: Proof = lambda _: True,
    missing_statuses: Collection[int] = (),
) -> ProbeResult:
    """Send a probe, and return whether the version responded with success.

    ``proof`` tells whether the response is that of the version, and not another's. By
    ``missing_statuses`` the gateway says that it doesn't know the version.

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
        with httpx.Client(
            timeout=request.timeout_seconds, verify=trust_for(url), event_hooks=GUARDED
        ) as client:
            response = client.request(
                method,
                f"{url.rstrip('/')}{request.path}",
                content=request.body or None,
                headers=sent,
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
        missing = response.status_code in missing_statuses
        return ProbeResult(False, f"{place}: {response.status_code} {detail}", seconds, missing)
    if not proof(response):
        return ProbeResult(False, f"{place}: another version or service responded", seconds)
    return ProbeResult(True, f"{place}: {response.status_code}", seconds)


def require_success(result: ProbeResult) -> None:
    """Raise ``GatewayError`` before the first traffic of a version that doesn't respond."""
    if result.missing:
        raise GatewayError(
            f"the gateway doesn't know the version: {result.detail}; define it there",
            code="missing_version",
        )
    if not result.ok:
        raise GatewayError(
            f"the probe failed: {result.detail}; mend the version, the weights in force stay",
            code="probe_failed",
        )
