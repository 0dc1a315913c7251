"""Constants of the capacity model, and points that were not used for them.

Writes ``monitor/sizing/constants.json``. ``DRIFTWARDEN_BENCH=quick`` measures the points only, by
the constants that are there.
"""

import json
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from sqlalchemy import text

from bench.services.kafka import KafkaServer
from bench.services.postgres import PostgresServer
from bench.sizing.daemon_costs import ALL, INGEST, measure_daemons
from bench.sizing.evaluation_costs import (
    EvaluationCost,
    encoder_costs,
    measure_evaluation,
    measure_look,
)
from bench.sizing.ingest_costs import (
    IngestCost,
    ingest_into_postgres,
    ingest_into_sqlite,
    server_pid,
)
from bench.sizing.other_rows import dead_letter_bytes, observation_bytes, retention_cpu_seconds
from bench.sizing.search_costs import postgres_search_bytes, sqlite_search_bytes
from bench.sizing.texts import overhead_bytes
from bench.sizing.vector_encoder import DIMENSION
from bench.traffic.services import BenchServices
from monitor.bench.row import Row
from monitor.settings import Configuration
from monitor.sizing import evaluation, storage, traffic
from monitor.sizing.constants import Constants, Measurement, read_measurement, write_measurement
from monitor.sizing.load import Load, load_of
from monitor.store.engine import make_engine

AREA = "sizing"
COMMAND = "make bench AREA=sizing"
#: Bytes of prompt and of response: constants, and the point that tests them.
SMALL, LARGE, TESTED = (300, 300), (3_000, 3_000), (1_800, 1_200)
N_READ, N_SAMPLED, N_TESTED = 100_000, 20_000, 100_000
#: Nearly nothing is sampled, but an ingest of nothing would be an error.
LOW_RATE, TESTED_RATE = 0.001, 0.05
FITTED_WINDOWS, TESTED_WINDOWS = (2_000, 20_000), (10_000, 50_000)
FITTED_TOKENS, TESTED_TOKENS = (32, 256), 128
N_ROWS = 5_000
PARTS_FILE = Path("build/sizing-parts.json")
MAX_PART_SECONDS = 86_400.0
#: Predicted over measured.
LEAST, MOST = 0.67, 1.5


def run(_data: Path | None) -> Iterator[Row]:
    """Measure the constants, write them, and test the model."""
    try:
        with _services() as (services, server, folder):
            if os.environ.get("DRIFTWARDEN_BENCH") != "quick":
                constants = measure_constants(services, server, folder)
                write_measurement(
                    Measurement(machine(), f"{datetime.now(UTC):%Y-%m-%d}", COMMAND, constants)
                )
                read_measurement.cache_clear()
                for name, value in vars(read_measurement().constants).items():
                    yield Row(AREA, name, value, "", "", None, "constant")
            points = measure_points(services, server)
            yield from tested_points(points, read_measurement().constants)
    except pytest.skip.Exception as missing:
        yield Row(AREA, "capacity", None, "", "", None, f"skipped: {missing}")


def machine() -> str:
    """Return the machine in words."""
    names = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next((n.partition(": ")[2] for n in names if n.startswith("model name")), "")
    return (
        f"{os.cpu_count()} cores ({model or platform.machine()}), Python "
        f"{platform.python_version()}, one thread a library, no GPU"
    )


def measure_constants(services: BenchServices, server: PostgresServer, folder: Path) -> Constants:
    """Measure every constant.

    Finished parts are kept until all are: an interrupted measurement goes on after them.
    """
    parts: dict[str, Callable[[], dict[str, float]]] = {
        "ingest": lambda: _ingest(services, server, folder),
        "stored rows": lambda: _stored_rows(services, server),
        "search": lambda: search_bytes(server, folder),
        "encoder": _encoder,
        "evaluations": _evaluations,
        "daemons": lambda: _daemons(services, server),
    }
    finished = read_parts(PARTS_FILE)
    for name, measure in parts.items():
        if name not in finished:
            finished[name] = {key: float(value) for key, value in measure().items()}
            PARTS_FILE.parent.mkdir(parents=True, exist_ok=True)
            PARTS_FILE.write_text(json.dumps(finished, indent=1), encoding="utf-8")
    constants = Constants(
        **{key: value for part in finished.values() for key, value in part.items()}
    )
    PARTS_FILE.unlink()
    return constants


