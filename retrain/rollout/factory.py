"""Creation of the configured traffic gateway."""

from pathlib import Path

from monitor.errors import ConfigurationError
from monitor.settings import Rollout
from retrain.rollout.envoy_file import EnvoyFile
from retrain.rollout.gateway import Gateway, RecordOnlyGateway


def create_gateway(settings: Rollout) -> Gateway:
    """Create the configured gateway.

    Raises:
        ConfigurationError: ``envoy-file`` is set without ``rollout.gateway_routes``.
    """
    if settings.gateway == "none":
        return RecordOnlyGateway()
    if not settings.gateway_routes:
        raise ConfigurationError(
            'rollout.gateway = "envoy-file" needs rollout.gateway_routes, the route file that '
            "Envoy watches"
        )
    return EnvoyFile(Path(settings.gateway_routes))
