"""The plan of a load: its lines with the constants behind each, limits and recommendations."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, cast

from monitor.sizing import evaluation, storage, traffic
from monitor.sizing.constants import Constants, Measurement
from monitor.sizing.limits import Limit, largest_sample_rate, limits
from monitor.sizing.load import TARGET_LOAD, Load

#: Exchanges of a window beyond which the stored table of power has no smaller shares.
LARGEST_TABULATED = 5_000.0


@dataclass(frozen=True)
class Line:
    """One figure of the plan."""

    part: str
    name: str
    #: ``None``: not enough data.
    value: float | None
    #: ``cores``, ``bytes``, ``bytes/s``, ``s``, ``hours``, ``share``, ``1/s`` or a noun.
    unit: str
    #: Names of the measured constants that it was computed from.
    constants: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True)
class SizingPlan:
    """The needs of a load, and the limits of the design."""

    load: Load
    lines: tuple[Line, ...]
    limits: tuple[Limit, ...]
    #: Largest sample rate that all parts carry; ``None``: no rate relieves them.
    largest_sample_rate: float | None
    #: Sample rate of a window at which the stored shares end; more than 1: there is less traffic.
    sample_rate_for_power: float
    remarks: tuple[str, ...]

    def to_dict(self, measurement: Measurement) -> dict[str, Any]:
        """Return the document of ``--json``."""
        return {**asdict(self), "measurement": asdict(measurement)}


class _Recorder:
    """Constants that notes which of them are read."""

    def __init__(self, constants: Constants) -> None:
        self._constants = constants
        self.names: list[str] = []

    def __getattr__(self, name: str) -> float:
        value: float = getattr(self._constants, name)
        if name not in self.names:
            self.names.append(name)
        return value


Quantity = Callable[[Load, Constants], float | None]


def _of_load(quantity: Callable[[Load], float | None]) -> Quantity:
    return lambda load, _constants: quantity(load)


#: Part, name, unit, quantity, note.
_LINES: tuple[tuple[str, str, str, Quantity, str], ...] = (
    ("traffic", "records in the busiest hour", "1/s", _of_load(lambda x: x.peak_per_second), ""),
    ("traffic", "size of a record", "bytes", traffic.record_bytes, ""),
    ("traffic", "sampled exchanges a day", "exchanges", _of_load(lambda x: x.sampled_per_day), ""),
    (
        "ingest",
        "read the whole topic",
        "cores",
        traffic.reading_cores,
        "headers and ids decide before decoding: this doesn't fall with the sample rate",
    ),
    ("ingest", "decode, redact and store the sample", "cores", traffic.storing_cores, ""),
    ("ingest", "texts to embed", "1/s", _of_load(lambda x: 2 * traffic.sampled_per_second(x)), ""),
    ("ingest", "tokens to embed", "1/s", traffic.embedded_tokens, ""),
    ("ingest", "embed the sample on CPUs", "cores", traffic.embedding_cores, "0 with --gpu"),
    ("ingest", "GPUs", "GPUs", traffic.gpus, "by --gpu; no GPU was measured"),
    (
        "ingest",
        "more during a rollout",
        "cores",
        traffic.rollout_cores,
        "at most; without traffic.version_header every record is decoded",
    ),
    (
        "ingest",
        "replicas",
        "processes",
        traffic.replicas,
        f"each core loaded to {TARGET_LOAD:.0%}; one to spare on PostgreSQL",
    ),
    ("ingest", "partitions", "partitions", traffic.partitions, "two a replica, six at least"),
    ("ingest", "memory of all replicas", "bytes", traffic.ingest_memory, ""),
    ("network", "from Kafka", "bytes/s", traffic.bytes_from_kafka, "before compression"),
    ("network", "to the database", "bytes/s", storage.bytes_to_database, ""),
    ("database", "cores for the sample", "cores", storage.server_cores, ""),
    ("database", "cores during a rollout", "cores", storage.server_cores_in_rollout, ""),
    ("database", "connections", "connections", storage.connections, "at most; leaders included"),
    ("disk", "rows and texts", "bytes", storage.rows_disk, ""),
    ("disk", "vectors", "bytes", storage.vectors_disk, ""),
    ("disk", "indexes", "bytes", storage.indexes_disk, ""),
    ("disk", "full-text index", "bytes", storage.search_disk, ""),
    ("disk", "dead letters", "bytes", storage.dead_letters_disk, ""),
    ("disk", "observations of one rollout", "bytes", storage.observations_disk, ""),
    ("disk", "database", "bytes", storage.database_disk, ""),
    ("disk", "write-ahead log of a day", "bytes", storage.log_bytes_per_day, ""),
    ("disk", "backups", "bytes", storage.backups_disk, "complete dumps"),
    ("leader", "process", "bytes", lambda _, c: c.leader_process_bytes, ""),
    ("leader", "idle", "cores", lambda _, c: c.idle_cpu_cores, ""),
    ("leader", "exchanges of a window and model", "exchanges",
     _of_load(lambda x: x.window_exchanges), ""),
    ("leader", "one evaluation", "s", evaluation.evaluation_seconds, "CPU time of one core"),
    ("leader", "evaluations of a week", "s", evaluation.evaluations_of_a_week, ""),
    ("leader", "looks of a week", "s", evaluation.looks_of_a_week, "at most"),
    ("leader", "memory of an evaluation", "bytes", evaluation.evaluation_memory, ""),
    ("leader", "temporary files of an evaluation", "bytes", evaluation.evaluation_disk, ""),
    ("leader", "retention, a day", "s", storage.retention_seconds, ""),
    ("review", "items a week", "items", _of_load(evaluation.items_of_a_week), ""),
    ("review", "labels a week", "labels", _of_load(evaluation.labels_of_a_week), ""),
    (
        "review",
        "expert hours a week",
        "hours",
        _of_load(lambda x: evaluation.labels_of_a_week(x) * x.minutes_per_review / 60),
        "",
    ),
    (
        "power",
        "smallest new topic found in 80% of windows",
        "share",
        _of_load(lambda x: evaluation.detectable_share(x, "new_topic")),
        "stored table of power",
    ),
    (
        "power",
        "smallest scattered drift found in 80% of windows",
        "share",
        _of_load(lambda x: evaluation.detectable_share(x, "scattered")),
        "stored table of power",
    ),
)  # fmt: skip


def make_plan(load: Load, constants: Constants) -> SizingPlan:
    """Return what a load needs."""
    lines = []
    for part, name, unit, quantity, note in _LINES:
        recorder = _Recorder(constants)
        value = quantity(load, cast("Constants", recorder))
        lines.append(Line(part, name, value, unit, tuple(recorder.names), note))
    of_parts = limits(load, constants)
    rate = LARGEST_TABULATED * load.n_models / (load.requests_per_day * load.window_days)
    return SizingPlan(
        load,
        tuple(lines),
        of_parts,
        largest_sample_rate(load, constants),
        rate,
        tuple(_remarks(load, constants, of_parts, rate)),
    )


def _remarks(
    load: Load, constants: Constants, of_parts: tuple[Limit, ...], rate_for_power: float
) -> list[str]:
    remarks = []
    exceeded = [limit for limit in of_parts if limit.is_exceeded]
    if exceeded:
        names = ", ".join(limit.part for limit in exceeded)
        remarks.append(f"beyond the design at this traffic: {names}")
    if load.window_exchanges < load.min_samples:
        needed = load.min_samples * load.n_models / (load.requests_per_day * load.window_days)
        advice = (
            f"raise monitoring.sample_rate to {needed:.2g} or more"
            if needed <= 1
            else "there is too little traffic; use weekly windows, or fewer models"
        )
        remarks.append(
            f"not enough data: {load.window_exchanges:.3g} exchanges a window and model, of "
            f"drift.min_samples = {load.min_samples}; {advice}"
        )
    if rate_for_power < load.sample_rate:
        remarks.append(
            f"the stored table of power ends at {LARGEST_TABULATED:,.0f} exchanges a window: a "
            f"sample rate of {rate_for_power:.2g} shows the same shares"
        )
    if load.database == "sqlite" and traffic.replicas_for_load(load, constants) > 1:
        remarks.append("SQLite carries one process; use PostgreSQL")
    if load.exchange_days is None:
        remarks.append(
            'retention.exchanges = "" keeps traffic for ever: the disk is that of a year'
        )
    if load.stages and not load.has_version_header:
        remarks.append("set traffic.version_header: a rollout then decodes only what it observes")
    remarks += [f"not in the plan: {setting}" for setting in load.left_out]
    return remarks
