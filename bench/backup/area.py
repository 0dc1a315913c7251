"""Time and memory of backup, restoration and copy, each a command in a folder of its own."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from sqlalchemy import create_engine, text

from bench.services.postgres import PostgresServer
from bench.windows.stored_traffic import store_window
from monitor.bench.row import Row
from monitor.store import migrations
from monitor.store.engine import make_engine

#: Exchanges of a window and its baseline, each.
SIZES = (5_000, 50_000)
#: Bytes of a version's adapter.
ADAPTER_BYTES = 40_000_000
START = datetime(2026, 10, 5, tzinfo=UTC)


@dataclass(frozen=True)
class Run:
    """A command that has ended."""

    seconds: float
    #: Of a processor: other work on the machine does not lengthen it.
    cpu_seconds: float
    megabytes: float


def run(_data: Path | None) -> Iterator[Row]:
    """Yield the figures of each size; the larger one has ten times the rows."""
    server = PostgresServer()
    try:
        server.start()
        for n in SIZES:
            with tempfile.TemporaryDirectory() as folder:
                yield from _rows(Path(folder), server, n)
    finally:
        server.remove()


def _rows(folder: Path, server: PostgresServer, n: int) -> Iterator[Row]:
    source = folder / "source"
    (source / "runs" / "1").mkdir(parents=True)
    weights = np.random.default_rng(n).bytes(ADAPTER_BYTES)
    (source / "runs" / "1" / "adapter.safetensors").write_bytes(weights)
    engine = make_engine(f"sqlite:///{source / 'driftwarden.db'}")
    migrations.upgrade(engine)
    store_window(engine, n, n, START, seed=n)
    engine.dispose()
    size = (source / "driftwarden.db").stat().st_size / 1e6
    against = f"{2 * n:,} exchanges, database {size:,.0f} MB, adapter 40 MB"
    local = "sqlite:///driftwarden.db"
    yield from _figures(
        f"backup of {2 * n:,}", against, _call(source, local, ("backup", "../b.tar"))
    )
    clean = folder / "clean"
    clean.mkdir()
    yield from _figures(
        f"restore of {2 * n:,} to SQLite", against, _call(clean, local, ("restore", "../b.tar"))
    )
    url = _new_database(server, n)
    yield from _figures(
        f"copy of {2 * n:,} to PostgreSQL", against, _call(clean, local, ("copy", url))
    )
    yield from _figures(
        f"copy of {2 * n:,} to SQLite", against, _call(clean, url, ("copy", "sqlite:///back.db"))
    )


def _new_database(server: PostgresServer, n: int) -> str:
    name = f"copied_{n}"
    administration = create_engine(server.url, isolation_level="AUTOCOMMIT")
    with administration.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    administration.dispose()
    return server.url.rsplit("/", 1)[0] + f"/{name}"


def _call(folder: Path, url: str, arguments: Sequence[str]) -> Run:
    """Run `driftwarden db ...` in a folder, on a database."""
    start = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "driftwarden", "db", *arguments],
        cwd=folder,
        env=os.environ | {"DRIFTWARDEN_DATABASE__URL": url},
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"db {arguments[0]} ended with {process.returncode}")
    cpu_seconds = usage.ru_utime + usage.ru_stime
    return Run(time.monotonic() - start, cpu_seconds, usage.ru_maxrss / 1000)


def _figures(name: str, against: str, measured: Run) -> Iterator[Row]:
    yield Row("backup", name, measured.seconds, "s", "", None, against)
    yield Row("backup", f"CPU: {name}", measured.cpu_seconds, "s", "", None, against)
    yield Row("backup", f"memory: {name}", measured.megabytes, "MB", "", None, against)
