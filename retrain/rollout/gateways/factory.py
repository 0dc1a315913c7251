"""Creation of the configured traffic gateway."""

from pathlib import Path

from monitor.errors import ConfigurationError
from monitor.settings import Sections
from retrain.rollout.gateways.cluster_names import plain_name
from retrain.rollout.gateways.envoy import EnvoyGateway
from retrain.rollout.gateways.envoy_routes import RouteNames
from retrain.rollout.gateways.protocol import Gateway
from retrain.rollout.gateways.record_only import RecordOnlyGateway


def create_gateway(settings: Sections) -> Gateway:
    """Create the gateway of ``[rollout]``.

    Raises:
        ConfigurationError: Two models have the same name at the gateway.
    """
    rollout = settings.rollout
    if rollout.gateway == "none":
        return RecordOnlyGateway()
    _require_distinct_names(settings)
    envoy = rollout.envoy
    names = RouteNames(
        route_name=envoy.route_name,
        model_header=envoy.model_header,
        user_header=envoy.user_header,
        version_header=envoy.version_header,
        default_model=envoy.default_model,
    )
    return EnvoyGateway(Path(envoy.routes), names)


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
