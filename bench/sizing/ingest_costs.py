"""CPU, disk and log of ingest, end to end with a real Kafka and each database."""

import uuid
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, text

from bench.services.postgres import PostgresServer
from bench.sizing.cpu import tree_cpu_seconds
from bench.sizing.texts import fill_topic
from bench.sizing.vector_encoder import VectorEncoder
from bench.traffic.ingest_runs import ingest
from bench.traffic.services import BenchServices
from monitor.settings import Configuration
from monitor.store.engine import make_engine, transaction
from monitor.store.tables import metadata


@dataclass(frozen=True)
class Sizes:
    """Bytes of a database."""

    rows: float
    indexes: float
    blocks: float
    log: float
    dump: float


@dataclass(frozen=True)
class IngestCost:
    """Cost of an ingest of a topic."""

    n_records: int
    n_exchanges: int
    record_bytes: float
    text_bytes: int
    #: Of a prompt, which is stored twice.
    prompt_bytes: int
    cpu_seconds: float
    server_cpu_seconds: float
    sizes: Sizes


def ingest_into_postgres(
    services: BenchServices,
    server: PostgresServer,
    n: int,
    *,
    prompt_bytes: int,
    response_bytes: int,
    sample_rate: float,
) -> tuple[IngestCost, str]:
    """Ingest a new topic into a new database; return the cost, and the database's URL."""
    topic, record_bytes = fill_topic(
        services.bootstrap_servers, n, prompt_bytes=prompt_bytes, response_bytes=response_bytes
    )
    database = f"sizing_{uuid.uuid4().hex[:8]}"
    url = server.url.removesuffix("postgres") + database
    administrator = make_engine(server.url).execution_options(isolation_level="AUTOCOMMIT")
    with administrator.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {database}"))
    engine = make_engine(url)
    metadata.create_all(engine)
    empty, log_before = _sizes(engine), _log_position(engine)
    engine.dispose()
    server_before = tree_cpu_seconds(server_pid(server))
    run = ingest(_settings(services, topic, url, sample_rate), VectorEncoder(), n)
    server_seconds = tree_cpu_seconds(server_pid(server)) - server_before
    full, log_bytes = _sizes(engine), _log_position(engine) - log_before
    with transaction(engine) as connection:
        n_exchanges = connection.execute(text("SELECT count(*) FROM exchanges")).scalar_one()
    engine.dispose()
    administrator.dispose()
    sizes = Sizes(
        full["rows"] - empty["rows"],
        full["indexes"] - empty["indexes"],
        full["blocks"] - empty["blocks"],
        log_bytes,
        server.archive_bytes(database),
    )
    return IngestCost(
        n, n_exchanges, record_bytes, prompt_bytes + response_bytes, prompt_bytes,
        run.cpu_seconds, server_seconds, sizes,
    ), url  # fmt: skip


def ingest_into_sqlite(
    services: BenchServices, folder: Path, n: int, *, prompt_bytes: int, response_bytes: int
) -> IngestCost:
    """Ingest all records of a new topic into a new file."""
    topic, record_bytes = fill_topic(
        services.bootstrap_servers, n, prompt_bytes=prompt_bytes, response_bytes=response_bytes
    )
    path = folder / f"{topic}.db"
    url = f"sqlite:///{path}"
    engine = make_engine(url)
    metadata.create_all(engine)
    run = ingest(_settings(services, topic, url, 1.0), VectorEncoder(), n)
    with engine.connect() as connection:
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    sizes = Sizes(float(path.stat().st_size), 0.0, 0.0, 0.0, 0.0)
    return IngestCost(
        n, n, record_bytes, prompt_bytes + response_bytes, prompt_bytes, run.cpu_seconds, 0.0, sizes
    )


def _settings(services: BenchServices, topic: str, url: str, sample_rate: float) -> Configuration:
    return Configuration(
        kafka={
            "bootstrap_servers": services.bootstrap_servers,
            "topic": topic,
            "group_id": f"sizing-{uuid.uuid4().hex[:8]}",
        },
        database={"url": url},
        monitoring={"sample_rate": sample_rate},
    )


def _sizes(engine: Engine) -> dict[str, float]:
    statement = text(
        "SELECT pg_table_size('exchanges') AS rows, pg_indexes_size('exchanges') AS indexes, "
        "pg_total_relation_size('embedding_blocks') AS blocks"
    )
    with transaction(engine) as connection:
        row = connection.execute(statement).mappings().one()
    return {name: float(value) for name, value in row.items()}


def _log_position(engine: Engine) -> float:
    with transaction(engine) as connection:
        position = "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"
        return float(connection.execute(text(position)).scalar_one())


def server_pid(server: PostgresServer) -> int:
    """Return the process of a started server."""
    return int((server.data / "postmaster.pid").read_text().split()[0])
