"""JSON over HTTP to a remote service, with classified failures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from monitor.errors import RemoteServiceError
from monitor.outgoing import GUARDED

#: Transient HTTP statuses.
_TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_REFUSED = frozenset({401, 403})
#: Maximum characters of a response quoted in an error.
_QUOTED_CHARACTERS = 300


@dataclass(frozen=True)
class RestService:
    """A remote HTTP service. Each request opens a connection, because requests are rare."""

    #: Name of the service in messages.
    name: str
    #: Base URL, without a path.
    url: str
    #: Returns the headers; called for each request, because tokens may be rotated.
    headers: Callable[[], Mapping[str, str]]
    #: Advice if the service refuses the credentials.
    access_hint: str
    #: File of the certificate authority; empty: the system's.
    ca_file: str = ""
    #: Timeout of a request.
    timeout_seconds: float = 20.0

    def quoted(self, response: httpx.Response) -> str:
        """Return a one-line description of a response, without the credentials of the headers."""
        return quoted(response, secrets=_credentials(self.headers()))

    def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, str] | None = None,
        expected: frozenset[int] = frozenset(),
    ) -> httpx.Response:
        """Send a request and return the response.

        Error statuses that are ``expected`` are returned, not raised. The path begins with a slash.

        Raises:
            RemoteServiceError: The service is unavailable or busy, or refuses the credentials; the
                outcome of the request is unknown.
        """
        try:
            with httpx.Client(
                base_url=self.url.rstrip("/"),
                verify=trust_for(self.url, self.ca_file),
                timeout=self.timeout_seconds,
                event_hooks=GUARDED,
            ) as client:
                response = client.request(
                    method, path, json=json, params=params, headers=dict(self.headers())
                )
        except (httpx.HTTPError, OSError) as error:
            message = str(error) or type(error).__name__
            raise RemoteServiceError(
                f"{self.name} at {self.url} is unavailable: {message}", code="unavailable"
            ) from error
        if response.status_code in expected:
            return response
        if response.status_code in _REFUSED:
            raise RemoteServiceError(
                f"{self.name} at {self.url} refuses {method} {path} ({response.status_code}): "
                f"{self.quoted(response)}. {self.access_hint}",
                code="refused",
            )
        if response.status_code in _TRY_AGAIN:
            raise RemoteServiceError(
                f"{self.name} at {self.url} can't process {method} {path} now "
                f"({response.status_code}): {self.quoted(response)}",
                code="busy",
            )
        return response


def quoted(response: httpx.Response, *, secrets: Sequence[str] = ()) -> str:
    """Return a one-line description of a response: its ``message`` or its last line.

    Secrets that the server quotes are left out.
    """
    try:
        body = response.json()
    except ValueError:
        body = None
    if isinstance(body, dict) and isinstance(body.get("message"), str):
        message = body["message"]
    else:
        lines = [line.strip() for line in response.text.splitlines() if len(line.strip()) > 1]
        message = lines[-1] if lines else response.reason_phrase
    for secret in filter(None, secrets):
        message = message.replace(secret, "***")
    return " ".join(message.split())[:_QUOTED_CHARACTERS]


def bearer(token: str) -> dict[str, str]:
    """Return the authorization header of a token; empty without a token."""
    return {"Authorization": f"Bearer {token}"} if token else {}


def _credentials(headers: Mapping[str, str]) -> list[str]:
    """Return the credentials of an authorization header, which a server might quote."""
    return [value.partition(" ")[2] for name, value in headers.items() if name == "Authorization"]


def trust_for(url: str, ca_file: str = "") -> Any:
    """Return whom to trust at an address; the authorities are read for https:// only."""
    if ca_file:
        import ssl  # noqa: PLC0415 - the only place

        return ssl.create_default_context(cafile=ca_file)
    return not url.startswith("http://")
