"""Envoy's route configuration as a document: routes of driftwarden among others."""

import copy
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from retrain.rollout.gateways.cluster_names import cluster_name, version_of_cluster
from retrain.rollout.gateways.probes import PROBE_HEADER
from retrain.rollout.gateways.protocol import Applied, Weights, applied_shares, whole_number

Object = dict[str, Any]
#: Type of the one resource of a route file.
TYPE = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"
#: Key of the metadata of driftwarden's routes.
_OWNER = "driftwarden"
_ANY_TEXT = {"regex": ".+"}


@dataclass(frozen=True)
class RouteNames:
    """The names that routes use."""

    #: Name of the route configuration.
    route_name: str = "driftwarden"
    #: Request header that names the model.
    model_header: str = "x-model"
    #: Request header that names the user; a request without it, or with an empty one, is drawn.
    #: Empty: each request is drawn.
    user_header: str = "x-user"
    #: Header with the cluster's name, added to requests and responses, or empty.
    version_header: str = "x-model-version"
    #: Model of requests that no other route matches; empty: the first.
    default_model: str = ""


class RouteDocument:
    """The content of a route file. What driftwarden did not write stays as it is."""

    def __init__(self, content: Mapping[str, Any] | None, names: RouteNames) -> None:
        self.content: Object = copy.deepcopy(dict(content or {}))
        self._names = names

    @classmethod
    def of_configuration(
        cls, configuration: Mapping[str, Any], names: RouteNames
    ) -> "RouteDocument":
        """Wrap one route configuration, such as that of Envoy's admin interface."""
        return cls({"resources": [configuration]}, names)

    def is_well_formed(self) -> bool:
        """Return whether the document has the shape of a route configuration."""
        try:
            routes = list(self._routes())
            return all(
                isinstance(_mark(r), dict) and isinstance(_matches_all(r), bool) for r in routes
            )
        except (AttributeError, KeyError, TypeError):
            return False

    @property
    def other_name(self) -> str:
        """The name of a route configuration in the document, where it is not the configured one."""
        names = [str(resource.get("name")) for resource in self.content.get("resources", [])]
        return "" if not names or self._names.route_name in names else names[0]

    def read(self, model: str) -> Applied | None:
        """Return the weights of a model; ``None`` without a route of the model."""
        routes = [r for r in self._routes() if _is_of(r, model) and not _is_probe(r, model)]
        if not routes:
            return None
        weights, outsiders = _weights_of(routes[0], model)
        for route in routes[1:]:
            if _weights_of(route, model) != _weights_of(routes[0], model):
                outsiders.append(f"other weights in the route {route.get('name')}")
        mark = _mark(routes[0])
        stable = whole_number(mark["stable"]) if "stable" in mark else None
        generation = whole_number(mark.get("generation"))
        return applied_shares(model, weights, generation, stable=stable, unexpected=outsiders)

    def write(self, weights: Weights) -> None:
        """Set the weights of one model, and the default route where it is this model's."""
        routes = self._own_routes()
        header = {"name": self._names.model_header, "string_match": {"exact": weights.model}}
        self._put_both(routes, weights, "model", [header])
        if self._becomes_default(routes, weights.model):
            routes[:] = [r for r in routes if not _is_default(r) or _is_of(r, weights.model)]
            self._put_both(routes, weights, "default", [])
        probes = [route for route in self._routes() if _is_probe(route, weights.model)]
        probed = {whole_number(_mark(route)["version"]) for route in probes}
        for version in probed - {weights.stable, weights.canary}:
            self.remove_probe(weights.model, version)

    def probe_value(self, model: str, version: int) -> str | None:
        """Return the value of the probe header that selects a version; ``None``: none does."""
        for route in self._routes():
            if _is_probe(route, model) and _mark(route)["version"] == version:
                return str(route["match"]["headers"][0]["string_match"]["exact"])
        return None

    def add_probe(self, model: str, version: int, value: str) -> None:
        """Add the route of probes of a version."""
        header = {"name": PROBE_HEADER, "string_match": {"exact": value}}
        cluster = cluster_name(model, version)
        route = {
            "name": f"{_OWNER}/probe/{cluster}",
            "match": {"prefix": "/", "headers": [header]},
            "metadata": _metadata({"model": model, "use": "probe", "version": version}),
            "route": {"cluster": cluster},
            "request_headers_to_remove": [PROBE_HEADER],
            "response_headers_to_add": [_added(PROBE_HEADER, cluster)],
        }
        if self.probe_value(model, version) is None:
            self._own_routes().insert(0, route)

    def remove_probe(self, model: str, version: int) -> None:
        """Remove the route of probes of a version."""
        routes = self._own_routes()
        routes[:] = [
            route
            for route in routes
            if not (_is_probe(route, model) and _mark(route)["version"] == version)
        ]

    def text(self) -> str:
        """Return the content of the file, with a version that follows from it."""
        self.content.pop("version_info", None)
        digest = hashlib.sha256(json.dumps(self.content, sort_keys=True).encode()).hexdigest()
        return json.dumps({"version_info": digest[:16], **self.content}, indent=2) + "\n"

    def _becomes_default(self, routes: list[Object], model: str) -> bool:
        """Return whether the default route is a model's: configured, as before, or the first."""
        if self._names.default_model == model or not any(_matches_all(r) for r in routes):
            return True
        return any(_is_default(r) and _is_of(r, model) for r in routes)

    def _put_both(
        self, routes: list[Object], weights: Weights, use: str, headers: list[Object]
    ) -> None:
        """Put the route of requests with a user, and behind it that of the others.

        Envoy would hash an empty header too, and send all anonymous traffic to one version.
        """
        if self._names.user_header:
            user = {"name": self._names.user_header, "string_match": {"safe_regex": _ANY_TEXT}}
            match = {"prefix": "/", "headers": [*headers, user]}
            self._put(routes, weights, f"{use} by user", match, self._hash_policy(weights))
        else:
            routes[:] = [r for r in routes if not _has_use(r, weights.model, f"{use} by user")]
        self._put(
            routes, weights, use, {"prefix": "/", **({"headers": headers} if headers else {})}
        )

    def _put(
        self,
        routes: list[Object],
        weights: Weights,
        use: str,
        match: Object,
        hash_policy: Object | None = None,
    ) -> None:
        """Replace or insert a route of a model; an operator's further fields of it stay."""
        mark = {
            "model": weights.model,
            "use": use,
            "generation": weights.generation,
            "stable": weights.stable,
        }
        old = next((r for r in routes if _has_use(r, weights.model, use)), None)
        route: Object = copy.deepcopy(old) if old else {"name": f"{_OWNER}/{use}/{weights.model}"}
        # Without a limit, as a long response may take minutes; Envoy's default is 15 seconds.
        action: Object = {"timeout": "0s", **(route["route"] if old else {})}
        action.pop("cluster", None)
        action["weighted_clusters"] = {"clusters": self._clusters(weights)}
        action.pop("hash_policy", None)
        if hash_policy:
            action["weighted_clusters"]["use_hash_policy"] = True
            action["hash_policy"] = [hash_policy]
        route |= {"match": match, "metadata": _metadata(mark), "route": action}
        if old:
            routes[routes.index(old)] = route
        else:
            # Before the route of the same requests without a user, and before any default route.
            plain = use.removesuffix(" by user")
            ends = [
                index
                for index, other in enumerate(routes)
                if _matches_all(other) or _has_use(other, weights.model, plain)
            ]
            routes.insert(ends[0] if ends else len(routes), route)

    def _clusters(self, weights: Weights) -> list[Object]:
        """Return the clusters, the canary first: its hashes are then those below its weight.

        A version at 0% is omitted: a retry could still select a cluster of weight 0.
        """
        clusters = []
        for version, percent in weights.shares.items():
            name = cluster_name(weights.model, version)
            cluster: Object = {"name": name, "weight": percent}
            if self._names.version_header:
                added = _added(self._names.version_header, name)
                cluster |= {"request_headers_to_add": [added], "response_headers_to_add": [added]}
            clusters.append(cluster)
        return clusters

    def _hash_policy(self, weights: Weights) -> Object:
        """Return the hash of the user with the canary's name: another canary has other users."""
        version = weights.canary if weights.canary is not None else weights.stable
        salt = cluster_name(weights.model, version)
        rewrite = {"pattern": {"regex": "^(.*)$"}, "substitution": f"{salt} \\1"}
        return {"header": {"header_name": self._names.user_header, "regex_rewrite": rewrite}}

    def _routes(self) -> Iterator[Object]:
        for host in self._hosts():
            yield from host.get("routes", [])

    def _hosts(self) -> list[Object]:
        for resource in self.content.get("resources", []):
            if resource.get("name") == self._names.route_name:
                return list(resource.get("virtual_hosts", []))
        return []

    def _own_routes(self) -> list[Object]:
        """Return the routes of the virtual host of all domains; create what is missing."""
        resources = self.content.setdefault("resources", [])
        name = self._names.route_name
        resource = next((r for r in resources if r.get("name") == name), None)
        if resource is None:
            resource = {"@type": TYPE, "name": name, "virtual_hosts": []}
            resources.append(resource)
        hosts = resource.setdefault("virtual_hosts", [])
        host = next((h for h in hosts if "*" in h.get("domains", [])), None)
        if host is None:
            host = {"name": name, "domains": ["*"], "routes": []}
            hosts.append(host)
        routes: list[Object] = host.setdefault("routes", [])
        return routes