def read_parts(path: Path) -> dict[str, dict[str, float]]:
    """Return the parts of an interrupted measurement; none of one that is older than a day."""
    if not path.exists() or time.time() - path.stat().st_mtime > MAX_PART_SECONDS:
        return {}
    parts: dict[str, dict[str, float]] = json.loads(path.read_text(encoding="utf-8"))
    return parts


def line(sizes: tuple[float, float], costs: tuple[float, float]) -> tuple[float, float]:
    """Return offset and slope of the line through two points; neither is negative."""
    slope = max(0.0, (costs[1] - costs[0]) / (sizes[1] - sizes[0]))
    return max(0.0, costs[0] - slope * sizes[0]), slope


@dataclass(frozen=True)
class Points:
    """Measured points that no constant was fitted to."""

    ingest: IngestCost
    evaluations: tuple[EvaluationCost, ...]
    #: CPU seconds of a text of ``TESTED_TOKENS``.
    text_seconds: float


def measure_points(services: BenchServices, server: PostgresServer) -> Points:
    """Measure the points."""
    cost, _ = ingest_into_postgres(
        services, server, N_TESTED, prompt_bytes=TESTED[0], response_bytes=TESTED[1],
        sample_rate=TESTED_RATE,
    )  # fmt: skip
    return Points(
        cost,
        tuple(measure_evaluation(size) for size in TESTED_WINDOWS),
        encoder_costs((TESTED_TOKENS,)).seconds[TESTED_TOKENS],
    )


def tested_points(points: Points, constants: Constants) -> Iterator[Row]:
    """Yield predicted over measured of each point."""
    cost = points.ingest
    load = _load_of(cost, constants)
    # One record a second: cores are CPU seconds of a record.
    of_ingest = traffic.reading_cores(load, constants) + traffic.storing_cores(load, constants)
    n, stored = cost.n_records, cost.n_exchanges
    yield _point("ingest, CPU seconds", n * of_ingest, cost.cpu_seconds, "s")
    of_server = storage.server_cores(load, constants) / load.sample_rate
    yield _point(
        "ingest, CPU seconds of PostgreSQL", stored * of_server, cost.server_cpu_seconds, "s"
    )
    disk = cost.sizes.rows + cost.sizes.indexes + cost.sizes.blocks
    yield _point(
        "ingest, bytes on disk", stored * storage.exchange_disk(load, constants), disk, "B"
    )
    for measured in points.evaluations:
        size = measured.n_window
        own = _load(requests_per_day=size / 7, sample_rate=1.0)
        seconds = evaluation.evaluation_seconds(own, constants)
        yield _point(f"evaluation of {size:,}, CPU seconds", seconds, measured.cpu_seconds, "s")
        memory = evaluation.evaluation_memory(own, constants)
        yield _point(f"evaluation of {size:,}, peak memory", memory, measured.peak_bytes, "B")
    predicted = constants.embed_cpu_seconds_per_text + (
        constants.embed_cpu_seconds_per_token * TESTED_TOKENS
    )
    name = f"encoder, CPU seconds of 1,000 texts of {TESTED_TOKENS} tokens"
    yield _point(name, 1_000 * predicted, 1_000 * points.text_seconds, "s")


