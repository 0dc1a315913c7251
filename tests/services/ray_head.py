"""A real Ray cluster with one machine, in its own environment."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx
import pytest

from bench.services.requirement import free_port
from tests.services.own_environment import OwnServer, environment_of

ATTEMPTS = 3
#: A machine that is busy with other tests starts Ray's parts slowly.
SLOWLY = {"RAY_agent_register_timeout_ms": "300000"}
RAY = "ray[default]==2.60.*"


@contextmanager
def running_head() -> Iterator[str]:
    """Start a head with two CPUs; yield the address of its dashboard."""
    # Short: the names of sockets in it may have no more than 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))
    try:
        server, address = _started(environment_of(RAY) / "ray", folder)
        yield address
        server.stop(grace_seconds=2.0)  # nothing of it is kept
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _started(ray: Path, folder: Path) -> tuple[OwnServer, str]:
    """Start a head; Ray's limit of 30 seconds for its parts may be too short on a busy machine."""
    for attempt in range(ATTEMPTS):
        port = free_port()
        server = OwnServer(_command(ray, folder, port), folder / f"head-{attempt}.log", SLOWLY)
        address = f"http://127.0.0.1:{port}"
        try:
            server.wait_until(partial(_takes_jobs, address))
        except RuntimeError:
            if attempt == ATTEMPTS - 1:
                raise
        else:
            return server, address
    raise AssertionError


def _command(ray: Path, folder: Path, port: int) -> list[str | Path]:
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
    return [
        ray, "start", "--head", "--block", "--disable-usage-stats",
        *(f"--{name}={value}" for name, value in options.items()),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def ray_address() -> Iterator[str]:
    """Return the address of a head for all tests of a file."""
    with running_head() as address:
        yield address


def _takes_jobs(address: str) -> bool:
    """Submit an empty job: the dashboard responds before jobs are accepted."""
    try:
        return httpx.post(
            f"{address}/api/jobs/", json={"entrypoint": "true"}, timeout=30.0
        ).is_success
    except httpx.HTTPError:
        return False
