"""Creation of the configured traffic gateway."""

from pathlib import Path

from monitor.errors import ConfigurationError
from monitor.settings import Rollout
from retrain.rollout.envoy_file import EnvoyFile
from retrain.rollout.gateway import Gateway, RecordOnlyGateway


def create_gateway(settings: Rollout) -> Gateway:
    """Create the gateway that the configuration names.

    Raises:
        ConfigurationError: ``envoy-file`` lacks the file that it writes.
    """
    if settings.gateway == "none":
        return RecordOnlyGateway()
    if not settings.gateway_routes:
        raise ConfigurationError(
            'rollout.gateway = "envoy-file" needs rollout.gateway_routes, the route file that '
            "Envoy watches"
        )
    return EnvoyFile(Path(settings.gateway_routes))
