"""A real Ray cluster of one machine, in an environment of its own."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.services.own_environment import OwnServer, environment_of
from tests.services.requirement import free_port

RAY = "ray[default]==2.60.*"


@contextmanager
def running_head() -> Iterator[str]:
    """Start a head with two CPUs; yield the address of its dashboard."""
    ray = environment_of(RAY) / "ray"
    # Short: the names of sockets in it may have no more than 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))
    port = free_port()
    options = {
        "port": free_port(),
        "node-ip-address": "127.0.0.1",
        "dashboard-host": "127.0.0.1",
        "dashboard-port": port,
        "num-cpus": 2,
        "object-store-memory": 100_000_000,
        "temp-dir": folder,
        # Any that are free: by default its workers take 10002 to 19999, whoever listens there.
        "min-worker-port": 0,
        "max-worker-port": 0,
        "ray-client-server-port": free_port(),
        "dashboard-agent-listen-port": free_port(),
        "dashboard-agent-grpc-port": free_port(),
        "metrics-export-port": free_port(),
    }
    server = OwnServer(
        [
            ray, "start", "--head", "--block", "--disable-usage-stats",
            *(f"--{name}={value}" for name, value in options.items()),
        ],
        folder / "head.log",
        # A machine that is busy with other tests starts its parts slowly.
        {"RAY_agent_register_timeout_ms": "300000"},
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        server.wait_until(lambda: _takes_jobs(address))
        yield address
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def ray_address() -> Iterator[str]:
    """A head for all tests of a file."""
    with running_head() as address:
        yield address


def _takes_jobs(address: str) -> bool:
    """Submit a job that does nothing: the dashboard answers before there is who takes jobs."""
    try:
        return httpx.post(
            f"{address}/api/jobs/", json={"entrypoint": "true"}, timeout=30.0
        ).is_success
    except httpx.HTTPError:
        return False