def _weights_of(route: Object, model: str) -> tuple[dict[int, float], list[str]]:
    """Return the weights of the versions, and the clusters that are no version of the model."""
    action = route.get("route", {})
    clusters = action.get("weighted_clusters", {}).get("clusters", [])
    if "cluster" in action:
        clusters = [{"name": action["cluster"], "weight": 100}]
    weights: dict[int, float] = {}
    outsiders = []
    for cluster in clusters:
        version = version_of_cluster(model, cluster.get("name", ""))
        if version is not None:
            weights[version] = weights.get(version, 0) + float(cluster.get("weight", 0))
        elif cluster.get("weight"):
            outsiders.append(f"cluster {cluster.get('name')}")
    return weights, outsiders


def _mark(route: Object) -> Object:
    """Return the metadata that driftwarden wrote; version 0.1 wrote none."""
    mark = route.get("metadata", {}).get("filter_metadata", {}).get(_OWNER)
    if mark:
        return dict(mark)
    clusters = route.get("route", {}).get("weighted_clusters", {}).get("clusters", [])
    names = [cluster.get("name", "") for cluster in clusters]
    models = {name.rpartition("-v")[0] for name in names if name.rpartition("-v")[2].isdigit()}
    if len(models) != 1 or set(route) != {"match", "route"}:
        return {}
    if _matches_all(route):
        return {"use": "default", "plain_model": models.pop()}
    header = [h.get("string_match", {}).get("exact") for h in route["match"].get("headers", [])]
    if header == [None] or len(header) != 1 or route["match"].get("prefix") != "/":
        return {}
    return {"use": "model", "plain_model": models.pop()}


def _has_use(route: Object, model: str, use: str) -> bool:
    return _mark(route).get("use") == use and _is_of(route, model)


def _is_default(route: Object) -> bool:
    return str(_mark(route).get("use", "")).startswith("default")


def _is_of(route: Object, model: str) -> bool:
    mark = _mark(route)
    if "plain_model" in mark:
        return cluster_name(model, 1) == f"{mark['plain_model']}-v1"
    return bool(mark.get("model") == model)


def _is_probe(route: Object, model: str) -> bool:
    return _mark(route).get("use") == "probe" and _is_of(route, model)


def _matches_all(route: Object) -> bool:
    return bool(route.get("match") == {"prefix": "/"})


def _added(header: str, value: str) -> Object:
    return {
        "header": {"key": header, "value": value},
        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
    }


def _metadata(mark: Object) -> Object:
    return {"filter_metadata": {_OWNER: mark}}
