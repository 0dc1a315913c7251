"""HTTPRoutes and InferenceModelRewrites, against an API server with a gateway."""

import copy
from collections.abc import Iterator

import pytest

from monitor.errors import GatewayError, StaleWeightsError, TransientError
from retrain.jobs.kubernetes.api_server import ApiServer, connect
from retrain.rollout.gateways.http_route import HttpRouteGateway
from retrain.rollout.gateways.inference_model_rewrite import InferenceModelRewriteGateway
from retrain.rollout.gateways.kubernetes_objects import (
    ANNOTATION,
    resource_name,
    version_of_resource,
)
from retrain.rollout.gateways.probes import PROBE_HEADER, ProbeRequest
from retrain.rollout.gateways.protocol import Weights
from tests.services.gateway_api import (
    TOKEN,
    GatewayCluster,
    http_route,
    http_route_schema,
    model_rewrite,
    running_gateway_cluster,
    service,
)
from tests.support.refusals import refusal
from tests.support.retrain.gateway_kit import GatewayTests, Subject, desk

KEY = "a key for the probes"
VERSIONS = ("desk-v1", "desk-v2", "desk-v3", "tax-v1")


@pytest.fixture
def cluster() -> Iterator[GatewayCluster]:
    with running_gateway_cluster() as running:
        for name in VERSIONS:
            running.servers[name] = 200
            running.store("services", service(name))
        yield running


def server_of(cluster: GatewayCluster) -> ApiServer:
    return connect(
        "rollout.kubernetes", api=cluster.api, namespace="ml", token=TOKEN,
        rights="docs/how-to/roll-out.md",
    )  # fmt: skip


def routes_of(cluster: GatewayCluster) -> HttpRouteGateway:
    cluster.store("httproutes", http_route("desk"))
    tax = http_route("tax")
    tax["spec"]["rules"][0]["matches"][0]["headers"] = [{"name": "x-model", "value": "tax"}]
    cluster.store("httproutes", tax)
    request = ProbeRequest(key=KEY, timeout_seconds=5.0)
    return HttpRouteGateway(server_of(cluster), cluster.listener, request, read_seconds=0.3)


def rewrites_of(cluster: GatewayCluster) -> InferenceModelRewriteGateway:
    for model in ("desk", "tax"):
        cluster.store("inferencemodelrewrites", model_rewrite(model, model))
    request = ProbeRequest(key=KEY, timeout_seconds=5.0)
    return InferenceModelRewriteGateway(server_of(cluster), cluster.listener, request)


def stop(cluster: GatewayCluster) -> None:
    cluster.available = False


def refuse(cluster: GatewayCluster, version: int) -> None:
    cluster.servers[f"desk-v{version}"] = 500


class TestHttpRoute(GatewayTests):
    @pytest.fixture
    def subject(self, cluster: GatewayCluster) -> Subject:
        return Subject(
            routes_of(cluster), lambda version: refuse(cluster, version), lambda: stop(cluster),
            secrets=(KEY, TOKEN),
        )  # fmt: skip


class TestInferenceModelRewrite(GatewayTests):
    @pytest.fixture
    def subject(self, cluster: GatewayCluster) -> Subject:
        gateway = rewrites_of(cluster)

        def stop_all() -> None:
            stop(cluster)
            gateway._listener = "http://127.0.0.1:9"

        return Subject(
            gateway, lambda version: refuse(cluster, version), stop_all, secrets=(KEY, TOKEN)
        )


