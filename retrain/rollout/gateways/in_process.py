"""A gateway inside the process, for the demo and for tests."""

import hashlib
import random
import time
from collections.abc import Callable
from threading import Lock

from monitor.errors import GatewayError, TransientError
from retrain.rollout.gateways.cluster_names import cluster_name
from retrain.rollout.gateways.protocol import (
    Applied,
    Capabilities,
    ProbeResult,
    Weights,
    first_traffic,
    require_newest,
    require_unused,
)

#: Returns the response of a version to a prompt.
Backend = Callable[[str], str]
_PROBE = "Respond with OK."


class InProcessGateway:
    """A gateway that calls the backends of the versions itself; safe to use from several threads.

    ``rng`` draws the version of a request without a user. While ``available`` is ``False``, every
    method raises :class:`TransientError`; traffic goes on with the weights in force.
    """

    name = "in-process"
    capabilities = Capabilities(sticky=True, reads_weights=True, probes=True, fenced=True)

    def __init__(self, rng: random.Random | None = None) -> None:
        self.available = True
        self._rng = rng or random.Random()  # noqa: S311 - draws no secrets
        self._backends: dict[tuple[str, int], Backend] = {}
        self._weights: dict[str, Weights] = {}
        self._lock = Lock()

    def define(self, model: str, version: int, backend: Backend) -> None:
        """Define the backend of a version."""
        self._backends[model, version] = backend

    def send(self, model: str, prompt: str, end_user: str = "") -> tuple[int, str]:
        """Return the version that serves a request, and its response.

        A user who had the canary keeps it while its share rises. Another canary has other users.

        Raises:
            KeyError: The model has no weights.
        """
        version = self.version_for(model, end_user)
        return version, self._backends[model, version](prompt)

    def version_for(self, model: str, end_user: str = "") -> int:
        """Return the version that serves a user's next request."""
        with self._lock:
            weights = self._weights[model]
            if weights.canary is None:
                return weights.stable
            canary = cluster_name(model, weights.canary)
            place = _place(f"{canary}:{end_user}") if end_user else self._rng.random()
            return weights.canary if place * 100 < weights.canary_percent else weights.stable

    def read(self, model: str) -> Applied | None:
        """Return the weights in force."""
        self._require_available()
        with self._lock:
            weights = self._weights.get(model)
        if weights is None:
            return None
        canary = weights.canary if weights.canary_percent else None
        return Applied(model, weights.stable, canary, weights.canary_percent, weights.generation)

    def stored(self, model: str) -> Applied | None:
        """Return the weights in force."""
        return self.read(model)

    def set(self, weights: Weights) -> None:
        """Apply weights, after a probe of the versions that get traffic for the first time."""
        self._require_available()
        in_force = self._weights.get(weights.model)
        require_newest(weights, in_force)
        for version in first_traffic(weights, in_force):
            if (weights.model, version) not in self._backends:
                raise GatewayError(
                    f"{cluster_name(weights.model, version)}: no backend; define it before it gets "
                    "traffic",
                    code="missing_version",
                )
            result = self.probe(weights.model, version)
            if not result.ok:
                raise GatewayError(f"{result.detail}; no traffic was sent", code="probe_failed")
        with self._lock:
            require_newest(weights, self._weights.get(weights.model))
            self._weights[weights.model] = weights

    def remove(self, model: str, version: int) -> None:
        """Refuse for a version with traffic; a backend without traffic may stay defined."""
        require_unused(model, version, self.read(model))

    def probe(self, model: str, version: int) -> ProbeResult:
        """Call the backend of a version."""
        self._require_available()
        name, start = cluster_name(model, version), time.perf_counter()
        backend = self._backends.get((model, version))
        if backend is None:
            return ProbeResult(False, f"{name}: no backend", 0.0)
        try:
            backend(_PROBE)
        except Exception as error:  # noqa: BLE001 - any failure of a backend fails its probe
            detail = f"{name}: the probe failed: {type(error).__name__}"
            return ProbeResult(False, detail, time.perf_counter() - start)
        return ProbeResult(True, f"{name} responds", time.perf_counter() - start)

    def _require_available(self) -> None:
        if not self.available:
            raise TransientError("the in-process gateway is unavailable", code="unavailable")


def _place(key: str) -> float:
    """Return the place of a key in [0, 1), the same in every process."""
    digest = hashlib.blake2b(key.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
