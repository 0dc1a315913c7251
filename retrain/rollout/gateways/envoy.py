"""Envoy as a traffic gateway: its route file, its admin interface, and probes through it."""

import secrets
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from monitor.errors import GatewayError, TransientError
from retrain.rest import RestService
from retrain.rollout.gateways.calls import call
from retrain.rollout.gateways.cluster_names import cluster_name
from retrain.rollout.gateways.envoy_routes import RouteDocument, RouteNames
from retrain.rollout.gateways.probes import (
    PROBE_HEADER,
    ProbeRequest,
    header_is,
    require_success,
    send_probe,
)
from retrain.rollout.gateways.protocol import (
    Applied,
    Capabilities,
    ProbeResult,
    Weights,
    first_traffic,
    require_newest,
    require_unused,
)
from retrain.rollout.gateways.route_file import RouteFile

#: Longest wait until Envoy has read the route file; it takes half a second.
READ_SECONDS = 5.0


class EnvoyGateway:
    """Envoy, with a route file that it watches (``rds: config_source: path_config_source``).

    The clusters are named ``MODEL-vVERSION`` and defined in Envoy's own configuration. A version is
    looked up in the clusters and probed through Envoy before its first percent. Several Envoys may
    watch one file: all must have taken the weights. ``names`` are those of the route configuration
    and of the headers, ``admin`` the addresses of the admin interfaces, ``listeners`` those of the
    listeners, for probes; Envoy has read the file after ``read_seconds`` at the latest.
    """

    name = "envoy"

    def __init__(
        self,
        routes: Path,
        names: RouteNames,
        admin: Sequence[str],
        listeners: Sequence[str],
        request: ProbeRequest,
        *,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        self._names = names
        self._file = RouteFile(routes)
        self._admin = [_admin_service(address) for address in admin]
        self._listeners = listeners
        self._request = request
        self._read_seconds = read_seconds

    @property
    def capabilities(self) -> Capabilities:
        """The abilities: users stay with a version where a header names them."""
        sticky = bool(self._names.user_header)
        return Capabilities(sticky=sticky, reads_weights=True, probes=True, fenced=True)

    def read(self, model: str) -> Applied | None:
        """Return the weights that Envoy has taken, of the least recent of several."""
        seen = [self._document_of(service).read(model) for service in self._admin]
        read = [applied for applied in seen if applied]
        if not read or len(read) < len(seen):
            return None
        return min(read, key=lambda applied: (applied.generation, not applied.unexpected))

    def stored(self, model: str) -> Applied | None:
        """Return the weights of the file."""
        return self._document().read(model)

    def set(self, weights: Weights) -> None:
        """Write the weights of a model, after checks of the versions new to its traffic."""
        in_force = self.stored(weights.model)
        require_newest(weights, in_force)
        for version in first_traffic(weights, in_force):
            self._require_cluster(weights.model, version)
            require_success(self.probe(weights.model, version))

        def write(document: RouteDocument) -> None:
            require_newest(weights, document.read(weights.model))
            document.write(weights)

        self._change(write)

    def remove(self, model: str, version: int) -> None:
        """Remove the route of probes of a version without traffic."""

        def remove(document: RouteDocument) -> None:
            require_unused(model, version, document.read(model))
            document.remove_probe(model, version)

        self._change(remove)

    def probe(self, model: str, version: int) -> ProbeResult:
        """Send a probe to a version through each listener; return the slowest or failed."""
        cluster = cluster_name(model, version)
        headers = {PROBE_HEADER: self._probe_value(model, version)}
        results = [
            send_probe(
                cluster,
                listener,
                self._request,
                headers=headers,
                proof=header_is(PROBE_HEADER, cluster),
            )
            for listener in self._listeners
        ]
        return max(results, key=lambda result: (not result.ok, result.latency_seconds))

    def _probe_value(self, model: str, version: int) -> str:
        """Return the header's value for a probe, once each Envoy has its route.

        It is random, so that nobody outside can choose a version.
        """
        value = self._document().probe_value(model, version)
        if value is None:
            value = f"{cluster_name(model, version)} {secrets.token_hex(16)}"
            self._change(lambda document: document.add_probe(model, version, value))
        deadline = time.monotonic() + self._read_seconds
        for service in self._admin:
            while self._document_of(service).probe_value(model, version) != value:
                if time.monotonic() > deadline:
                    raise TransientError(
                        f"Envoy at {service.url} has not read {self._file.path} after "
                        f"{self._read_seconds:g} s; does it watch this file, and does its log "
                        "refuse it?",
                        code="not_taken",
                    )
                time.sleep(0.05)
        return value

    def _require_cluster(self, model: str, version: int) -> None:
        name = cluster_name(model, version)
        for service in self._admin:
            listed = self._admin_json(service, "/clusters", {"format": "json"})
            clusters = [c.get("name", "") for c in listed.get("cluster_statuses", [])]
            if name not in clusters:
                raise GatewayError(
                    f"{name}: no cluster of Envoy at {service.url}, which has "
                    f"{', '.join(sorted(clusters)) or 'none'}; define the cluster {name} "
                    "(deploy/envoy/README.md)",
                    code="missing_version",
                )

    def _document(self) -> RouteDocument:
        """Return the routes of the file; of Envoy where the file is missing or broken."""
        content = self._file.read()
        document = RouteDocument(content, self._names)
        if content is None or not document.is_well_formed():
            return self._document_of(self._admin[0])
        if document.other_name:
            raise GatewayError(
                f"{self._file.path}: has the route configuration {document.other_name!r}, not "
                f"{self._names.route_name!r}; set rollout.envoy.route_name to the name in the file",
                code="rejected",
            )
        return document

    def _change(self, change: Callable[[RouteDocument], None]) -> None:
        with self._file.locked():
            document = self._document()
            change(document)
            self._file.replace(document.text())

    def _document_of(self, service: RestService) -> RouteDocument:
        """Return the routes that an Envoy has in force."""
        dump = self._admin_json(service, "/config_dump", {"resource": "dynamic_route_configs"})
        for entry in dump.get("configs", []):
            configuration = entry.get("route_config", {})
            if configuration.get("name") == self._names.route_name:
                return RouteDocument.of_configuration(configuration, self._names)
        raise GatewayError(
            f"Envoy at {service.url} has no route configuration {self._names.route_name!r}; let a "
            f"listener read it from {self._file.path} (deploy/envoy/README.md)",
            code="rejected",
        )

    def _admin_json(self, service: RestService, path: str, params: dict[str, str]) -> Any:
        return call(service, "GET", path, params=params, hint="; is this the address of it?").json()


def _admin_service(address: str) -> RestService:
    return RestService(
        name="Envoy's admin interface",
        url=address,
        headers=dict,
        access_hint="Allow it for this machine (rollout.envoy.admin)",
        timeout_seconds=5.0,
    )