def test_route_keeps_everything_but_the_weights(cluster: GatewayCluster) -> None:
    gateway = routes_of(cluster)
    health = {
        "matches": [{"path": {"type": "Exact", "value": "/health"}}],
        "backendRefs": [{"name": "health", "port": 80}],
    }
    changed = http_route("desk", hostnames=["llm.example.org"])
    changed["spec"]["rules"].append(health)
    changed["metadata"]["annotations"] = {"owner": "ml"}
    cluster.store("services", service("health"))
    before = copy.deepcopy(cluster.store("httproutes", changed))
    gateway.set(desk(2, 5, 3))
    gateway.set(desk(None, 0, 4))
    after = cluster.objects["httproutes", "desk"]
    assert before["spec"]["rules"][1] == after["spec"]["rules"][-1]
    assert before["spec"]["hostnames"] == after["spec"]["hostnames"]
    assert {"request": "600s"} == after["spec"]["rules"][-2]["timeouts"]
    assert {"owner", ANNOTATION} == set(after["metadata"]["annotations"])


def test_conflicting_changes_are_tried_again(cluster: GatewayCluster) -> None:
    gateway = routes_of(cluster)
    gateway.set(desk(2, 5, 1))
    cluster.conflicts = 3
    gateway.set(desk(2, 25, 2))
    applied = gateway.read("desk")
    assert applied is not None
    assert applied.matches(desk(2, 25, 2))
    assert "0" == cluster.objects["httproutes", "desk"]["metadata"]["labels"]["touched"]
    cluster.conflicts = 99
    with refusal("conflict", TransientError):
        gateway.set(desk(2, 50, 3))


def test_conflict_with_a_newer_revert_is_refused(cluster: GatewayCluster) -> None:
    """An old leader reads, a revert is written, and then the old leader writes."""
    gateway = routes_of(cluster)
    gateway.set(desk(2, 5, 1))
    stale = desk(2, 25, 2)
    rest = gateway._server.rest
    sent: list[str] = []

    class Delayed:
        url, quoted = rest.url, rest.quoted

        def request(self, method: str, path: str, **arguments: object) -> object:
            if method == "PUT" and not sent:
                sent.append(path)
                other = HttpRouteGateway(server_of(cluster), cluster.listener, ProbeRequest())
                other.set(desk(None, 0, 3))
            return rest.request(method, path, **arguments)

    gateway._server = ApiServer(Delayed(), "ml")
    with pytest.raises(StaleWeightsError):
        gateway.set(stale)
    applied = gateway.read("desk")
    assert applied is not None
    assert ({1: 100}, 3) == (applied.shares, applied.generation)


def test_gateway_that_has_not_taken_the_route_is_noticed(cluster: GatewayCluster) -> None:
    gateway = routes_of(cluster)
    gateway.set(desk(2, 5, 1))
    cluster.frozen = True
    gateway.set(desk(None, 0, 2))
    with refusal("pending", TransientError):
        gateway.read("desk")
    stored = gateway.stored("desk")
    assert stored is not None
    assert stored.matches(desk(None, 0, 2))
    with refusal("pending", TransientError):
        gateway.set(desk(3, 5, 3))  # never probed by a rule that isn't in force


def test_backend_deleted_meanwhile_is_reported(cluster: GatewayCluster) -> None:
    gateway = routes_of(cluster)
    gateway.set(desk(2, 5, 1))
    del cluster.objects["services", "desk-v2"]
    gateway.set(desk(2, 25, 2))
    applied = gateway.read("desk")
    assert applied is not None
    assert "BackendNotFound" in applied.unexpected[0]
    assert not applied.matches(desk(2, 25, 2))
    gateway.set(desk(None, 0, 3))
    applied = gateway.read("desk")
    assert applied is not None
    assert applied.matches(desk(None, 0, 3))


def test_route_without_a_backend_of_the_model_is_refused(cluster: GatewayCluster) -> None:
    gateway = routes_of(cluster)
    route = http_route("desk")
    route["spec"]["rules"][0]["backendRefs"][0]["name"] = "old-service"
    cluster.store("httproutes", route)
    with refusal("missing_object", GatewayError, match="desk-v1"):
        gateway.set(desk(2, 5, 1))
    with refusal("missing_object", GatewayError, match="HTTPRoute"):
        gateway.set(Weights("unheard of", 1, None, 0, 1))


