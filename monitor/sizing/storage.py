"""Cost of the database: cores, connections, disk, write-ahead log and dumps."""

from monitor.sizing.constants import Constants
from monitor.sizing.load import Load
from monitor.sizing.traffic import (
    prompt_bytes,
    record_bytes,
    replicas,
    sampled_per_second,
    text_bytes,
)

#: Numbers of an exchange's two vectors, and bytes of one (float16).
VECTORS, NUMBER_BYTES = 2.0, 2.0
#: Exchanges of the largest baseline that the daemon makes of a version's traffic.
MAX_BASELINE = 20_000.0


def stored_exchanges(load: Load) -> float:
    """Return the exchanges that the database holds, without baselines."""
    return load.sampled_per_day * load.stored_days


def baseline_exchanges(load: Load) -> float:
    """Return the exchanges of a baseline."""
    if load.baseline_exchanges is not None:
        return load.baseline_exchanges
    return min(load.window_exchanges, MAX_BASELINE)


def server_cores(load: Load, constants: Constants) -> float:
    """Return the cores of the database's server in the busiest hour, for stored exchanges."""
    if load.database == "sqlite":
        return 0.0
    return sampled_per_second(load) * _server_seconds(load, constants)


def server_cores_in_rollout(load: Load, constants: Constants) -> float:
    """Return the cores of the server while a model's rollout observes the most."""
    if load.database == "sqlite":
        return 0.0
    observed = load.peak_per_second / load.n_models * load.largest_observed_share
    return server_cores(load, constants) + observed * _server_seconds(load, constants)


def connections(load: Load, constants: Constants) -> float:
    """Return the connections of ingest, a leader and a process that waits for its lease."""
    if load.database == "sqlite":
        return 0.0
    return (replicas(load, constants) + 2.0) * constants.connections_per_process


def bytes_to_database(load: Load, constants: Constants) -> float:
    """Return the bytes a second to the database in the busiest hour."""
    each = _copied_text(load, constants) + _vector_numbers(constants) * NUMBER_BYTES
    return sampled_per_second(load) * each


def rows_disk(load: Load, constants: Constants) -> float:
    """Return the disk of rows and texts of traffic and baselines."""
    return _all_rows(load) * _row_bytes(load, constants)


def vectors_disk(load: Load, constants: Constants) -> float:
    """Return the disk of the vectors of traffic and baselines."""
    each = NUMBER_BYTES if load.database == "sqlite" else constants.vector_bytes_per_number
    return _all_rows(load) * _vector_numbers(constants) * each


def indexes_disk(load: Load, constants: Constants) -> float:
    """Return the disk of the indexes; those of SQLite are part of the rows."""
    if load.database == "sqlite":
        return 0.0
    return _all_rows(load) * constants.index_bytes_per_exchange


def search_disk(load: Load, constants: Constants) -> float:
    """Return the disk of the full-text index of the traffic."""
    return stored_exchanges(load) * _search_bytes(load, constants)


def dead_letters_disk(load: Load, constants: Constants) -> float:
    """Return the disk of the dead letters that retention keeps."""
    days = 365.0 if load.dead_letter_days is None else load.dead_letter_days
    number = load.sampled_per_day * load.dead_letter_share * days
    of_record = constants.dead_letter_bytes_per_record_byte * record_bytes(load, constants)
    return number * (constants.dead_letter_bytes + of_record)


def observations(load: Load) -> float:
    """Return the observations of one rollout of one model that retention keeps."""
    of_model = load.requests_per_day / load.n_models
    days = sum(stage.share * stage.days for stage in load.stages)
    period = load.observation_days
    length = sum(stage.days for stage in load.stages)
    kept_share = 1.0 if period is None or length <= period else period / length
    return of_model * days * kept_share


def observations_disk(load: Load, constants: Constants) -> float:
    """Return the disk of the observations of one rollout of one model."""
    of_text = constants.observation_bytes_per_text_byte * text_bytes(load, constants)
    return observations(load) * (constants.observation_bytes + of_text)


def database_disk(load: Load, constants: Constants) -> float:
    """Return the size of the database."""
    return (
        rows_disk(load, constants)
        + vectors_disk(load, constants)
        + indexes_disk(load, constants)
        + search_disk(load, constants)
        + dead_letters_disk(load, constants)
        + observations_disk(load, constants)
    )


def log_bytes_per_day(load: Load, constants: Constants) -> float:
    """Return the write-ahead log of a day."""
    if load.database == "sqlite":
        return 0.0
    each = exchange_disk(load, constants) + _search_bytes(load, constants)
    return load.sampled_per_day * each * constants.wal_bytes_per_stored_byte


def exchange_disk(load: Load, constants: Constants) -> float:
    """Return the disk of one exchange: row, texts, vectors and indexes."""
    sqlite = load.database == "sqlite"
    each = NUMBER_BYTES if sqlite else constants.vector_bytes_per_number
    indexes = 0.0 if sqlite else constants.index_bytes_per_exchange
    return _row_bytes(load, constants) + _vector_numbers(constants) * each + indexes


def backups_disk(load: Load, constants: Constants) -> float:
    """Return the disk of the dumps that are kept; a copy of SQLite is as large as its file."""
    each = 1.0 if load.database == "sqlite" else constants.dump_bytes_per_stored_byte
    return load.backups * database_disk(load, constants) * each


def retention_seconds(load: Load, constants: Constants) -> float:
    """Return the CPU seconds a day for removing what has expired."""
    if load.exchange_days is None:
        return 0.0
    return load.sampled_per_day * constants.retention_cpu_seconds_per_exchange


def _all_rows(load: Load) -> float:
    return stored_exchanges(load) + load.n_models * baseline_exchanges(load)


def _vector_numbers(constants: Constants) -> float:
    return VECTORS * constants.encoder_dimension


def _copied_text(load: Load, constants: Constants) -> float:
    """Return the bytes of the texts of a row: the prompt is a column, and one of the messages."""
    return text_bytes(load, constants) + prompt_bytes(load, constants)


def _row_bytes(load: Load, constants: Constants) -> float:
    copied = _copied_text(load, constants)
    if load.database == "sqlite":
        return constants.sqlite_row_bytes + constants.sqlite_bytes_per_text_byte * copied
    return constants.row_bytes + constants.row_bytes_per_text_byte * copied


def _search_bytes(load: Load, constants: Constants) -> float:
    texts = text_bytes(load, constants)
    if load.database == "sqlite":
        of_text = constants.sqlite_search_bytes_per_text_byte * texts
        return constants.sqlite_search_bytes + of_text
    return constants.search_bytes + constants.search_bytes_per_text_byte * texts


def _server_seconds(load: Load, constants: Constants) -> float:
    of_text = constants.server_cpu_seconds_per_text_byte * text_bytes(load, constants)
    return constants.server_cpu_seconds_per_exchange + of_text
