"""The configured gateway, and settings that name none."""

from pathlib import Path

import pytest
from pydantic import ValidationError
from sqlalchemy import create_engine

from monitor.errors import ConfigurationError
from monitor.settings import Configuration, Rollout, Secrets
from retrain.rollout.gateways.envoy import EnvoyGateway
from retrain.rollout.gateways.factory import create_gateway
from retrain.rollout.gateways.http_route import HttpRouteGateway
from retrain.rollout.gateways.inference_model_rewrite import InferenceModelRewriteGateway
from retrain.rollout.gateways.litellm import LiteLlmGateway
from retrain.rollout.gateways.protocol import Weights
from retrain.rollout.gateways.record_only import RecordOnlyGateway
from retrain.rollout.gateways.vllm import AdaptersOnVllm


def configuration(*models: str, **rollout: object) -> Configuration:
    return Configuration(models={name: {} for name in models or ("desk",)}, rollout=rollout)


def test_the_configuration_names_the_gateway(tmp_path: Path) -> None:
    assert isinstance(create_gateway(configuration(), Secrets()), RecordOnlyGateway)
    envoy = {"gateway": "envoy", "envoy": {"routes": str(tmp_path / "routes.json")}}
    assert isinstance(create_gateway(configuration(**envoy), Secrets()), EnvoyGateway)


@pytest.mark.parametrize(
    ("keys", "needed"),
    [({"gateway": "envoy"}, "envoy.routes"), ({"gateway": "litellm"}, "litellm.url")],
)
def test_gateway_without_what_it_needs_is_refused(keys: dict[str, str], needed: str) -> None:
    with pytest.raises(ValidationError, match=needed):
        Rollout(**keys)


@pytest.mark.parametrize(
    ("resource", "kind"),
    [("HTTPRoute", HttpRouteGateway), ("InferenceModelRewrite", InferenceModelRewriteGateway)],
)
def test_kubernetes_resource_names_the_gateway(resource: str, kind: type[object]) -> None:
    section = {"resource": resource, "listener": "http://10.0.0.9", "api": "https://k8s:6443"}
    made = configuration(gateway="kubernetes", kubernetes=section)
    assert isinstance(create_gateway(made, Secrets()), kind)


def test_replicas_of_vllm_wrap_the_gateway_that_routes(tmp_path: Path) -> None:
    made = configuration(vllm={"replicas": ["http://127.0.0.1:8000"]})
    gateway = create_gateway(made, Secrets(), create_engine("sqlite://"))
    assert isinstance(gateway, AdaptersOnVllm)
    assert gateway.name == "none"
    create_gateway(made, Secrets()).set(Weights("desk", 1, None, 0, 1))  # needs no registry


@pytest.mark.parametrize(
    "deployment", [{"api_base": "http://vllm"}, {"model": "hosted_vllm/x", "api_key": "sk-1234"}]
)
def test_template_of_deployments_has_a_model_and_no_key(deployment: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match=r"model|reference"):
        Rollout(litellm={"deployment": deployment})


@pytest.mark.parametrize(
    "section",
    [
        {"kubernetes": {"object_name": "{version}"}},
        {"vllm": {"adapters": "/adapters/{modle}"}},
        {"litellm": {"deployment": {"model": "hosted_vllm/{0}"}}},
    ],
)
def test_template_with_an_unknown_placeholder_is_refused(section: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="braces"):
        Rollout(**section)


def test_proxy_of_litellm_is_configured() -> None:
    made = configuration(gateway="litellm", litellm={"url": "http://litellm:4000"})
    assert isinstance(create_gateway(made, Secrets()), LiteLlmGateway)


def test_credentials_in_an_address_are_refused() -> None:
    with pytest.raises(ValidationError, match="environment"):
        Rollout(envoy={"admin": ["http://user:word@127.0.0.1:9901"]})


@pytest.mark.parametrize(
    ("models", "default", "named"),
    [
        (("support bot", "support-bot"), "", "support-bot"),
        (("desk", "desk-v2"), "", "desk-v2"),
        (("desk",), "dest", "default_model"),
    ],
)
def test_names_that_the_gateway_would_confuse_are_refused(
    tmp_path: Path, models: tuple[str, ...], default: str, named: str
) -> None:
    section = {"routes": str(tmp_path / "routes.json"), "default_model": default}
    with pytest.raises(ConfigurationError, match=named):
        create_gateway(configuration(*models, gateway="envoy", envoy=section), Secrets())


def test_body_of_a_probe_is_json() -> None:
    with pytest.raises(ValidationError, match="probe_body"):
        Rollout(probe_body="{model: x}")