def test_probe_header_selects_nothing_by_the_versions_name(cluster: GatewayCluster) -> None:
    gateway = routes_of(cluster)
    gateway.set(desk(2, 0, 1))
    assert gateway.probe("desk", 2).ok
    name, _ = cluster.version_for({PROBE_HEADER: "desk-v2"}, "")
    assert "desk-v1" == name


def test_probe_reaches_the_version_beneath_a_longer_path(cluster: GatewayCluster) -> None:
    gateway = routes_of(cluster)
    route = http_route("desk")
    route["spec"]["rules"][0]["matches"] = [
        {"path": {"type": "PathPrefix", "value": "/v1"}, "method": "GET"},
        {"path": {"type": "PathPrefix", "value": "/v1"}, "method": "POST"},
    ]
    cluster.store("httproutes", route)
    assert gateway.probe("desk", 2).ok
    rule = cluster.objects["httproutes", "desk"]["spec"]["rules"][0]
    assert ["GET", "POST"] == [match["method"] for match in rule["matches"]]


def test_probe_has_the_headers_that_select_its_model(cluster: GatewayCluster) -> None:
    gateway = routes_of(cluster)
    cluster.servers["tax-v2"] = 200
    cluster.store("services", service("tax-v2"))
    gateway.set(Weights("tax", 1, 2, 5, 1))
    name, _ = cluster.version_for({"x-model": "desk"}, "")
    assert "desk-v1" == name


def test_rejected_route_gives_its_reason(cluster: GatewayCluster) -> None:
    gateway = routes_of(cluster)
    route = http_route("desk")
    route["spec"]["rules"] = route["spec"]["rules"] * 16
    cluster.store("httproutes", route)
    with refusal("rejected", GatewayError, match="invalid|16 items"):
        gateway.set(desk(2, 5, 1))


def test_routes_are_held_against_the_published_schema(cluster: GatewayCluster) -> None:
    if http_route_schema() is None:
        pytest.skip("npm doesn't reach @kubernetes-models/gateway-api")
    gateway = routes_of(cluster)
    cluster.objects["httproutes", "desk"]["spec"]["rules"][0]["backendRefs"][0]["port"] = 99999
    with refusal("rejected", GatewayError, match="99999"):
        gateway.set(desk(2, 5, 1))


def test_version_without_traffic_is_no_target(cluster: GatewayCluster) -> None:
    gateway = rewrites_of(cluster)
    gateway.set(desk(2, 0, 1))
    rule = cluster.objects["inferencemodelrewrites", "desk"]["spec"]["rules"][0]
    assert [{"modelRewrite": "desk-v1", "weight": 100}] == rule["targets"]


def test_older_rewrite_of_the_pool_is_reported(cluster: GatewayCluster) -> None:
    older = model_rewrite("by-hand", "desk", {"modelRewrite": "desk-v9"})
    older["metadata"]["creationTimestamp"] = "2026-10-01T00:00:00Z"
    gateway = rewrites_of(cluster)
    gateway.set(desk(2, 5, 1))
    cluster.store("inferencemodelrewrites", older)
    applied = gateway.read("desk")
    assert applied is not None
    assert ("the older rewrite by-hand",) == applied.unexpected
    assert not applied.matches(desk(2, 5, 1))


def test_rejected_rewrite_is_reported(cluster: GatewayCluster) -> None:
    gateway = rewrites_of(cluster)
    gateway.set(desk(2, 5, 1))
    condition = {"type": "Accepted", "status": "False", "reason": "PoolNotFound", "message": ""}
    cluster.objects["inferencemodelrewrites", "desk"]["status"] = {"conditions": [condition]}
    applied = gateway.read("desk")
    assert applied is not None
    assert "PoolNotFound" in applied.unexpected[0]


def test_names_are_those_that_kubernetes_allows() -> None:
    assert "support-bot-v3" == resource_name("Support_Bot", 3)
    assert 3 == version_of_resource("Support_Bot", "support-bot-v3")
    assert version_of_resource("Support_Bot", "support-bot-vx") is None
