"""Requests to the services of gateways."""

from collections.abc import Mapping
from typing import Any

import httpx

from monitor.errors import GatewayError
from retrain.rest import RestService


def call(
    service: RestService,
    method: str,
    path: str,
    body: Any = None,
    *,
    params: Mapping[str, str] | None = None,
    expected: frozenset[int] = frozenset(),
    hint: str = "",
) -> httpx.Response:
    """Send a request, and return a response of success or of an ``expected`` error status.

    Raises:
        GatewayError: The service rejects the request; the message ends with ``hint``.
        RemoteServiceError: It is unavailable or busy, or refuses the credentials.
    """
    response = service.request(method, path, json=body, params=params, expected=expected)
    if response.is_success or response.status_code in expected:
        return response
    raise GatewayError(
        f"{service.name} at {service.url} rejects {method} {path} ({response.status_code}): "
        f"{service.quoted(response)}{hint}",
        code="rejected",
    )
