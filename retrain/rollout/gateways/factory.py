"""Creation of the configured traffic gateway."""

from pathlib import Path

from monitor.errors import ConfigurationError
from monitor.settings import Secrets, Sections
from monitor.settings.gateways import Envoy
from retrain.rollout.gateways.cluster_names import plain_name
from retrain.rollout.gateways.envoy import EnvoyGateway
from retrain.rollout.gateways.envoy_routes import RouteNames
from retrain.rollout.gateways.probes import ProbeRequest
from retrain.rollout.gateways.protocol import Gateway
from retrain.rollout.gateways.record_only import RecordOnlyGateway


def create_gateway(settings: Sections, secrets: Secrets) -> Gateway:
    """Create the gateway of ``[rollout]``.

    Raises:
        ConfigurationError: Two models have the same name at the gateway.
    """
    rollout = settings.rollout
    if rollout.gateway == "none":
        return RecordOnlyGateway()
    _require_distinct_names(settings)
    request = ProbeRequest(
        path=rollout.probe_path,
        body=rollout.probe_body,
        key=secrets.rollout_probe_key.get_secret_value(),
        timeout_seconds=rollout.probe_timeout.total_seconds(),
    )
    return _envoy(rollout.envoy, request)


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


def _require_distinct_names(settings: Sections) -> None:
    models: dict[str, str] = {}
    for listed in settings.by_model:
        name = plain_name(listed.model.name)
        if name in models:
            raise ConfigurationError(
                f"the models {models[name]!r} and {listed.model.name!r} are both {name!r} at the "
                "gateway, so that they would share their versions; rename one"
            )
        models[name] = listed.model.name
