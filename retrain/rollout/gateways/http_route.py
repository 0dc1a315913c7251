"""Weights of the backends of a Kubernetes HTTPRoute."""

import copy
import secrets
import time
from collections.abc import Collection, Iterator
from dataclasses import replace

from monitor.errors import GatewayError, TransientError
from retrain.jobs.kubernetes.api_server import ApiServer
from retrain.rollout.gateways.kubernetes_gateway import KubernetesGateway
from retrain.rollout.gateways.kubernetes_objects import (
    Object,
    mark_of,
    plain_resource,
    read_object,
    resource_name,
    version_of_resource,
)
from retrain.rollout.gateways.probes import (
    PROBE_HEADER,
    ProbeRequest,
    header_is,
    send_probe,
)
from retrain.rollout.gateways.protocol import (
    Applied,
    ProbeResult,
    Weights,
    applied_shares,
    require_unused,
    whole_number,
)

#: Largest number of matches of a rule.
_MAX_MATCHES = 8
_POOLS = "inference.networking.k8s.io"


class HttpRouteGateway(KubernetesGateway):
    """A gateway of Kubernetes' Gateway API, by the HTTPRoute of each model.

    The route is named like the model, and its backends, Services or InferencePools, like the
    versions: ``MODEL-vVERSION``. Other rules and fields of the route stay as they are. The
    gateway takes a change within ``read_seconds``.
    """

    def __init__(
        self,
        server: ApiServer,
        listener: str,
        request: ProbeRequest,
        *,
        object_name: str = "{model}",
        read_seconds: float = 30.0,
    ) -> None:
        super().__init__(server, listener, request, object_name=object_name)
        self._read_seconds = read_seconds

    def read(self, model: str) -> Applied | None:
        """Return the weights of the route, once each gateway has processed it.

        A gateway that rejects the route, such as for a missing backend, is unexpected.
        """
        route = read_object(self._server, self._path(model))
        if route is None:
            return None
        problem, applied = _rejection(route), self._applied(route, model)
        if applied is None or not problem:
            return applied
        return replace(applied, unexpected=(*applied.unexpected, problem))

    def remove(self, model: str, version: int) -> None:
        """Remove the rule of probes of a version without traffic."""

        def remove(state: Object) -> None:
            require_unused(model, version, self._applied(state, model))
            rules = state["spec"]["rules"]
            rules[:] = [rule for rule in rules if not _is_probe_of(rule, model, {version})]

        self._change(model, remove)

    def probe(self, model: str, version: int) -> ProbeResult:
        """Send a probe to a version by a rule that matches a random header."""
        name = resource_name(model, version)
        value = f"{name} {secrets.token_hex(16)}"

        def add(state: Object) -> None:
            if _find_probe(state, model, version) is None:
                state["spec"]["rules"].insert(0, _probe_rule(state, model, version, value))

        self._change(model, add)
        route = self._taken(model)
        headers = _headers_of_probe(route, model, version, self._request)
        hosts = route["spec"].get("hostnames") or []
        if hosts:
            headers["Host"] = hosts[0]
        proof = header_is(PROBE_HEADER, name)
        return send_probe(name, self._listener, self._request, headers=headers, proof=proof)

    def _taken(self, model: str) -> Object:
        """Return the route once its gateways have taken it."""
        deadline = time.monotonic() + self._read_seconds
        while True:
            route = self._existing(model)
            try:
                problem = _rejection(route)
            except TransientError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
                continue
            if problem:
                raise GatewayError(
                    f"HTTPRoute {route['metadata']['name']}: {problem}", code="rejected"
                )
            return route

    def _require_version(self, state: Object, model: str, version: int) -> None:
        template = _template(state, model)
        name = resource_name(model, version)
        namespace = template.get("namespace") or self._server.namespace
        if template.get("kind", "Service") == "InferencePool":
            path = f"/apis/{_POOLS}/v1/namespaces/{namespace}/inferencepools/{name}"
        else:
            path = f"/api/v1/namespaces/{namespace}/services/{name}"
        if read_object(self._server, path) is None:
            kind = template.get("kind", "Service")
            raise GatewayError(
                f"{name}: no {kind} in the namespace {namespace}; create the {kind} {name} with "
                "the version's pods before it gets traffic",
                code="missing_version",
            )

    def _definition(self, model: str) -> str:
        return (
            f"define an HTTPRoute whose rule has the backend {resource_name(model, 1)} (or another "
            "version) (docs/how-to/roll-out.md)"
        )

    def _path(self, model: str) -> str:
        name = self._object_name.format(model=plain_resource(model))
        base = f"/apis/gateway.networking.k8s.io/v1/namespaces/{self._server.namespace}"
        return f"{base}/httproutes/{name}"

    def _applied(self, state: Object, model: str) -> Applied | None:
        """Return the weights of the model's rules; rules that differ are unexpected."""
        mark = mark_of(state, model)
        rules = [_weights_of(rule, model) for rule in _model_rules(state, model)]
        if not rules:
            return None
        weights, unexpected = rules[0]
        if any(rule != rules[0] for rule in rules):
            unexpected = [*unexpected, "rules with other weights"]
        generation, stable = whole_number(mark.get("generation")), mark.get("stable")
        return applied_shares(model, weights, generation, stable=stable, unexpected=unexpected)

    def _write(self, state: Object, weights: Weights) -> None:
        template = _template(state, weights.model)
        for rule in _model_rules(state, weights.model):
            rule["backendRefs"] = [
                {**template, "name": resource_name(weights.model, version), "weight": percent}
                for version, percent in weights.shares.items()
            ]
        rules, present = state["spec"]["rules"], {weights.stable, weights.canary}
        rules[:] = [rule for rule in rules if not _is_left_over(rule, weights.model, present)]


