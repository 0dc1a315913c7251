"""Cost of ingest: reading the whole topic, and storing and embedding the sample."""

import math

from monitor.sizing.constants import Constants
from monitor.sizing.load import TARGET_LOAD, Load

#: A replica that is lost leaves its partitions to the others in equal parts.
PARTITIONS_PER_REPLICA = 2
MIN_PARTITIONS = 6
#: Replicas without which a restart stops ingest.
MIN_REPLICAS = 2


def prompt_bytes(load: Load, constants: Constants) -> float:
    """Return the size of a prompt."""
    return load.prompt_tokens * constants.bytes_per_token


def response_bytes(load: Load, constants: Constants) -> float:
    """Return the size of a response."""
    return load.response_tokens * constants.bytes_per_token


def text_bytes(load: Load, constants: Constants) -> float:
    """Return the size of a prompt and its response."""
    return prompt_bytes(load, constants) + response_bytes(load, constants)


def record_bytes(load: Load, constants: Constants) -> float:
    """Return the size of a record."""
    if load.record_bytes is not None:
        return load.record_bytes
    return constants.record_overhead_bytes + text_bytes(load, constants)


def bytes_from_kafka(load: Load, constants: Constants) -> float:
    """Return the bytes a second from the brokers in the busiest hour, before compression."""
    return load.peak_per_second * record_bytes(load, constants)


def sampled_per_second(load: Load) -> float:
    """Return the sampled exchanges a second in the busiest hour."""
    return load.peak_per_second * load.sample_rate


def reading_cores(load: Load, constants: Constants) -> float:
    """Return the cores that read every record in the busiest hour, sampled or not."""
    each = constants.read_cpu_seconds_per_record + (
        constants.read_cpu_seconds_per_byte * record_bytes(load, constants)
    )
    return load.peak_per_second * each


def exchange_seconds(load: Load, constants: Constants) -> float:
    """Return the CPU seconds of an ingest process for a sampled exchange, beyond reading it."""
    size = text_bytes(load, constants)
    seconds = constants.ingest_cpu_seconds_per_exchange + (
        constants.ingest_cpu_seconds_per_text_byte * size
    )
    if load.database == "sqlite":
        seconds += constants.sqlite_cpu_seconds_per_exchange + (
            constants.sqlite_cpu_seconds_per_text_byte * size
        )
    return seconds


def storing_cores(load: Load, constants: Constants) -> float:
    """Return the cores that decode, redact and store the sample in the busiest hour."""
    return sampled_per_second(load) * exchange_seconds(load, constants)


def rollout_cores(load: Load, constants: Constants) -> float:
    """Return the further cores of ingest while a model's rollout observes the most, at most.

    Without a header that tells the version, every record of the topic is decoded.
    """
    if not load.stages:
        return 0.0
    observed = load.peak_per_second / load.n_models * load.largest_observed_share
    decoded = observed if load.has_version_header else load.peak_per_second
    return decoded * exchange_seconds(load, constants)


def embedded_tokens(load: Load, constants: Constants) -> float:
    """Return the tokens a second that are embedded in the busiest hour."""
    limit = constants.encoder_max_tokens
    each = min(load.prompt_tokens, limit) + min(load.response_tokens, limit)
    return sampled_per_second(load) * each


def embedding_cores(load: Load, constants: Constants) -> float:
    """Return the cores that embed the sample in the busiest hour; 0 where GPUs do."""
    if load.gpu_tokens_per_second is not None:
        return 0.0
    of_texts = 2.0 * sampled_per_second(load) * constants.embed_cpu_seconds_per_text
    return of_texts + embedded_tokens(load, constants) * constants.embed_cpu_seconds_per_token


def gpus(load: Load, constants: Constants) -> float:
    """Return the number of GPUs; 0 where the CPU embeds."""
    if load.gpu_tokens_per_second is None:
        return 0.0
    return ceiling(embedded_tokens(load, constants) / load.gpu_tokens_per_second / TARGET_LOAD)


def ingest_cores(load: Load, constants: Constants) -> float:
    """Return the cores of all ingest processes in the busiest hour."""
    return _python_cores(load, constants) + embedding_cores(load, constants)


def replicas_for_load(load: Load, constants: Constants) -> float:
    """Return the number of ingest processes that the busiest hour needs.

    One process reads and stores on one core, as Python runs one thread at a time. What its child
    decodes on another counts on the same one; the encoder computes on the others.
    """
    of_python = _python_cores(load, constants)
    all_cores = of_python + embedding_cores(load, constants)
    each = max(of_python, all_cores / load.cores_per_replica)
    return max(1.0, ceiling(each / TARGET_LOAD), gpus(load, constants))


def replicas(load: Load, constants: Constants) -> float:
    """Return the number of ingest processes, with one to spare on PostgreSQL."""
    needed = replicas_for_load(load, constants)
    return needed if load.database == "sqlite" else max(needed, MIN_REPLICAS)


def partitions(load: Load, constants: Constants) -> float:
    """Return the number of partitions of the topic."""
    needed = PARTITIONS_PER_REPLICA * replicas(load, constants)
    return max(MIN_PARTITIONS, needed)


def ingest_memory(load: Load, constants: Constants) -> float:
    """Return the memory of all ingest processes."""
    return replicas(load, constants) * constants.ingest_process_bytes


def ceiling(value: float) -> float:
    """Round up, but for what rounding errors add."""
    return float(math.ceil(value - 1e-9))


def _python_cores(load: Load, constants: Constants) -> float:
    return reading_cores(load, constants) + storing_cores(load, constants)
