"""Weights of model names in llm-d's InferenceModelRewrite, such as of LoRA adapters."""

from dataclasses import replace
from typing import Any

from retrain.rollout.gateways.cluster_names import cluster_name, version_of_cluster
from retrain.rollout.gateways.kubernetes_gateway import KubernetesGateway
from retrain.rollout.gateways.kubernetes_objects import (
    Object,
    mark_of,
    plain_resource,
    read_object,
)
from retrain.rollout.gateways.probes import (
    chat_request,
    model_is,
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


class InferenceModelRewriteGateway(KubernetesGateway):
    """An inference pool whose router rewrites the model's name to that of a version.

    The names of the versions are ``MODEL-vVERSION``, such as adapters of vLLM have. The draw is per
    request. A version at 0% is omitted, as a weight of 0 is not allowed. Probes are chat
    completions; ``request`` has their key and time limit.
    """

    def read(self, model: str) -> Applied | None:
        """Return the weights of the rewrite.

        Its rejection, and an older rewrite that has precedence, are unexpected.
        """
        state = read_object(self._server, self._path(model))
        if state is None:
            return None
        applied = self._applied(state, model)
        problems = filter(None, (_rejection(state), self._precedent(state, model)))
        return applied and replace(applied, unexpected=(*problems, *applied.unexpected))

    def remove(self, model: str, version: int) -> None:
        """Refuse for a version with traffic; the rewrite holds nothing of another."""
        require_unused(model, version, self._applied(self._existing(model), model))

    def probe(self, model: str, version: int) -> ProbeResult:
        """Ask for a chat completion by the version's own name."""
        name = cluster_name(model, version)
        request = chat_request(
            name, key=self._request.key, timeout_seconds=self._request.timeout_seconds
        )
        return send_probe(
            name, self._listener, request, proof=model_is(name), missing_statuses={404}
        )

    def _require_version(self, state: Object, model: str, version: int) -> None:
        """Require nothing: the probe finds a version that is missing."""

    def _precedent(self, state: Object, model: str) -> str:
        """Return the older rewrite of the same pool that matches the model; empty: none."""
        listed = read_object(self._server, self._collection) or {}
        pool = state["spec"].get("poolRef", {}).get("name")
        own = state["metadata"]
        for rewrite in listed.get("items") or []:
            metadata = rewrite["metadata"]
            older = metadata.get("creationTimestamp", "") < own.get("creationTimestamp", "")
            same_pool = rewrite["spec"].get("poolRef", {}).get("name") == pool
            if older and same_pool and _find_rule(rewrite, model) is not None:
                return f"the older rewrite {metadata['name']}"
        return ""

    def _definition(self, model: str) -> str:
        return (
            f"define an InferenceModelRewrite {plain_resource(model)} with the pool's poolRef "
            "(docs/how-to/roll-out.md)"
        )

    @property
    def _collection(self) -> str:
        namespace = self._server.namespace
        return f"/apis/llm-d.ai/v1alpha2/namespaces/{namespace}/inferencemodelrewrites"

    def _path(self, model: str) -> str:
        return f"{self._collection}/{self._object_name.format(model=plain_resource(model))}"

    def _applied(self, state: Object, model: str) -> Applied | None:
        rule, mark = _find_rule(state, model), mark_of(state, model)
        if rule is None:
            return None
        weights: dict[int, float] = {}
        unexpected = []
        targets = rule.get("targets") or []
        for target in targets:
            name = target.get("modelRewrite", "")
            version = version_of_cluster(model, name)
            # The weight may be omitted where there is one target.
            weight = target.get("weight", 1)
            if version is not None:
                weights[version] = weights.get(version, 0) + weight
            else:
                unexpected.append(f"model {name}")
        generation, stable = whole_number(mark.get("generation")), mark.get("stable")
        return applied_shares(model, weights, generation, stable=stable, unexpected=unexpected)

    def _write(self, state: Object, weights: Weights) -> None:
        _rule_of(state, weights.model)["targets"] = [
            {"modelRewrite": cluster_name(weights.model, version), "weight": percent}
            for version, percent in weights.shares.items()
        ]


def _rejection(state: Object) -> str:
    """Return why the router rejects a rewrite; empty where it doesn't."""
    for condition in state.get("status", {}).get("conditions") or []:
        if condition.get("type") == "Accepted" and condition.get("status") == "False":
            return f"the router rejects it: {condition.get('reason')} {condition.get('message')}"
    return ""


def _rule_of(state: Object, model: str) -> Object:
    """Return the rule of a model, created where the rewrite has none."""
    rule: Object | None = _find_rule(state, model)
    if rule is None:
        rule = {"matches": [{"model": {"type": "Exact", "value": model}}], "targets": []}
        state["spec"].setdefault("rules", []).insert(0, rule)
    return rule


def _find_rule(state: Object, model: str) -> Any:
    for rule in state["spec"].get("rules") or []:
        for match in rule.get("matches") or []:
            if match.get("model", {}).get("value") == model:
                return rule
    return None
