"""Settings of the gateways that split the traffic between versions."""

from monitor.settings.field_types import Section


class Envoy(Section):
    """Envoy, by the route file that it watches."""

    routes: str = ""
    route_name: str = "driftwarden"
    default_model: str = ""
    model_header: str = "x-model"
    user_header: str = "x-user"
    version_header: str = "x-model-version"
