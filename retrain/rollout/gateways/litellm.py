"""LiteLLM's proxy as a traffic gateway, by its management API."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monitor.errors import GatewayError, TransientError
from retrain.rest import RestService, bearer
from retrain.rollout.gateways.calls import call
from retrain.rollout.gateways.cluster_names import cluster_name, version_of_cluster
from retrain.rollout.gateways.probes import (
    ProbeRequest,
    chat_request,
    header_is,
    require_success,
    send_probe,
)
from retrain.rollout.gateways.protocol import (
    Applied,
    Capabilities,
    ProbeResult,
    Weights,
    applied_shares,
    first_traffic,
    require_newest,
    require_unused,
    whole_number,
)

#: Header of a response with the id of the deployment that served it.
_SERVED_BY = "x-litellm-model-id"
#: Keys of a deployment's ``model_info`` that driftwarden writes.
_GENERATION, _STABLE, _CREATED = (
    "driftwarden_generation",
    "driftwarden_stable",
    "driftwarden_created",
)


@dataclass(frozen=True)
class _Deployment:
    """A deployment of the proxy."""

    id: str
    group: str
    weight: float
    blocked: bool
    info: Mapping[str, Any]


class LiteLlmGateway:
    """A LiteLLM proxy that stores its models in its database.

    A version is a deployment with the id ``MODEL-vVERSION``. While it gets traffic it belongs to
    the model's group, with its weight; before its first percent it stands in a group of its own
    name, by which it is probed; when it is reverted it is blocked, because with a weight of 0 it
    would still be chosen while the other deployment cools down.

    The API has no conditional writes, so ``set`` is not fenced: it reads the generation again just
    before it writes.

    ``key`` is the master key, or one of a proxy admin. ``deployment`` has ``litellm_params`` of new
    deployments, in which ``{name}``, ``{model}`` and ``{version}`` are replaced; empty: deployments
    are defined by hand. ``timeout_seconds`` limits a probe.
    """

    name = "litellm"

    def __init__(
        self,
        url: str,
        key: str,
        deployment: Mapping[str, Any],
        *,
        timeout_seconds: float = 30.0,
    ) -> None:
        self._rest = RestService(
            name="LiteLLM",
            url=url,
            headers=lambda: bearer(key),
            access_hint="Set LITELLM_API_KEY to the proxy's master key",
            timeout_seconds=10.0,
        )
        self._template = deployment
        self._request = ProbeRequest(key=key, timeout_seconds=timeout_seconds)

    @property
    def capabilities(self) -> Capabilities:
        """The abilities: sticky only where the proxy keeps sessions, which is off by default."""
        try:
            checks = self._router_settings().get("optional_pre_call_checks") or []
        except (TransientError, GatewayError):
            checks = []
        sticky = "session_affinity" in checks
        return Capabilities(sticky=sticky, reads_weights=True, probes=True, fenced=False)

    def read(self, model: str) -> Applied | None:
        """Return the weights of the group's deployments that are not blocked."""
        return _applied(self._deployments(), model)

    def stored(self, model: str) -> Applied | None:
        """Return the weights of the proxy's database, which are those in force."""
        return self.read(model)

    def set(self, weights: Weights) -> None:
        """Write the weights of a model's deployments, after probes of the new ones."""
        in_force = self.read(weights.model)
        require_newest(weights, in_force)
        new = first_traffic(weights, in_force)
        if new:
            self._require_weighted_routing()
        for version in new:
            self._prepare(weights.model, version)
            require_success(self.probe(weights.model, version))
        deployments = self._deployments()
        require_newest(weights, _applied(deployments, weights.model))
        # Whoever leaves goes first, so that a revert takes one request; but not as long as nothing
        # that stays serves.
        leaving = [
            deployment
            for deployment in deployments.values()
            if deployment.group == weights.model and _leaves(deployment, weights)
        ]
        stays = in_force is not None and any(in_force.shares.get(v) for v in weights.shares)
        if stays:
            self._block(leaving)
        for version, percent in weights.shares.items():
            self._join(deployments, weights, version, percent)
        if not stays:
            self._block(leaving)

    def remove(self, model: str, version: int) -> None:
        """Delete the deployment that driftwarden created; one defined by hand stays blocked."""
        require_unused(model, version, self.read(model))
        deployment = self._deployments().get(cluster_name(model, version))
        if deployment is not None and deployment.info.get(_CREATED):
            self._delete(deployment)

    def probe(self, model: str, version: int) -> ProbeResult:
        """Ask for a chat completion by the deployment's id."""
        name = cluster_name(model, version)
        request = chat_request(
            name, key=self._request.key, timeout_seconds=self._request.timeout_seconds
        )
        return send_probe(name, self._rest.url, request, proof=header_is(_SERVED_BY, name))

    def _prepare(self, model: str, version: int) -> None:
        """Let a version stand in the group of its own name, where it can be probed."""
        name = cluster_name(model, version)
        deployment = self._deployments().get(name)
        if deployment is None:
            self._create(model, version)
            return
        if deployment.group != name:
            self._patch(name, {"model_name": name})
        if deployment.blocked:
            call(self._rest, "POST", "/model/unblock", {"model_id": name})

    def _create(self, model: str, version: int) -> None:
        name = cluster_name(model, version)
        if not self._template:
            raise GatewayError(
                f"{name}: no deployment of LiteLLM at {self._rest.url} has this id; create it by "
                f'POST /model/new with model_info.id = "{name}", or set '
                "rollout.litellm.deployment",
                code="missing_version",
            )
        parameters = {
            key: value.format(name=name, model=model, version=version)
            if isinstance(value, str)
            else value
            for key, value in self._template.items()
        }
        body = {
            "model_name": name,
            "litellm_params": parameters,
            "model_info": {"id": name, _CREATED: True},
        }
        call(self._rest, "POST", "/model/new", body)

    def _join(
        self,
        deployments: Mapping[str, _Deployment],
        weights: Weights,
        version: int,
        percent: int,
    ) -> None:
        """Give a deployment its weight, and its place in the group, by one request."""
        name = cluster_name(weights.model, version)
        deployment = deployments.get(name)
        if (
            deployment is not None
            and (deployment.group, deployment.weight) == (weights.model, percent)
            and deployment.info.get(_GENERATION) == weights.generation
        ):
            return
        marks = {_GENERATION: weights.generation, _STABLE: version == weights.stable}
        change: dict[str, Any] = {
            "litellm_params": {"weight": percent},
            "model_info": {"id": name, **marks},
        }
        if deployment is None or deployment.group != weights.model:
            change["model_name"] = weights.model
        self._patch(name, change)

    def _patch(self, name: str, change: dict[str, Any]) -> None:
        # Without its id the proxy gives a deployment a new one.
        info = {"id": name, **change.get("model_info", {})}
        call(self._rest, "PATCH", f"/model/{name}/update", {**change, "model_info": info})

    def _block(self, deployments: Sequence[_Deployment]) -> None:
        """Take deployments out of their group; proxies without blocks delete them."""
        missing = frozenset({404, 405})
        for deployment in deployments:
            response = call(
                self._rest, "POST", "/model/block", {"model_id": deployment.id}, expected=missing
            )
            if response.status_code in missing:
                self._delete(deployment)

    def _delete(self, deployment: _Deployment) -> None:
        call(self._rest, "POST", "/model/delete", {"id": deployment.id}, expected=frozenset({404}))

    def _require_weighted_routing(self) -> None:
        strategy = self._router_settings().get("routing_strategy") or "simple-shuffle"
        if strategy != "simple-shuffle":
            raise GatewayError(
                f"LiteLLM at {self._rest.url} routes by {strategy!r}, which ignores weights; set "
                'router_settings.routing_strategy to "simple-shuffle"',
                code="rejected",
            )

    def _router_settings(self) -> dict[str, Any]:
        settings = call(self._rest, "GET", "/router/settings").json()
        return dict(settings.get("current_values") or {})

    def _deployments(self) -> dict[str, _Deployment]:
        listed = call(self._rest, "GET", "/model/info").json().get("data") or []
        deployments = [_deployment_of(entry) for entry in listed]
        return {deployment.id: deployment for deployment in deployments}


