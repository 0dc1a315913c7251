"""Settings of rollouts, and of the gateways that split the traffic between versions."""

import json
from datetime import timedelta
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, field_validator, model_validator

from monitor.setting_types.durations import AnyDuration, Duration, Within
from monitor.setting_types.field_types import (
    Level,
    Probability,
    Section,
    SmallPercent,
    is_https_or_loopback,
)

#: Keys of ``[rollout]`` about the gateway, which has the traffic of all models.
GATEWAY_KEYS = (
    "gateway",
    "probe_path",
    "probe_body",
    "probe_timeout",
    "envoy",
    "litellm",
    "kubernetes",
    "vllm",
)


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


def _template_of(*placeholders: str) -> AfterValidator:
    """Return a check of a text with placeholders."""

    def check(text: str) -> str:
        try:
            text.format(**dict.fromkeys(placeholders, "x"))
        except (KeyError, IndexError, ValueError, AttributeError):
            names = ", ".join(f"{{{name}}}" for name in placeholders)
            raise ValueError(f"may hold {names}; other braces are doubled") from None
        return text

    return AfterValidator(check)


#: How a deployment names a key that LiteLLM has in its environment.
_REFERENCE = "os.environ/"
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


class LiteLlm(Section):
    """A LiteLLM proxy that stores its models in its database."""

    url: Address = ""
    deployment: dict[
        str, Annotated[str, _template_of("name", "model", "version")] | bool | int | float
    ] = Field(default={})

    @model_validator(mode="after")
    def _names_a_model(self) -> "LiteLlm":
        if self.deployment and not self.deployment.get("model"):
            raise ValueError('deployment needs model, such as "hosted_vllm/{name}"')
        if not str(self.deployment.get("api_key", _REFERENCE)).startswith(_REFERENCE):
            raise ValueError('api_key must be a reference, such as "os.environ/VLLM_API_KEY"')
        return self


class KubernetesRoutes(Section):
    """Objects of a Kubernetes cluster that hold the weights."""

    resource: Literal["HTTPRoute", "InferenceModelRewrite"] = "HTTPRoute"
    object_name: Annotated[str, Field(min_length=1), _template_of("model")] = "{model}"
    listener: Address = ""
    api: str = ""
    ca_file: str = ""
    namespace: str = ""

    @model_validator(mode="after")
    def _can_be_reached(self) -> "KubernetesRoutes":
        if self.api and not is_https_or_loopback(self.api):
            raise ValueError("api must be an https:// address (http:// on loopback only)")
        return self


class Vllm(Section):
    """Replicas of vLLM that load adapters, beneath the gateway that routes."""

    replicas: tuple[Annotated[Address, Field(min_length=1)], ...] = ()
    adapters: Annotated[
        str, Field(min_length=1), _template_of("path", "model", "version", "name")
    ] = "{path}"
    max_lora_rank: Annotated[int, Field(ge=1)] = 16
    target_modules: tuple[str, ...] = ()


class Rollout(Section):
    """Rollout of a promoted version."""

    stages: tuple[Annotated[int, Field(ge=1, le=100)], ...] = (5, 25, 50, 100)
    min_dwell: Annotated[AnyDuration, Within("0s")] = timedelta(hours=48)
    start: Literal["manual", "automatic"] = "manual"
    max_hold: Duration = timedelta(hours=96)
    holdback: SmallPercent = 1
    holdback_time: Duration = timedelta(hours=48)
    journal: str = "rollout-journal"
    false_reverts: Level = 0.05
    negligible: Level = 0.01
    canary_rate: Probability = 1.0
    stable_per_canary: Annotated[float, Field(ge=1.0, le=100.0)] = 4.0
    embedded_per_hour: Annotated[int, Field(ge=0)] = 500
    judged_per_hour: Annotated[int, Field(ge=0)] = 40
    latency_field: str = "latency_seconds"
    error_field: str = "error"
    gateway: Literal["none", "envoy", "litellm", "kubernetes"] = "none"
    probe_path: Annotated[str, Field(pattern="^/")] = "/v1/models"
    probe_body: str = ""
    probe_timeout: Duration = timedelta(seconds=10)
    envoy: Envoy = Envoy()
    litellm: LiteLlm = LiteLlm()
    kubernetes: KubernetesRoutes = KubernetesRoutes()
    vllm: Vllm = Vllm()

    @field_validator("probe_body")
    @classmethod
    def _is_json(cls, value: str) -> str:
        if value:
            json.loads(value)  # a ValueError
        return value

    @model_validator(mode="after")
    def _has_what_its_gateway_needs(self) -> "Rollout":
        needed = {"envoy": ("routes",), "litellm": ("url",), "kubernetes": ("listener",)}
        for key in needed.get(self.gateway, ()):
            if not getattr(getattr(self, self.gateway), key):
                raise ValueError(f'gateway = "{self.gateway}" needs {self.gateway}.{key}')
        return self
