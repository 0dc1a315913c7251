"""Client of the live endpoint: one chat completion a request, in the form of production."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import httpx
import msgspec

from monitor.errors import EndpointUnavailableError
from monitor.outgoing import GUARDED
from monitor.settings import Secrets
from monitor.settings.monitoring import Probes
from monitor.settings.secrets import probe_key
from retrain.probes.addressing import Address

#: Largest body of a response that is read.
MAX_BYTES = 1 << 20
#: Longest text that is stored.
MAX_CHARACTERS = 20_000
#: HTTP statuses of a request that the endpoint does not accept as it is.
REJECTED = frozenset({400, 403, 413, 422, 451})


def key_of(secrets: Secrets, model: str) -> str:
    """Return the key of a model's live endpoint: its own, or that of all models."""
    return probe_key(model) or secrets.probes_api_key.get_secret_value()


@dataclass(frozen=True)
class Reply:
    """The endpoint's reply to a request."""

    #: ``rejected``: the endpoint refuses this request, such as a content filter.
    status: Literal["done", "rejected"]
    #: The response; of a rejected request the HTTP status.
    text: str
    #: Name of the model and fingerprint in the response.
    served_model: str
    #: Value of the response header that names the version.
    version_label: str
    #: Time until the end of the response.
    latency_seconds: float


class LiveEndpoint:
    """An OpenAI-compatible endpoint. Thread-safe."""

    def __init__(
        self,
        settings: Probes,
        api_key: str = "",
        *,
        clock: Callable[[], float] = time.monotonic,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Build a client of the section ``[probes]``."""
        self._settings = settings
        self._clock = clock
        self._api_key = api_key
        self._transport = transport

    @cached_property
    def _http(self) -> httpx.Client:
        """The client, made for the first request: reading the certificates takes a while."""
        # Neither a shared cache nor one long connection may stand between the probes and the
        # servers: a kept connection would meet one replica only.
        headers = {"Cache-Control": "no-cache, no-store", "Connection": "close"}
        if self._api_key:
            headers["Authorization"] = f"Bearer {self._api_key}"
        return httpx.Client(
            headers=headers,
            timeout=self._settings.timeout.total_seconds(),
            limits=httpx.Limits(max_keepalive_connections=0),
            transport=self._transport,
            event_hooks=GUARDED,
        )

    def open(self) -> None:
        """Make the client."""
        _ = self._http

    def close(self) -> None:
        """Close the client, if there is one."""
        if "_http" in self.__dict__:
            self._http.close()

    def send(
        self,
        messages: Sequence[Mapping[str, str]],
        form: Mapping[str, Any],
        address: Address,
    ) -> Reply:
        """Send one request at temperature 0.

        Headers of ``address`` select a version.

        Raises:
            EndpointUnavailableError: No response in time, an error of the server, or no completion.
        """
        body = {
            **form["body"],
            "model": self._settings.model,
            "messages": list(messages),
            "temperature": 0,
            "max_tokens": form["max_tokens"],
        }
        began = self._clock()
        url = f"{self._settings.url.rstrip('/')}/chat/completions"
        try:
            with self._http.stream(
                "POST", url, json=body, headers=dict(address.headers)
            ) as response:
                content = self._read(response, began)
        except httpx.HTTPError as error:
            raise EndpointUnavailableError(f"{type(error).__name__}: {error}") from None
        label = response.headers.get(address.label_header, "") if address.label_header else ""
        seconds = self._clock() - began
        if response.status_code in REJECTED:
            return Reply("rejected", f"HTTP {response.status_code}", "", label, seconds)
        if response.status_code != 200:
            raise EndpointUnavailableError(f"HTTP {response.status_code}: {_quote(content)}")
        text, served_model = _completion(content)
        return Reply("done", text[:MAX_CHARACTERS], served_model, label, seconds)

    def _read(self, response: httpx.Response, began: float) -> bytes:
        """Read the body; httpx's timeout alone would allow a byte now and then for ever."""
        content = b""
        for part in response.iter_bytes():
            content += part
            if len(content) > MAX_BYTES:
                raise EndpointUnavailableError(f"a response of more than {MAX_BYTES:,} bytes")
            if self._clock() - began > self._settings.timeout.total_seconds():
                raise EndpointUnavailableError(
                    f"no whole response in {self._settings.timeout.total_seconds():g} s"
                )
        return content


def _completion(content: bytes) -> tuple[str, str]:
    """Return text and model of a completion."""
    try:
        document = msgspec.json.decode(content)
        message = document["choices"][0]["message"]
        text, calls = message.get("content"), message.get("tool_calls")
        served = [document.get("model"), document.get("system_fingerprint")]
    except (msgspec.DecodeError, UnicodeDecodeError, LookupError, TypeError, AttributeError):
        raise EndpointUnavailableError(f"no chat completion: {_quote(content)}") from None
    if text is None and calls:
        functions = [call.get("function") for call in calls if isinstance(call, dict)]
        text = msgspec.json.encode(functions, order="sorted").decode()
    if not isinstance(text, str):
        raise EndpointUnavailableError(f"a completion without a text: {_quote(content)}")
    # PostgreSQL's texts hold no NUL.
    name = " ".join(part for part in served if isinstance(part, str))
    return text.replace("\0", ""), name.replace("\0", "")[:200]


def _quote(content: bytes) -> str:
    return " ".join(content[:400].decode("utf-8", "replace").replace("\0", "").split())[:120]
