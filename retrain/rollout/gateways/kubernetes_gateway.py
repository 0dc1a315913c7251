"""Common part of the gateways whose weights are in a Kubernetes object."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable

from monitor.errors import GatewayError, TransientError
from retrain.jobs.kubernetes.api_server import ApiServer
from retrain.rollout.gateways.calls import call
from retrain.rollout.gateways.kubernetes_objects import Object, read_object, write_mark
from retrain.rollout.gateways.probes import ProbeRequest, require_success
from retrain.rollout.gateways.protocol import (
    Applied,
    Capabilities,
    ProbeResult,
    Weights,
    first_traffic,
    require_newest,
)

#: Tries to change an object that others change too.
ATTEMPTS = 8


class KubernetesGateway(ABC):
    """A gateway by an object for each model, changed under optimistic locking.

    Probes go to ``listener``, the address of the gateway. In the object's name ``{model}`` is the
    model.
    """

    name = "kubernetes"
    capabilities = Capabilities(sticky=False, reads_weights=True, probes=True, fenced=True)

    def __init__(
        self,
        server: ApiServer,
        listener: str,
        request: ProbeRequest,
        *,
        object_name: str = "{model}",
    ) -> None:
        self._server = server
        self._listener = listener
        self._request = request
        self._object_name = object_name

    def stored(self, model: str) -> Applied | None:
        """Return the weights of the object."""
        state = read_object(self._server, self._path(model))
        return None if state is None else self._applied(state, model)

    def set(self, weights: Weights) -> None:
        """Write the weights of a model, after checks of the versions new to its traffic."""
        model = weights.model
        state = self._existing(model)
        in_force = self._applied(state, model)
        require_newest(weights, in_force)
        for version in first_traffic(weights, in_force):
            self._require_version(state, model, version)
            require_success(self.probe(model, version))

        def write(current: Object) -> None:
            require_newest(weights, self._applied(current, model))
            write_mark(current, weights)
            self._write(current, weights)

        self._change(model, write)

    @abstractmethod
    def probe(self, model: str, version: int) -> ProbeResult:
        """Send a request to a version through the gateway, whatever its share."""

    @abstractmethod
    def _path(self, model: str) -> str:
        """Return the path of the object at the API server."""

    @abstractmethod
    def _definition(self, model: str) -> str:
        """Return what to define where there is no object."""

    @abstractmethod
    def _applied(self, state: Object, model: str) -> Applied | None:
        """Return the weights of an object."""

    @abstractmethod
    def _require_version(self, state: Object, model: str, version: int) -> None:
        """Require that the cluster has a version, where that can be seen without a probe."""

    @abstractmethod
    def _write(self, state: Object, weights: Weights) -> None:
        """Write weights into an object."""

    def _existing(self, model: str) -> Object:
        path = self._path(model)
        state = read_object(self._server, path)
        if state is None:
            kind, name = path.split("/")[-2:]
            raise GatewayError(
                f"{name}: not among the {kind} at {self._server.place}; {self._definition(model)}",
                code="missing_object",
            )
        return state

    def _change(self, model: str, change: Callable[[Object], None]) -> None:
        """Change the object in place, again where others changed it meanwhile.

        Raises:
            TransientError: Others changed it each time.
        """
        path = self._path(model)
        for _ in range(ATTEMPTS):
            state = self._existing(model)
            desired = copy.deepcopy(state)
            change(desired)
            if desired == state:
                return
            conflict = frozenset({409})
            response = call(self._server.rest, "PUT", path, desired, expected=conflict)
            if response.status_code not in conflict:
                return
        raise TransientError(
            f"{path}: changed by others {ATTEMPTS} times in a row; it is tried again",
            code="conflict",
        )