def _deployment_of(entry: Mapping[str, Any]) -> _Deployment:
    info, parameters = entry.get("model_info") or {}, entry.get("litellm_params") or {}
    return _Deployment(
        id=str(info.get("id", "")),
        group=str(entry.get("model_name", "")),
        weight=float(parameters.get("weight") or 0),
        blocked=bool(info.get("blocked")),
        info=info,
    )


def _leaves(deployment: _Deployment, weights: Weights) -> bool:
    """Return whether a deployment serves a version of the model that gets no traffic any more."""
    version = version_of_cluster(weights.model, deployment.id)
    return not deployment.blocked and version is not None and version not in weights.shares


def _applied(deployments: Mapping[str, _Deployment], model: str) -> Applied | None:
    """Return the weights of a group; deployments of other ids in it are unexpected."""
    group = [deployment for deployment in deployments.values() if deployment.group == model]
    serving = [deployment for deployment in group if not deployment.blocked]
    weights: dict[int, float] = {}
    unexpected, stable = [], None
    for deployment in serving:
        version = version_of_cluster(model, deployment.id)
        if version is None:
            unexpected.append(f"deployment {deployment.id}")
            continue
        # A group without weights is drawn evenly.
        weights[version] = deployment.weight
        stable = version if deployment.info.get(_STABLE) else stable
    if weights and not any(weights.values()):
        weights = dict.fromkeys(weights, 1.0)
    unexpected += [f"v{v} at weight 0" for v, weight in weights.items() if not weight]
    generations = [whole_number(deployment.info.get(_GENERATION)) for deployment in group]
    generation = max(generations, default=0)
    return applied_shares(model, weights, generation, stable=stable, unexpected=unexpected)
