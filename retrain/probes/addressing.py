"""Headers by which a probe reaches one version, and by which a response names its version."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from monitor.settings import Settings
from retrain.rollout.gateways.cluster_names import cluster_name, version_of_cluster
from retrain.rollout.gateways.envoy_routes import RouteDocument, RouteNames
from retrain.rollout.gateways.probes import PROBE_HEADER


@dataclass(frozen=True)
class Address:
    """How the requests of a run are sent."""

    #: Request headers that select the model and the version.
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Whether they select a version.
    selects_version: bool = False
    #: Response header that names the version that responded; empty: none.
    label_header: str = ""
    #: Whether a response without this header is of no known version.
    needs_label: bool = False


def address_of(settings: Settings, version: int | None) -> Address:
    """Return the address of a version: by ``[probes]``, else by the routes of Envoy.

    Envoy's routes have a header of their own for probes, with a value that nobody else knows.
    """
    probes, model = settings.probes, settings.model.name
    by_envoy = settings.rollout.gateway == "envoy"
    headers = {settings.rollout.envoy.model_header: model} if by_envoy else {}
    if version is None:
        return Address(headers)
    if probes.version_header:
        headers[probes.version_header] = cluster_name(model, version)
        return Address(headers, selects_version=True, label_header=probes.response_header)
    value = _envoy_value(settings, version)
    if value:
        headers[PROBE_HEADER] = value
        return Address(headers, selects_version=True, label_header=PROBE_HEADER, needs_label=True)
    return Address(headers, label_header=label_header(settings))


def label_header(settings: Settings) -> str:
    """Return the response header that names the version, of requests that select none."""
    if settings.probes.response_header or settings.rollout.gateway != "envoy":
        return settings.probes.response_header
    return settings.rollout.envoy.version_header


def version_of_label(model: str, label: str) -> int | None:
    """Return the version that a label names: ``N``, ``vN`` or the cluster name.

    >>> version_of_label("desk", "v3"), version_of_label("desk", "desk-v3")
    (3, 3)
    """
    plain = label.strip().removeprefix("v")
    return int(plain) if plain.isdecimal() else version_of_cluster(model, label.strip())


def _envoy_value(settings: Settings, version: int) -> str | None:
    envoy = settings.rollout.envoy
    if settings.rollout.gateway != "envoy" or not envoy.routes:
        return None
    try:
        content = json.loads(Path(envoy.routes).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None  # the probes are then told apart by the label of their responses
    names = RouteNames(route_name=envoy.route_name)
    return RouteDocument(content, names).probe_value(settings.model.name, version)
