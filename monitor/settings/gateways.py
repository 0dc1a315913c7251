"""Settings of the gateways that split the traffic between versions."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from monitor.settings.field_types import Section


def _check_address(address: str) -> str:
    """Check the address of a service: no path, and no credentials, which would be logged."""
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("an address is http://host:port or https://host")
    if parts.username or parts.password:
        raise ValueError("no credentials in an address; keys are environment variables")
    return address.rstrip("/")


Address = Annotated[str, AfterValidator(_check_address)]
Addresses = Annotated[tuple[Address, ...], Field(min_length=1)]


class Envoy(Section):
    """Envoy, by the route file that it watches."""

    routes: str = ""
    route_name: str = "driftwarden"
    admin: Addresses = ("http://127.0.0.1:9901",)
    listeners: Addresses = ("http://127.0.0.1:10000",)
    default_model: str = ""
    model_header: str = "x-model"
    user_header: str = "x-user"
    version_header: str = "x-model-version"
