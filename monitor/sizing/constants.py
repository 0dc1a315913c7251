"""Measured constants of the capacity model, in one file that ``make bench AREA=sizing`` renews."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path

CONSTANTS_FILE = Path(__file__).with_name("constants.json")


@dataclass(frozen=True, kw_only=True)
class Constants:
    """Costs, in CPU seconds and bytes. Texts are counted in bytes of UTF-8."""

    #: Ingest process, for each record of the topic, sampled or not.
    read_cpu_seconds_per_record: float
    #: The same, for each byte of it.
    read_cpu_seconds_per_byte: float
    #: Ingest process, for each sampled exchange beyond reading, with PostgreSQL.
    ingest_cpu_seconds_per_exchange: float
    #: The same, for each byte of prompt and response.
    ingest_cpu_seconds_per_text_byte: float
    #: PostgreSQL's processes, for each stored exchange.
    server_cpu_seconds_per_exchange: float
    #: The same, for each byte of prompt and response.
    server_cpu_seconds_per_text_byte: float
    #: Ingest process, for each sampled exchange beyond what it costs with PostgreSQL, with SQLite.
    sqlite_cpu_seconds_per_exchange: float
    #: The same, for each byte of prompt and response.
    sqlite_cpu_seconds_per_text_byte: float
    #: Default encoder on a CPU, for each text.
    embed_cpu_seconds_per_text: float
    #: The same, for each token of it, up to the encoder's limit.
    embed_cpu_seconds_per_token: float
    #: Tokens of a text that the default encoder reads.
    encoder_max_tokens: float
    #: Length of a vector of the default encoder.
    encoder_dimension: float
    #: English text of the documentation, by the default encoder's tokenizer.
    bytes_per_token: float
    #: Record in the plain format without its texts.
    record_overhead_bytes: float
    #: PostgreSQL, an exchange's row without texts, vectors and indexes.
    row_bytes: float
    #: PostgreSQL, stored bytes for each byte of text; a prompt is stored twice (prompt, messages).
    row_bytes_per_text_byte: float
    #: PostgreSQL, the indexes of ``exchanges``, for each row.
    index_bytes_per_exchange: float
    #: PostgreSQL, ``embedding_blocks`` with its index, for each number of a vector.
    vector_bytes_per_number: float
    #: SQLite, the whole file for each exchange without texts and vectors, indexes included.
    sqlite_row_bytes: float
    #: SQLite, stored bytes for each byte of text.
    sqlite_bytes_per_text_byte: float
    #: PostgreSQL, the full-text index for each exchange beyond its texts.
    search_bytes: float
    #: The same, for each byte of prompt and response.
    search_bytes_per_text_byte: float
    #: SQLite, the full-text index for each exchange beyond its texts.
    sqlite_search_bytes: float
    #: The same, for each byte of prompt and response.
    sqlite_search_bytes_per_text_byte: float
    #: PostgreSQL, a dead letter without its record, indexes included.
    dead_letter_bytes: float
    #: PostgreSQL, stored bytes for each byte of the record.
    dead_letter_bytes_per_record_byte: float
    #: PostgreSQL, an observation without texts, indexes included.
    observation_bytes: float
    #: PostgreSQL, stored bytes for each byte of its prompt and response.
    observation_bytes_per_text_byte: float
    #: Write-ahead log for each byte that tables and indexes grow by.
    wal_bytes_per_stored_byte: float
    #: Compressed dump (``pg_dump -Fc``) for each byte of tables and indexes.
    dump_bytes_per_stored_byte: float
    #: Leader and PostgreSQL together, for each exchange that retention removes.
    retention_cpu_seconds_per_exchange: float
    #: A drift evaluation, whatever the size of the window.
    evaluation_cpu_seconds: float
    #: The same, for each exchange of window and baseline.
    evaluation_cpu_seconds_per_exchange: float
    #: Child process of evaluations, libraries included.
    evaluation_bytes: float
    #: The same, for each exchange of window and baseline.
    evaluation_bytes_per_exchange: float
    #: A look at the last 24 hours, at the largest numbers that it compares.
    look_cpu_seconds: float
    #: Resident memory of an ingest process with the default encoder.
    ingest_process_bytes: float
    #: The same of a process with all parts, without the child process of evaluations.
    leader_process_bytes: float
    #: CPU seconds a second of a process with all parts and no traffic.
    idle_cpu_cores: float
    #: Connections of a process with all parts to the database, at most.
    connections_per_process: float


@dataclass(frozen=True)
class Measurement:
    """The constants, and where and when they were measured."""

    machine: str
    #: ISO date.
    measured_on: str
    command: str
    constants: Constants


@cache
def read_measurement(path: Path = CONSTANTS_FILE) -> Measurement:
    """Return the stored constants.

    Raises:
        ValueError: The file lacks a constant, or has one that the code doesn't know.
    """
    stored = json.loads(path.read_text(encoding="utf-8"))
    values = stored["constants"]
    names = {field.name for field in fields(Constants)}
    if names != set(values):
        raise ValueError(f"{path}: constants that differ from the code: {names ^ set(values)}")
    return Measurement(
        stored["machine"], stored["measured_on"], stored["command"], Constants(**values)
    )


def write_measurement(measurement: Measurement, path: Path = CONSTANTS_FILE) -> None:
    """Write the constants to the package's file, with four significant digits."""
    document = asdict(measurement)
    values: Mapping[str, float] = document["constants"]
    document["constants"] = {name: float(f"{value:.4g}") for name, value in values.items()}
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
