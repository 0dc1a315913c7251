"""A real MLflow server with a registry in SQLite, in an environment of its own."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from bench.services.requirement import free_port
from tests.services.own_environment import OwnServer, environment_of

MLFLOW = "mlflow==3.17.*"


@contextmanager
def running_mlflow() -> Iterator[str]:
    """Start a server; yield its address."""
    mlflow = environment_of(MLFLOW) / "mlflow"
    folder = Path(tempfile.mkdtemp(prefix="driftwarden-mlflow-"))
    port = free_port()
    server = OwnServer(
        [
            mlflow, "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
            "--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}",
            "--artifacts-destination", folder / "artifacts",
        ],
        folder / "server.log",
        {"DO_NOT_TRACK": "true", "MLFLOW_DISABLE_TELEMETRY": "true",
         "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        server.wait_until(lambda: _replies(f"{address}/health"))
        yield address
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def mlflow_address() -> Iterator[str]:
    """Return the address of a server for all tests of a file."""
    with running_mlflow() as address:
        yield address


def _replies(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5.0).is_success
    except httpx.HTTPError:
        return False