def _rejection(route: Object) -> str:
    """Return why a gateway rejects the present state of a route; empty where none does.

    Raises:
        TransientError: A gateway has not processed it yet.
    """
    name, generation = route["metadata"]["name"], route["metadata"].get("generation", 0)
    parents = route.get("status", {}).get("parents") or []
    if not parents:
        raise TransientError(
            f"HTTPRoute {name}: no gateway has taken it; check its parentRefs", code="pending"
        )
    rejection = ""
    for parent in parents:
        controller = parent.get("controllerName")
        conditions = {c["type"]: c for c in parent.get("conditions") or []}
        for kind in ("Accepted", "ResolvedRefs"):
            condition = conditions.get(kind)
            if condition is None or condition.get("observedGeneration", generation) < generation:
                raise TransientError(
                    f"HTTPRoute {name}: {controller} has not processed its generation {generation}",
                    code="pending",
                )
            if condition["status"] != "True":
                reason, message = condition.get("reason"), condition.get("message")
                rejection = f"{controller} says {kind} is {condition['status']}: {reason} {message}"
    return rejection


def _weights_of(rule: Object, model: str) -> tuple[dict[int, float], list[str]]:
    weights: dict[int, float] = {}
    unexpected = []
    for backend in rule["backendRefs"]:
        version, weight = version_of_resource(model, backend["name"]), backend.get("weight", 1)
        if version is not None:
            weights[version] = weights.get(version, 0) + weight
        elif weight:
            unexpected.append(f"backend {backend['name']}")
    return weights, unexpected


def _template(route: Object, model: str) -> Object:
    """Return a backend of the model without its name and weight: kind, port and filters."""
    for rule in _model_rules(route, model):
        for backend in rule["backendRefs"]:
            if version_of_resource(model, backend["name"]) is not None:
                return {k: v for k, v in backend.items() if k not in {"name", "weight"}}
    name = route["metadata"]["name"]
    raise GatewayError(
        f"HTTPRoute {name}: no rule has a backend of {model}; name the backend of the serving "
        f"version {resource_name(model, 1)} (or its number)",
        code="missing_object",
    )


def _model_rules(route: Object, model: str) -> Iterator[Object]:
    for rule in route["spec"].get("rules") or []:
        versions = [version_of_resource(model, b["name"]) for b in rule.get("backendRefs") or []]
        if not _is_probe(rule) and any(version is not None for version in versions):
            yield rule


def _probe_rule(route: Object, model: str, version: int, value: str) -> Object:
    name = resource_name(model, version)
    proof = {"set": [{"name": PROBE_HEADER, "value": name}]}
    header = {"type": "Exact", "name": PROBE_HEADER, "value": value}
    # The matches of the model's rules with one more header: a longer path would have precedence.
    matches = [
        {**match, "headers": [*(match.get("headers") or []), header]}
        for rule in _model_rules(route, model)
        for match in rule.get("matches") or [{}]
    ]
    return {
        "matches": matches[:_MAX_MATCHES],
        "filters": [
            {"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": [PROBE_HEADER]}},
            {"type": "ResponseHeaderModifier", "responseHeaderModifier": proof},
        ],
        "backendRefs": [{**copy.deepcopy(_template(route, model)), "name": name, "weight": 1}],
    }


def _find_probe(route: Object, model: str, version: int) -> Object | None:
    rules = route["spec"].get("rules") or []
    return next((rule for rule in rules if _is_probe_of(rule, model, {version})), None)


def _headers_of_probe(
    route: Object, model: str, version: int, request: ProbeRequest
) -> dict[str, str]:
    """Return the headers by which a probe matches the rule of its version."""
    rule = _find_probe(route, model, version)
    if rule is None:
        return {}
    method = "POST" if request.body else "GET"
    fitting = [
        match
        for match in rule["matches"]
        if match.get("method") in {None, method}
        and request.path.startswith((match.get("path") or {}).get("value", "/"))
    ]
    match = (fitting or rule["matches"])[0]
    return {header["name"]: header["value"] for header in match["headers"]}


def _probe_headers(rule: Object) -> list[Object]:
    headers = [h for match in rule.get("matches") or [] for h in match.get("headers") or []]
    return [header for header in headers if header["name"] == PROBE_HEADER]


def _is_probe(rule: Object) -> bool:
    return bool(_probe_headers(rule))


def _is_left_over(rule: Object, model: str, present: Collection[int | None]) -> bool:
    """Return whether a rule probes a version that takes no part any more."""
    if not _is_probe(rule):
        return False
    version = version_of_resource(model, rule["backendRefs"][0]["name"])
    return version is not None and version not in present


def _is_probe_of(rule: Object, model: str, versions: Collection[int | None]) -> bool:
    backends = rule.get("backendRefs") or []
    return _is_probe(rule) and version_of_resource(model, backends[0]["name"]) in versions
