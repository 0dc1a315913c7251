"""Heartbeats to a service that tells when they stop, such as healthchecks.io."""

import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
import structlog
from pydantic import SecretStr

from monitor.alerts.channels.http import TIMEOUT_SECONDS, receive
from monitor.errors import ChannelMisconfiguredError, ChannelUnavailableError
from monitor.settings import Alerts, Secrets
from monitor.settings.alerts import SECRET_PLACE

#: In responses with status 200: healthchecks.io knows no such check, or takes no more; a page is of
#: a proxy that asks for a password.
REFUSALS = {b"not found": "not found", b"rate limited": "rate limited", b"<html": "a page"}

log = structlog.get_logger()


@dataclass(frozen=True)
class HeartbeatSender:
    """A sender of heartbeats to one address, whose secret no log and no error has."""

    address: str
    secret: SecretStr

    @classmethod
    def build(cls, alerts: Alerts, secrets: Secrets) -> "HeartbeatSender | None":
        """Build the sender of ``alerts.heartbeat_url``; ``None`` without an address, or its secret.

        The latter is logged.
        """
        if not alerts.heartbeat_url:
            return None
        if lacks_secret(alerts, secrets):
            log.warning("heartbeat_disabled", reason="HEARTBEAT_SECRET is not set")
            return None
        return cls(alerts.heartbeat_url, secrets.heartbeat_secret)

    def send(self) -> None:
        """Send a heartbeat; redirects are not followed.

        Raises:
            ChannelUnavailableError: The service does not respond in time, or fails.
            ChannelMisconfiguredError: The service doesn't know the address.
        """
        address = self.address.replace(SECRET_PLACE, self.secret.get_secret_value().strip())
        try:
            # The name of the sender: the service shows it, so that a second one is noticed.
            response, content = receive(
                "GET",
                address,
                TIMEOUT_SECONDS,
                headers={"User-Agent": f"driftwarden on {socket.gethostname()}"},
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            # Without the message, which may quote the address.
            raise ChannelUnavailableError(
                f"{self.address} is unavailable: {type(error).__name__}"
            ) from None
        status = response.status_code
        if status == 429 or status >= 500:
            raise ChannelUnavailableError(f"{self.address}: HTTP {status}")
        refusal = _refusal(content)
        if not response.is_success or refusal:
            target = f", which leads to {_host_of(response)}" if response.is_redirect else refusal
            raise ChannelMisconfiguredError(
                f"{self.address} takes no heartbeat: HTTP {status}{target}; compare "
                "alerts.heartbeat_url and HEARTBEAT_SECRET with the service"
            )


def lacks_secret(alerts: Alerts, secrets: Secrets) -> bool:
    """Return whether the address of heartbeats names a secret that is not set."""
    return SECRET_PLACE in alerts.heartbeat_url and not secrets.heartbeat_secret.get_secret_value()


def _refusal(content: bytes) -> str:
    """Return what a response says against the heartbeat, as the end of a phrase."""
    beginning = content[:100].lower()
    return next((f", {text}" for mark, text in REFUSALS.items() if mark in beginning), "")


def _host_of(response: httpx.Response) -> str:
    return urlsplit(response.headers.get("Location", "")).hostname or "another path"
