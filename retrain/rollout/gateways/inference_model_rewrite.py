"""Weights of model names in llm-d's InferenceModelRewrite, such as of LoRA adapters."""

from collections.abc import Sequence
from typing import Any

from retrain.jobs.kubernetes.api_server import ApiServer
from retrain.rollout.gateways.cluster_names import cluster_name, version_of_cluster
from retrain.rollout.gateways.kubernetes_objects import (
    Object,
    change_object,
    existing_object,
    mark_of,
    plain_resource,
    read_object,
    write_mark,
)
from retrain.rollout.gateways.probes import (
    ProbeRequest,
    chat_request,
    model_is,
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


class InferenceModelRewriteGateway:
    """An inference pool whose router rewrites the model's name to that of a version.

    The names of the versions are ``MODEL-vVERSION``, such as adapters of vLLM have. The draw is per
    request. A version at 0% is omitted, as a weight of 0 is not allowed. Probes go to ``listener``,
    the address of the gateway, as chat completions; ``request`` has their key and time limit. In
    the name ``rewrite`` ``{model}`` is the model.
    """

    name = "kubernetes"
    capabilities = Capabilities(sticky=False, reads_weights=True, probes=True, fenced=True)

    def __init__(
        self,
        server: ApiServer,
        listener: str,
        request: ProbeRequest,
        *,
        rewrite: str = "{model}",
    ) -> None:
        self._server = server
        self._listener = listener
        self._request = request
        self._rewrite = rewrite

    def read(self, model: str) -> Applied | None:
        """Return the weights of the rewrite.

        Its rejection, and an older rewrite that has precedence, are unexpected.
        """
        state = read_object(self._server, self._path(model))
        if state is None:
            return None
        problems = (_rejection(state), self._precedent(state, model))
        return _applied(state, model, [problem for problem in problems if problem])

    def stored(self, model: str) -> Applied | None:
        """Return the weights of the rewrite."""
        state = read_object(self._server, self._path(model))
        return None if state is None else _applied(state, model)

    def set(self, weights: Weights) -> None:
        """Write the weights of a model, after probes of the versions new to its traffic."""
        state = self._existing(weights.model)
        in_force = _applied(state, weights.model)
        require_newest(weights, in_force)
        for version in first_traffic(weights, in_force):
            require_success(self.probe(weights.model, version))

        def write(current: Object) -> None:
            write_mark(current, weights, _applied(current, weights.model))
            _rule_of(current, weights.model)["targets"] = [
                {"modelRewrite": cluster_name(weights.model, version), "weight": percent}
                for version, percent in weights.shares.items()
            ]

        path, definition = self._path(weights.model), self._definition(weights.model)
        change_object(self._server, path, write, definition=definition)

    def remove(self, model: str, version: int) -> None:
        """Refuse for a version with traffic; the rewrite holds nothing of another."""
        require_unused(model, version, _applied(self._existing(model), model))

    def probe(self, model: str, version: int) -> ProbeResult:
        """Ask for a chat completion by the version's own name."""
        name = cluster_name(model, version)
        request = chat_request(
            name, key=self._request.key, timeout_seconds=self._request.timeout_seconds
        )
        return send_probe(
            name, self._listener, request, proof=model_is(name), missing_statuses={404}
        )

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

    def _existing(self, model: str) -> Object:
        return existing_object(self._server, self._path(model), self._definition(model))

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
        return f"{self._collection}/{self._rewrite.format(model=plain_resource(model))}"


def _rejection(state: Object) -> str:
    """Return why the router rejects a rewrite; empty where it doesn't."""
    for condition in state.get("status", {}).get("conditions") or []:
        if condition.get("type") == "Accepted" and condition.get("status") == "False":
            return f"the router rejects it: {condition.get('reason')} {condition.get('message')}"
    return ""


def _applied(state: Object, model: str, problems: Sequence[str] = ()) -> Applied | None:
    rule, mark = _find_rule(state, model), mark_of(state, model)
    if rule is None:
        return None
    weights: dict[int, float] = {}
    unexpected = list(problems)
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
