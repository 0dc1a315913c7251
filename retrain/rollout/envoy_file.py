"""Envoy's route file as a traffic gateway (``rds: config_source: path_config_source``)."""

import json
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from monitor.errors import TransientError
from retrain.rollout.gateway import Weights

_TYPE = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"


class EnvoyFile:
    """A gateway that writes one Envoy route configuration with a weighted route per model.

    The header ``x-model`` selects the model; with a single model, every request matches. The
    clusters are named ``MODEL-vVERSION`` and defined in Envoy's own configuration.

    The file is replaced by a rename in the same folder, the event that Envoy watches for. A canary
    at 0% is omitted: a retry could still select a cluster of weight 0.
    """

    def __init__(self, routes: Path, route_name: str = "driftwarden") -> None:
        self._routes = routes
        self._route_name = route_name

    def set_weights(self, weights: Sequence[Weights]) -> None:
        """Write the weights of all models; without weights, leave the file unchanged."""
        if not weights:
            return
        ordered = sorted(weights, key=lambda w: w.model)
        content = json.dumps(self._configuration(ordered), indent=2, sort_keys=True) + "\n"
        try:
            if self._routes.is_file() and self._routes.read_text(encoding="utf-8") == content:
                return
            self._routes.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(
                "w", dir=self._routes.parent, prefix=".routes.", delete=False, encoding="utf-8"
            ) as draft:
                draft.write(content)
            path = Path(draft.name)
            path.chmod(0o644)  # Envoy runs under another account
            path.replace(self._routes)
        except OSError as error:
            raise TransientError(
                f"{self._routes}: the routes can't be written: {error}", code="not_writable"
            ) from error

    def _configuration(self, weights: Sequence[Weights]) -> dict[str, Any]:
        single = len(weights) == 1
        return {
            "version_info": _version(weights),
            "resources": [
                {
                    "@type": _TYPE,
                    "name": self._route_name,
                    "virtual_hosts": [
                        {
                            "name": self._route_name,
                            "domains": ["*"],
                            "routes": [_route(w, any_request=single) for w in weights],
                        }
                    ],
                }
            ],
        }


def cluster_name(model: str, version: int) -> str:
    """Return the cluster name of a version.

    >>> cluster_name("support bot", 3)
    'support-bot-v3'
    """
    return f"{re.sub(r'[^A-Za-z0-9_.-]+', '-', model)}-v{version}"


def _route(weights: Weights, *, any_request: bool) -> dict[str, Any]:
    match: dict[str, Any] = {"prefix": "/"}
    if not any_request:
        match["headers"] = [{"name": "x-model", "string_match": {"exact": weights.model}}]
    shares = [(weights.stable, 100 - weights.canary_percent)]
    if weights.canary is not None:
        shares.append((weights.canary, weights.canary_percent))
    clusters = [
        {"name": cluster_name(weights.model, version), "weight": weight}
        for version, weight in shares
        if weight > 0
    ]
    return {"match": match, "route": {"weighted_clusters": {"clusters": clusters}}}


def _version(weights: Sequence[Weights]) -> str:
    return ",".join(f"{w.model}:{w.stable}/{w.canary or '-'}@{w.canary_percent}" for w in weights)
