"""Settings of the gateways that split the traffic between versions."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from monitor.settings.field_types import Section, is_https_or_loopback

#: Keys of ``[rollout]`` about the gateway, which has the traffic of all models.
GATEWAY_KEYS = ("gateway", "probe_path", "probe_body", "probe_timeout", "envoy", "kubernetes")


def _check_address(address: str) -> str:
    """Check the address of a service: no credentials, which would be logged."""
    if not address:
        return ""
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("an address is http://host:port or https://host")
    if parts.username or parts.password:
        raise ValueError("no credentials in an address; keys are environment variables")
    return address.rstrip("/")


Address = Annotated[str, AfterValidator(_check_address)]
Addresses = Annotated[tuple[Annotated[Address, Field(min_length=1)], ...], Field(min_length=1)]


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


class KubernetesRoutes(Section):
    """Objects of a Kubernetes cluster that hold the weights."""

    resource: Literal["HTTPRoute", "InferenceModelRewrite"] = "HTTPRoute"
    object_name: Annotated[str, Field(min_length=1)] = "{model}"
    listener: Address = ""
    api: str = ""
    ca_file: str = ""
    namespace: str = ""

    @model_validator(mode="after")
    def _can_be_reached(self) -> "KubernetesRoutes":
        if self.api and not is_https_or_loopback(self.api):
            raise ValueError("api must be an https:// address (http:// on loopback only)")
        return self
