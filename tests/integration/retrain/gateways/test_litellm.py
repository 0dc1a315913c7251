"""LiteLLM's proxy, against a server of its published API."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from monitor.errors import GatewayError, RemoteServiceError
from retrain.rollout.gateways.litellm import LiteLlmGateway
from retrain.rollout.gateways.protocol import Weights
from tests.services.litellm_proxy import KEY, Proxy, running_proxy
from tests.support.refusals import refusal
from tests.support.retrain.gateway_kit import GatewayTests, Subject, desk

TEMPLATE = {"model": "hosted_vllm/{name}", "api_base": "http://vllm:8000/v1", "timeout": 600}


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with running_proxy() as running:
        for name, group in (("desk-v1", "desk"), ("tax-v1", "tax")):
            running.add(name, group)
        for name in ("desk-v1", "desk-v2", "desk-v3", "tax-v1"):
            running.servers[name] = 200
        yield running


def gateway_of(proxy: Proxy, **template: object) -> LiteLlmGateway:
    return LiteLlmGateway(proxy.url, KEY, template or TEMPLATE, timeout_seconds=5.0)


def shares(proxy: Proxy, n: int = 2000) -> dict[str, float]:
    chosen = [proxy.choose("desk") for _ in range(n)]
    counts = Counter(d["model_info"]["id"] if d else "none" for d in chosen)
    return {name: count / n for name, count in counts.items()}


class TestLiteLlm(GatewayTests):
    @pytest.fixture
    def subject(self, proxy: Proxy) -> Subject:
        for name in ("desk-v2", "desk-v3"):
            proxy.add(name, name)

        def refuse(version: int) -> None:
            proxy.servers[f"desk-v{version}"] = 500

        def stop() -> None:
            proxy.available = False
            gateway._request.__dict__["key"] = "another key"
            gateway._rest.__dict__["url"] = "http://127.0.0.1:9"

        gateway = LiteLlmGateway(proxy.url, KEY, {}, timeout_seconds=5.0)
        return Subject(gateway, refuse, stop, secrets=(KEY,))


def test_deployment_is_created_by_the_template(proxy: Proxy) -> None:
    gateway = gateway_of(proxy)
    gateway.set(desk(2, 25, 1))
    made = proxy.deployments["desk-v2"]
    assert ("desk", "hosted_vllm/desk-v2") == (made["model_name"], made["litellm_params"]["model"])
    assert 600 == made["litellm_params"]["timeout"]
    assert abs(shares(proxy)["desk-v2"] - 0.25) < 0.04
    gateway.set(desk(None, 0, 2))
    gateway.remove("desk", 2)
    assert "desk-v2" not in proxy.deployments


def test_version_is_probed_outside_the_group(proxy: Proxy) -> None:
    proxy.servers["desk-v2"] = 500
    with refusal("probe_failed", GatewayError):
        gateway_of(proxy).set(desk(2, 5, 1))
    assert "desk-v2" == proxy.deployments["desk-v2"]["model_name"]
    proxy.cooling = {"desk-v1"}
    assert {"none": 1.0} == shares(proxy, 20)  # rather than the version that fails


def test_reverted_version_serves_nothing_while_stable_cools_down(proxy: Proxy) -> None:
    gateway = gateway_of(proxy)
    gateway.set(desk(2, 25, 1))
    gateway.set(desk(None, 0, 2))
    proxy.cooling = {"desk-v1"}
    assert {"none": 1.0} == shares(proxy, 20)
    assert proxy.deployments["desk-v2"]["model_info"]["blocked"]


def test_revert_blocks_the_canary_first(proxy: Proxy) -> None:
    gateway = gateway_of(proxy)
    gateway.set(desk(2, 25, 1))
    proxy.requests.clear()
    gateway.set(desk(None, 0, 2))
    changes = [request for request in proxy.requests if not request.startswith("GET")]
    assert ["POST /model/block", "PATCH /model/desk-v1/update"] == changes


def test_model_always_has_a_deployment(proxy: Proxy) -> None:
    gateway = gateway_of(proxy)
    for generation, weights in enumerate([(1, 2, 50), (1, 2, 100), (1, None, 0), (3, None, 0)]):
        gateway.set(Weights("desk", *weights, generation))
        applied = gateway.read("desk")
        assert applied is not None
        assert applied.matches(Weights("desk", *weights, generation))
    assert not proxy.gaps


def test_deployments_of_the_operator_are_left(proxy: Proxy) -> None:
    proxy.add("0f3c", "desk")
    gateway_of(proxy).set(desk(2, 5, 1))
    assert not proxy.deployments["0f3c"]["model_info"]["blocked"]


def test_thawed_leader_gives_a_reverted_version_no_traffic(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The API has no conditional writes: the leader freezes after it has read the generation."""
    old, new = gateway_of(proxy), gateway_of(proxy)
    new.set(desk(2, 5, 1))
    join, frozen = old._join, [True]

    def thaw(*arguments: Any) -> None:
        if frozen:
            frozen.clear()
            new.set(desk(None, 0, 3))
        join(*arguments)

    monkeypatch.setattr(old, "_join", thaw)
    old.set(desk(2, 25, 2))
    assert {"desk-v1": 1.0} == shares(proxy, 50)
    applied = new.read("desk")
    assert applied is not None
    assert not applied.matches(desk(None, 0, 3))  # so that the newer weights are set again
    new.set(desk(None, 0, 3))
    applied = new.read("desk")
    assert applied is not None
    assert applied.matches(desk(None, 0, 3))


def test_proxy_without_blocks_deletes_the_reverted_version(proxy: Proxy) -> None:
    proxy.has_blocks = False
    gateway = gateway_of(proxy)
    gateway.set(desk(2, 25, 1))
    gateway.set(desk(None, 0, 2))
    assert "desk-v2" not in proxy.deployments
    gateway.set(desk(2, 5, 3))
    assert abs(shares(proxy)["desk-v2"] - 0.05) < 0.03


def test_routing_that_ignores_weights_is_refused(proxy: Proxy) -> None:
    proxy.settings["routing_strategy"] = "latency-based-routing"
    gateway = gateway_of(proxy)
    with refusal("rejected", GatewayError, match="latency-based-routing"):
        gateway.set(desk(2, 5, 1))
    gateway.set(desk(None, 0, 2))  # which needs no weights


def test_stickiness_is_what_the_proxy_says(proxy: Proxy) -> None:
    gateway = gateway_of(proxy)
    assert not gateway.capabilities.sticky
    proxy.settings["optional_pre_call_checks"] = ["session_affinity"]
    assert gateway.capabilities.sticky
    assert not gateway.capabilities.fenced


def test_deployment_of_another_id_in_the_group_is_reported(proxy: Proxy) -> None:
    gateway = gateway_of(proxy)
    gateway.set(desk(2, 5, 1))
    proxy.add("0f3c", "desk")
    applied = gateway.read("desk")
    assert applied is not None
    assert ("deployment 0f3c",) == applied.unexpected


def test_deployment_of_the_config_file_is_refused(proxy: Proxy) -> None:
    proxy.deployments["desk-v1"]["model_info"]["db_model"] = False
    with refusal("rejected", GatewayError, match="desk-v1"):
        gateway_of(proxy).set(desk(None, 0, 1))


def test_wrong_key_is_never_quoted(proxy: Proxy) -> None:
    gateway = LiteLlmGateway(proxy.url, "sk-a wrong key", TEMPLATE)
    with refusal("refused", RemoteServiceError, match="LITELLM_API_KEY") as caught:
        gateway.read("desk")
    assert "sk-a wrong key" not in str(caught.value)
