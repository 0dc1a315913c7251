"""Connection to the API server of a Kubernetes cluster."""

import os
from dataclasses import dataclass
from pathlib import Path

from monitor.errors import ConfigurationError
from retrain.rest import RestService, bearer

#: Mount path of the service account in a pod.
IN_CLUSTER = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True)
class ApiServer:
    """An API server, and the namespace to work in."""

    rest: RestService
    namespace: str

    @property
    def place(self) -> str:
        """The API server and the namespace."""
        return f"{self.rest.url.rstrip('/')} namespace {self.namespace}"


def connect(
    section: str,
    *,
    api: str = "",
    ca_file: str = "",
    namespace: str = "",
    token: str = "",
    rights: str,
    in_cluster: Path = IN_CLUSTER,
) -> ApiServer:
    """Connect to an API server, or to the cluster of this process.

    Empty settings are those of this process's cluster: address, certificate authority (or else the
    system's), namespace of the pod (or else ``default``), and its token, read for each request as
    it is rotated. Errors name the ``section``, and the document ``rights`` with the rights that the
    service account needs.

    Raises:
        ConfigurationError: No address is set, and this process runs outside a cluster.
    """
    cluster_ca = in_cluster / "ca.crt"
    rest = RestService(
        name="Kubernetes",
        url=api or _api_in_cluster(section),
        headers=lambda: bearer(token or _read(in_cluster / "token")),
        access_hint=f"The service account needs the rights listed in {rights}; outside the "
        "cluster, set KUBERNETES_TOKEN",
        ca_file=ca_file or (str(cluster_ca) if cluster_ca.is_file() else ""),
    )
    return ApiServer(rest, namespace_of(namespace, in_cluster))


def namespace_of(namespace: str, in_cluster: Path = IN_CLUSTER) -> str:
    """Return the configured namespace, the pod's, or ``default``."""
    return namespace or _read(in_cluster / "namespace") or "default"


def _api_in_cluster(section: str) -> str:
    host = os.environ.get("KUBERNETES_SERVICE_HOST", "")
    if not host:
        raise ConfigurationError(
            f"{section}.api is not set, and this process runs outside a cluster; set it to the "
            "address of the API server"
        )
    port = os.environ.get("KUBERNETES_SERVICE_PORT_HTTPS", "443")
    return f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8").strip() if path.is_file() else ""