def _ingest(services: BenchServices, server: PostgresServer, folder: Path) -> dict[str, float]:
    runs: dict[tuple[tuple[int, int], float], IngestCost] = {}
    urls: dict[tuple[int, int], str] = {}
    for sizes in (SMALL, LARGE):
        for rate, n in ((LOW_RATE, N_READ), (1.0, N_SAMPLED)):
            runs[sizes, rate], urls[sizes] = ingest_into_postgres(
                services, server, n, prompt_bytes=sizes[0], response_bytes=sizes[1],
                sample_rate=rate,
            )  # fmt: skip
    # Records, bytes of records, exchanges, bytes of texts -> CPU seconds.
    costs = list(runs.values())
    system = [
        (c.n_records, c.n_records * c.record_bytes, c.n_exchanges, c.n_exchanges * c.text_bytes)
        for c in costs
    ]
    client = np.maximum(np.linalg.solve(system, [c.cpu_seconds for c in costs]), 0.0)
    small, large = runs[SMALL, 1.0], runs[LARGE, 1.0]
    texts = (small.text_bytes, large.text_bytes)
    copied = (small.text_bytes + small.prompt_bytes, large.text_bytes + large.prompt_bytes)
    of_server = line(
        texts, (small.server_cpu_seconds / N_SAMPLED, large.server_cpu_seconds / N_SAMPLED)
    )
    of_rows = line(copied, (small.sizes.rows / N_SAMPLED, large.sizes.rows / N_SAMPLED))
    small_lite, large_lite = (
        ingest_into_sqlite(
            services, folder, N_SAMPLED, prompt_bytes=sizes[0], response_bytes=sizes[1]
        )
        for sizes in (SMALL, LARGE)
    )
    more = line(
        texts,
        (
            max(0.0, small_lite.cpu_seconds - small.cpu_seconds) / N_SAMPLED,
            max(0.0, large_lite.cpu_seconds - large.cpu_seconds) / N_SAMPLED,
        ),
    )
    vectors = 2 * DIMENSION * storage.NUMBER_BYTES
    of_lite = line(
        copied,
        (
            small_lite.sizes.rows / N_SAMPLED - vectors,
            large_lite.sizes.rows / N_SAMPLED - vectors,
        ),
    )
    stored = [c.sizes.rows + c.sizes.indexes + c.sizes.blocks for c in (small, large)]
    return {
        "read_cpu_seconds_per_record": client[0],
        "read_cpu_seconds_per_byte": client[1],
        "ingest_cpu_seconds_per_exchange": client[2],
        "ingest_cpu_seconds_per_text_byte": client[3],
        "server_cpu_seconds_per_exchange": of_server[0],
        "server_cpu_seconds_per_text_byte": of_server[1],
        "sqlite_cpu_seconds_per_exchange": more[0],
        "sqlite_cpu_seconds_per_text_byte": more[1],
        "row_bytes": of_rows[0],
        "row_bytes_per_text_byte": of_rows[1],
        "index_bytes_per_exchange": (small.sizes.indexes + large.sizes.indexes) / 2 / N_SAMPLED,
        "vector_bytes_per_number": (small.sizes.blocks + large.sizes.blocks)
        / (2 * N_SAMPLED * 2 * DIMENSION),
        "sqlite_row_bytes": of_lite[0],
        "sqlite_bytes_per_text_byte": of_lite[1],
        "wal_bytes_per_stored_byte": (small.sizes.log + large.sizes.log) / sum(stored),
    }


def _stored_rows(services: BenchServices, server: PostgresServer) -> dict[str, float]:
    cost, url = ingest_into_postgres(
        services, server, N_SAMPLED, prompt_bytes=TESTED[0], response_bytes=TESTED[1],
        sample_rate=1.0,
    )  # fmt: skip
    stored = cost.sizes.rows + cost.sizes.indexes + cost.sizes.blocks
    texts = (sum(SMALL), sum(LARGE))
    dead = line(
        texts, (dead_letter_bytes(url, N_ROWS, texts[0]), dead_letter_bytes(url, N_ROWS, texts[1]))
    )
    observed = line(
        texts, (observation_bytes(url, N_ROWS, *SMALL), observation_bytes(url, N_ROWS, *LARGE))
    )
    return {
        "record_overhead_bytes": overhead_bytes(),
        "dump_bytes_per_stored_byte": cost.sizes.dump / stored,
        "dead_letter_bytes": dead[0],
        "dead_letter_bytes_per_record_byte": dead[1],
        "observation_bytes": observed[0],
        "observation_bytes_per_text_byte": observed[1],
        "retention_cpu_seconds_per_exchange": retention_cpu_seconds(url, server_pid(server)),
    }


