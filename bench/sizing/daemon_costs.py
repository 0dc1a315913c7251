"""Memory, idle CPU and connections of the daemon as a process, with the default encoder."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from sqlalchemy import create_engine, text

from bench.services.requirement import free_port
from bench.sizing.cpu import children_of, cpu_seconds, resident_bytes
from bench.sizing.texts import fill_topic
from bench.traffic.services import BenchServices

IDLE_SECONDS = 60.0
SETTLE_SECONDS = 10.0
MAX_LOG_BYTES = 1_000_000
START_SECONDS = 900.0
#: Parts of the processes that are measured, at the same time.
INGEST, ALL = "ingest", "ingest,schedule,web"
#: Records whose sample (5%) is embedded before memory is read.
N_RECORDS = 4_000
COMMAND = [sys.executable, "-m", "driftwarden"]
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class DaemonCost:
    """Cost of a process."""

    resident_bytes: float
    idle_cores: float
    connections: float


def measure_daemons(services: BenchServices, url: str) -> dict[str, DaemonCost]:
    """Run the daemon with its parts, on a database without a schema; return the cost by parts."""
    topic, _ = fill_topic(
        services.bootstrap_servers, N_RECORDS, prompt_bytes=1_000, response_bytes=1_000
    )
    environment = {
        **{
            name: value for name, value in os.environ.items() if not name.startswith("DRIFTWARDEN_")
        },
        "PYTHONPATH": str(ROOT),
        "DRIFTWARDEN_KAFKA__BOOTSTRAP_SERVERS": services.bootstrap_servers,
        "DRIFTWARDEN_KAFKA__TOPIC": topic,
        "DRIFTWARDEN_WEB__PORT": str(free_port()),
    }
    subprocess.run(
        [*COMMAND, "db", "upgrade"],
        cwd="/",
        env={**environment, "DRIFTWARDEN_DATABASE__URL": url},
        check=True,
        capture_output=True,
    )
    kinds = (INGEST, ALL)
    with ThreadPoolExecutor(len(kinds)) as pool:
        costs = pool.map(lambda parts: _measure(parts, url, environment), kinds)
        return dict(zip(kinds, costs, strict=True))


def _measure(parts: str, url: str, environment: dict[str, str]) -> DaemonCost:
    name = f"sizing-{parts.replace(',', '-')}"
    own = {**environment, "DRIFTWARDEN_DATABASE__URL": f"{url}?application_name={name}"}
    with TemporaryFile() as log, _running(parts, own, log) as process:
        _wait_until_stored(process, url, log)
        begin, cpu, most = time.monotonic(), cpu_seconds(process.pid), 0.0
        while time.monotonic() - begin < IDLE_SECONDS:
            most = max(most, _connections(url, name))
            time.sleep(0.2)
        seconds = time.monotonic() - begin
        processes = [process.pid, *children_of(process.pid)]
        idle = (cpu_seconds(process.pid) - cpu) / seconds
        return DaemonCost(float(sum(map(resident_bytes, processes))), idle, most)


@contextmanager
def _running(
    parts: str, environment: dict[str, str], log: IO[bytes]
) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [*COMMAND, "run", "--only", parts],
        cwd="/",
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=log,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_stored(process: subprocess.Popen[bytes], url: str, log: IO[bytes]) -> None:
    """Wait until the process reads, the topic is stored, by whichever process, and all is quiet."""
    deadline = time.monotonic() + START_SECONDS
    engine = create_engine(url)
    offsets = text("SELECT coalesce(sum(next_offset), 0) FROM source_offsets")
    while time.monotonic() < deadline:
        time.sleep(1.0)
        if process.poll() is not None:
            raise RuntimeError(f"the daemon ended with {process.returncode}")
        # The offset of the file is shared with the process.
        if b"consumer_started" not in os.pread(log.fileno(), MAX_LOG_BYTES, 0):
            continue
        with engine.connect() as connection:
            if connection.execute(offsets).scalar_one() >= N_RECORDS:
                engine.dispose()
                time.sleep(SETTLE_SECONDS)
                return
    raise RuntimeError("the daemon doesn't store the topic")


def _connections(url: str, name: str) -> float:
    engine = create_engine(url)
    statement = text("SELECT count(*) FROM pg_stat_activity WHERE application_name = :name")
    with engine.connect() as connection:
        number = float(connection.execute(statement, {"name": name}).scalar_one())
    engine.dispose()
    return number
