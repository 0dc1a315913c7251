"""Creation of the configured traffic gateway."""

from pathlib import Path

from sqlalchemy import Engine

from monitor.errors import ConfigurationError, TransientError
from monitor.settings import Rollout, Secrets, Sections
from monitor.store.engine import transaction
from monitor.store.training.registry import version_by_number
from retrain.jobs.kubernetes.api_server import connect
from retrain.models.source import template_of
from retrain.rollout.gateways.cluster_names import plain_name
from retrain.rollout.gateways.envoy import EnvoyGateway
from retrain.rollout.gateways.envoy_routes import RouteNames
from retrain.rollout.gateways.http_route import HttpRouteGateway
from retrain.rollout.gateways.inference_model_rewrite import InferenceModelRewriteGateway
from retrain.rollout.gateways.kubernetes_objects import plain_resource
from retrain.rollout.gateways.litellm import LiteLlmGateway
from retrain.rollout.gateways.probes import ProbeRequest
from retrain.rollout.gateways.protocol import Gateway
from retrain.rollout.gateways.record_only import RecordOnlyGateway
from retrain.rollout.gateways.vllm import (
    AdaptersOnVllm,
    AdapterSource,
    AllowedAdapters,
    ReplicaSettings,
    StoredAdapter,
)
from retrain.rollout.settings import Envoy, KubernetesRoutes


def create_gateway(settings: Sections, secrets: Secrets, engine: Engine | None = None) -> Gateway:
    """Create the gateway of ``[rollout]``.

    From the engine's registry adapters are loaded before a version's first traffic; without it only
    versions with loaded adapters can get traffic.

    Raises:
        ConfigurationError: Two models have the same name at the gateway, the default model is not
            listed, or the address of the API server is missing.
    """
    rollout = settings.rollout
    if rollout.gateway != "none" or rollout.vllm.replicas:
        _check_names(settings)
    router = _router(rollout, secrets)
    if not rollout.vllm.replicas:
        return router
    replicas = ReplicaSettings(
        addresses=rollout.vllm.replicas,
        adapters=rollout.vllm.adapters,
        key=secrets.vllm_api_key.get_secret_value(),
        timeout_seconds=rollout.probe_timeout.total_seconds(),
    )
    allowed = AllowedAdapters(rollout.vllm.max_lora_rank, rollout.vllm.target_modules)
    return AdaptersOnVllm(router, replicas, allowed, _adapters_of(engine))


def _router(rollout: Rollout, secrets: Secrets) -> Gateway:
    request = ProbeRequest(
        path=rollout.probe_path,
        body=rollout.probe_body,
        key=secrets.rollout_probe_key.get_secret_value(),
        timeout_seconds=rollout.probe_timeout.total_seconds(),
    )
    if rollout.gateway == "envoy":
        return _envoy(rollout.envoy, request)
    if rollout.gateway == "litellm":
        key = secrets.litellm_api_key.get_secret_value()
        proxy = rollout.litellm
        seconds = request.timeout_seconds
        return LiteLlmGateway(proxy.url, key, proxy.deployment, timeout_seconds=seconds)
    if rollout.gateway == "kubernetes":
        token = secrets.kubernetes_token.get_secret_value()
        return _kubernetes(rollout.kubernetes, request, token)
    return RecordOnlyGateway()


def _envoy(settings: Envoy, request: ProbeRequest) -> EnvoyGateway:
    names = RouteNames(
        route_name=settings.route_name,
        model_header=settings.model_header,
        user_header=settings.user_header,
        version_header=settings.version_header,
        default_model=settings.default_model,
    )
    routes = Path(settings.routes)
    return EnvoyGateway(routes, names, settings.admin, settings.listeners, request)


def _kubernetes(settings: KubernetesRoutes, request: ProbeRequest, token: str) -> Gateway:
    server = connect(
        "rollout.kubernetes",
        api=settings.api,
        ca_file=settings.ca_file,
        namespace=settings.namespace,
        token=token,
        rights="docs/how-to/roll-out.md",
    )
    name = settings.object_name
    if settings.resource == "HTTPRoute":
        return HttpRouteGateway(server, settings.listener, request, object_name=name)
    return InferenceModelRewriteGateway(server, settings.listener, request, object_name=name)


def _adapters_of(engine: Engine | None) -> AdapterSource:
    """Return a source of adapters that reads the registry."""

    def adapter_of(model: str, version: int) -> StoredAdapter:
        if engine is None:
            raise TransientError("the registry is not open", code="unavailable")
        with transaction(engine) as connection:
            row = version_by_number(connection, model, version)
        return StoredAdapter(Path(row.adapter_path), template_of(row))

    return adapter_of


def _check_names(settings: Sections) -> None:
    plain = plain_resource if settings.rollout.gateway == "kubernetes" else plain_name
    models: dict[str, str] = {}
    for listed in settings.by_model:
        name = plain(listed.model.name)
        if name in models:
            raise ConfigurationError(
                f"the models {models[name]!r} and {listed.model.name!r} are both {name!r} at the "
                "gateway, so that they would share their versions; rename one"
            )
        models[name] = listed.model.name
    for name, model in models.items():
        other = name.rpartition("-v")[0]
        if other in models and name.rpartition("-v")[2].isdigit():
            raise ConfigurationError(
                f"the model {model!r} has the name of a version of {models[other]!r} at the "
                "gateway; rename one"
            )
    default = settings.rollout.envoy.default_model
    if default and default not in models.values():
        raise ConfigurationError(
            f"rollout.envoy.default_model = {default!r}: no listed model; name one of: "
            f"{', '.join(models.values())}"
        )
