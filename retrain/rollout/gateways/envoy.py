"""Envoy's route file as a traffic gateway (``rds: config_source: path_config_source``)."""

import fcntl
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from monitor.errors import GatewayError, TransientError
from retrain.rollout.gateways.envoy_routes import RouteDocument, RouteNames
from retrain.rollout.gateways.protocol import (
    Applied,
    Capabilities,
    ProbeResult,
    Weights,
    require_newest,
    require_unused,
)

#: Longest wait for the lock of the route file, which is held for milliseconds.
LOCK_SECONDS = 2.0


class EnvoyGateway:
    """A gateway that writes one Envoy route file with a weighted route per model.

    The clusters are named ``MODEL-vVERSION`` and defined in Envoy's own configuration. The file is
    replaced by a rename in the same folder, the event that Envoy watches for.
    """

    name = "envoy"
    capabilities = Capabilities(sticky=True, reads_weights=True, probes=False, fenced=True)

    def __init__(self, routes: Path, names: RouteNames | None = None) -> None:
        self._routes = routes
        self._names = names or RouteNames()

    def read(self, model: str) -> Applied | None:
        """Return the weights of the file."""
        return self._document().read(model)

    def set(self, weights: Weights) -> None:
        """Write the weights of a model."""
        with self._locked():
            document = self._document()
            require_newest(weights, document.read(weights.model))
            document.write(weights)
            self._replace(document)

    def remove(self, model: str, version: int) -> None:
        """Remove the route of probes of a version without traffic."""
        with self._locked():
            document = self._document()
            require_unused(model, version, document.read(model))
            document.remove_probe(model, version)
            self._replace(document)

    def probe(self, model: str, version: int) -> ProbeResult:
        """Send nothing."""
        return ProbeResult(False, f"{model} v{version}: not probed", 0.0)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the lock of the route file; the end of a process frees it."""
        path = self._routes.with_name(f"{self._routes.name}.lock")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = path.open("a", encoding="utf-8")
        except OSError as error:
            raise self._not_writable(error) from error
        with lock:
            deadline = time.monotonic() + LOCK_SECONDS
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise TransientError(
                            f"{path}: locked by another process for {LOCK_SECONDS:g} s; find it "
                            f"(fuser {path}) and end it",
                            code="locked",
                        ) from None
                    time.sleep(0.02)
            yield

    def _document(self) -> RouteDocument:
        try:
            text = self._routes.read_text(encoding="utf-8")
        except FileNotFoundError:
            return RouteDocument(None, self._names)
        except OSError as error:
            raise TransientError(
                f"{self._routes}: the routes can't be read: {error}", code="not_readable"
            ) from error
        try:
            content = json.loads(text)
        except ValueError as error:
            raise GatewayError(
                f"{self._routes}: not JSON: {error}; write the routes as JSON", code="rejected"
            ) from error
        return RouteDocument(content, self._names)

    def _replace(self, document: RouteDocument) -> None:
        text = document.text()
        try:
            if self._routes.is_file() and self._routes.read_text(encoding="utf-8") == text:
                return
            with tempfile.NamedTemporaryFile(
                "w", dir=self._routes.parent, prefix=".routes.", delete=False, encoding="utf-8"
            ) as draft:
                draft.write(text)
            path = Path(draft.name)
            path.chmod(0o644)  # Envoy runs under another account
            path.replace(self._routes)
        except OSError as error:
            raise self._not_writable(error) from error

    def _not_writable(self, error: OSError) -> TransientError:
        return TransientError(
            f"{self._routes}: the routes can't be written: {error}", code="not_writable"
        )