def search_bytes(server: PostgresServer, folder: Path) -> dict[str, float]:
    """Return the constants of the full-text index."""
    texts = (sum(SMALL), sum(LARGE))
    small, large = (
        postgres_search_bytes(_new_database(server, name), N_ROWS, *sizes)
        for name, sizes in (("search_small", SMALL), ("search_large", LARGE))
    )
    lite = [sqlite_search_bytes(folder, N_ROWS, *sizes) for sizes in (SMALL, LARGE)]
    of_row, of_lite = line(texts, (small, large)), line(texts, (lite[0], lite[1]))
    return {
        "search_bytes": of_row[0],
        "search_bytes_per_text_byte": of_row[1],
        "sqlite_search_bytes": of_lite[0],
        "sqlite_search_bytes_per_text_byte": of_lite[1],
    }


def _evaluations() -> dict[str, float]:
    small, large = (measure_evaluation(n) for n in FITTED_WINDOWS)
    sizes = (small.n_compared, large.n_compared)
    seconds = line(sizes, (small.cpu_seconds, large.cpu_seconds))
    peaks = line(sizes, (small.peak_bytes, large.peak_bytes))
    return {
        "evaluation_cpu_seconds": seconds[0],
        "evaluation_cpu_seconds_per_exchange": seconds[1],
        "evaluation_bytes": peaks[0],
        "evaluation_bytes_per_exchange": peaks[1],
        "look_cpu_seconds": measure_look(),
    }


def _daemons(services: BenchServices, server: PostgresServer) -> dict[str, float]:
    costs = measure_daemons(services, _new_database(server, "daemons"))
    return {
        "ingest_process_bytes": costs[INGEST].resident_bytes,
        "leader_process_bytes": costs[ALL].resident_bytes,
        "idle_cpu_cores": costs[ALL].idle_cores,
        "connections_per_process": costs[ALL].connections,
    }


def _encoder() -> dict[str, float]:
    cost = encoder_costs(FITTED_TOKENS)
    few, many = FITTED_TOKENS
    of_text, of_token = line((few, many), (cost.seconds[few], cost.seconds[many]))
    return {
        "embed_cpu_seconds_per_text": of_text,
        "embed_cpu_seconds_per_token": of_token,
        "encoder_max_tokens": cost.max_tokens,
        "encoder_dimension": cost.dimension,
        "bytes_per_token": cost.bytes_per_token,
    }


def _load(**options: object) -> Load:
    return load_of(Configuration(), {"peak": 1.0, "database": "postgresql", **options})


def _load_of(cost: IngestCost, constants: Constants) -> Load:
    """Return the load of one record a second, with the sizes of a run."""
    tokens = constants.bytes_per_token
    return _load(
        requests_per_day=86_400.0,
        record_bytes=cost.record_bytes,
        sample_rate=cost.n_exchanges / cost.n_records,
        prompt_tokens=cost.prompt_bytes / tokens,
        response_tokens=(cost.text_bytes - cost.prompt_bytes) / tokens,
    )


def _point(name: str, predicted: float, measured: float, unit: str) -> Row:
    ratio = predicted / measured
    how = f"{predicted:.4g} against {measured:.4g} {unit}"
    goal = f"{LEAST:g} to {MOST:g}"
    return Row(AREA, f"{name}: predicted / measured", ratio, "", goal, LEAST <= ratio <= MOST, how)


def _new_database(server: PostgresServer, name: str) -> str:
    administrator = make_engine(server.url).execution_options(isolation_level="AUTOCOMMIT")
    with administrator.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    administrator.dispose()
    return server.url.removesuffix("postgres") + name


@contextmanager
def _services() -> Iterator[tuple[BenchServices, PostgresServer, Path]]:
    with TemporaryDirectory(prefix="driftwarden-sizing-") as name:
        folder = Path(name)
        broker, server = KafkaServer(folder), PostgresServer()
        broker.start()
        server.start()
        try:
            yield BenchServices(broker.bootstrap_servers, server.url, folder), server, folder
        finally:
            broker.kill()
            server.remove()
