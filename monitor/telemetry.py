"""Structured logs, Prometheus metrics and heartbeats; nothing is sent anywhere."""

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, TextIO

import structlog
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Metric,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from monitor.errors import loggable
from monitor.repeated_lines import LibraryFilter

#: Without local variables: they may hold customers' texts, which must not be logged.
_TRACE = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)


def describe_exception(exc_info: Any) -> list[dict[str, Any]]:
    """Return an exception and its causes: classes and frames, and messages that quote nothing."""
    described = _TRACE(exc_info)
    chain = _chain(exc_info[1])
    for entry in described:
        error = next(chain, None)
        message = "" if error is None else loggable(error)
        entry |= {"exc_value": "" if message == entry["exc_type"] else message, "exc_notes": []}
        entry["exceptions"] = []
    return described


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and its causes, as the transformer follows them."""
    while error is not None:
        yield error
        context = None if error.__suppress_context__ else error.__context__
        causes = (cause for cause in (error.__cause__, context) if cause and cause.__traceback__)
        error = next(causes, None)


def _write_exception(stream: TextIO, exc_info: Any) -> None:
    """Write an exception for a terminal, the last cause first."""
    for entry in reversed(describe_exception(exc_info)):
        stream.write("\n")
        stream.writelines(
            f'  File "{frame["filename"]}", line {frame["lineno"]}, in {frame["name"]}\n'
            for frame in entry["frames"]
        )
        stream.write(f"{entry['exc_type']}: {entry['exc_value']}")


EXCEPTION_RENDERER = structlog.processors.ExceptionRenderer(describe_exception)

#: A registry of its own, as libraries add metrics to the global one.
REGISTRY = CollectorRegistry()
#: Memory, processor time and open files of this process, where the system has /proc.
ProcessCollector(registry=REGISTRY)
#: Value of a counter by its name and labels.
Counted = Mapping[tuple[str, tuple[tuple[str, str], ...]], float]
#: Name -> counter of this process.
_COUNTERS: dict[str, Counter] = {}


def _counter(name: str, documentation: str, labels: Sequence[str] = ()) -> Counter:
    _COUNTERS[name] = Counter(name, documentation, labels, registry=REGISTRY)
    return _COUNTERS[name]


_gauge = partial(Gauge, registry=REGISTRY)
_histogram = partial(Histogram, registry=REGISTRY)

RECORDS_READ = _counter("driftwarden_records_read", "Records read, sampled or not.", ["source"])
RECORDS_SAMPLED = _counter("driftwarden_records_sampled", "Records sampled.", ["source"])
TRACE_CONTEXT_PROBLEMS = _counter(
    "driftwarden_trace_context_problems",
    "Records whose trace header, or sampling threshold in it, was ignored.",
    ["problem"],
)
EXCHANGES_NOT_SAMPLED = _counter(
    "driftwarden_exchanges_not_sampled",
    "Exchanges decoded and not sampled, by the rate of their model and task type.",
    ["source"],
)
SAMPLING_STRATA_EVICTED = _counter(
    "driftwarden_sampling_strata_evicted",
    "Task types whose count of samples was evicted from memory: more is stored than needed.",
)
OBSERVED_ROLLOUTS = _gauge(
    "driftwarden_observed_rollouts",
    "Rollouts and experiments for which this replica of ingest observes more than the sample.",
)
OBSERVATIONS_STORED = _counter(
    "driftwarden_observations_stored",
    "Exchanges stored as observations of rollouts and experiments.",
    ["source"],
)
FEEDBACK_STORED = _counter(
    "driftwarden_feedback_stored",
    "Values of feedback stored, whose exchange may be stored or not.",
    ["source"],
)
EXCHANGES_STORED = _counter("driftwarden_exchanges_stored", "Exchanges stored.", ["source"])
EXCHANGES_WITHHELD = _counter(
    "driftwarden_exchanges_withheld",
    "Sampled exchanges whose texts the source withheld: counted, not compared.",
    ["source"],
)
EXCHANGES_SUPPRESSED = _counter(
    "driftwarden_exchanges_suppressed",
    "Exchanges, halves and dead letters of end users on the suppression list: dropped, not stored.",
    ["source"],
)
EXCHANGES_UNLISTED = _counter(
    "driftwarden_exchanges_unlisted",
    "Sampled exchanges of models that are not listed: counted, not stored.",
    ["source"],
)
PARTS_IGNORED = _counter(
    "driftwarden_parts_ignored",
    "Parts of sampled records that hold no exchange, such as other spans of a trace.",
    ["source"],
)
EXCHANGES_JOINED = _counter(
    "driftwarden_exchanges_joined",
    "Exchanges joined from a request and a response that were read apart.",
    ["source"],
)
DEAD_LETTERS = _counter(
    "driftwarden_dead_letters",
    "Records that could not be processed and were stored as dead letters.",
    ["source", "reason"],
)
RECORDS_LOST_TO_RETENTION = _counter(
    "driftwarden_records_lost_to_retention",
    "Offsets that the broker deleted before they were read.",
    ["source"],
)
OWNERSHIP_LOST = _counter(
    "driftwarden_ownership_lost",
    "Batches rolled back because another replica had advanced the offset.",
    ["source"],
)
CONSUMER_LAG = _gauge(
    "driftwarden_consumer_lag_records",
    "End of the partition's log minus the next offset to store; the last known one while the "
    "broker is unavailable. Each replica exports all partitions: take the maximum by partition.",
    ["source", "partition"],
)
CONSUMER_LAG_MEASURED = _gauge(
    "driftwarden_consumer_lag_measured_timestamp_seconds",
    "Time of the last measurement of the lag, or else of the start. Alert on its age.",
    ["source"],
)
STORED_OFFSET = _gauge(
    "driftwarden_stored_offset",
    "Next offset to store of a partition; it stands still while nothing can be stored.",
    ["source", "partition"],
)
EMBEDDING_DURATION = _histogram(
    "driftwarden_embedding_duration_seconds",
    "Duration of the embedding of a batch.",
    buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100),
)
STORE_DURATION = _histogram(
    "driftwarden_store_duration_seconds",
    "Duration of the transaction that stores a batch.",
    buckets=(0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10),
)
DISK_FREE = _gauge(
    "driftwarden_disk_free_ratio",
    "Free share of the file system that holds a folder: temporary files, runs, or SQLite's file.",
    ["folder"],
)
LEADER = _gauge("driftwarden_leader", "1 on the replica that leads, else 0.")
SERVICE_FAILURES = _counter(
    "driftwarden_service_failures", "Failures of a service or job, by name.", ["service"]
)
EVALUATIONS_FAILED = _counter(
    "driftwarden_evaluations_failed",
    "Drift evaluations that failed; each is repeated every hour.",
    ["model"],
)
MESSAGES_FAILED = _counter(
    "driftwarden_messages_failed",
    "Messages given up: refused by the channel in every form, or expired.",
    ["cause"],
)
for _cause in ("refused", "expired"):  # a counter that is born with its first event alerts nobody
    MESSAGES_FAILED.labels(_cause)
SLACK_CONNECTED = _gauge(
    "driftwarden_slack_connected",
    "Whether a replica receives the presses of buttons in Slack (1) or not (0), where it should.",
    ["part"],
)

TRAINING_LOSS = _gauge(
    "driftwarden_training_loss", "Loss of the last step of a training run.", ["model"]
)
TRAINING_PROGRESS = _gauge(
    "driftwarden_training_progress_ratio",
    "Share of the steps of a training run that are done.",
    ["model"],
)
TRAINING_TOKENS_PER_SECOND = _gauge(
    "driftwarden_training_tokens_per_second", "Tokens per second of a training run.", ["model"]
)
TRAINING_RUNS_FINISHED = _counter(
    "driftwarden_training_runs_finished",
    "Training runs that finished, by status.",
    ["model", "status"],
)


#: Values of a gauge by its labels.
Values = Mapping[tuple[str, ...], float]


class LeaderGauges(Collector):
    """Gauges that only the leader exports: all of one reading, none once it has stepped down.

    Another replica leads then, and the last figures of this one would stay for ever.
    """

    #: Labels and description by name.
    GAUGES: ClassVar[Mapping[str, tuple[tuple[str, ...], str]]] = {
        "driftwarden_leader_measured_timestamp_seconds": (
            (),
            "Time at which the leader last read its gauges. Alert on its age: the others stay.",
        ),
        "driftwarden_newest_evaluated_window_end_timestamp_seconds": (
            ("model",),
            "End of the newest evaluated window, or else start of the first. Alert on its age.",
        ),
        "driftwarden_drifted_share": (
            ("model", "side", "bound"),
            "Drifted share of the newest evaluated window (prompts, or comparable responses).",
        ),
        "driftwarden_window_verdict": (
            ("model", "side", "verdict"),
            "1 for the verdict on the newest evaluated window; side window: whether comparable.",
        ),
        "driftwarden_access_log_linked_entries": (
            (),
            "Entries of the access log that were ever linked. Alert where it falls.",
        ),
        "driftwarden_access_log_head": (
            (),
            "First 48 bits of the newest hash of the access log; `access-log --verify` prints it.",
        ),
        "driftwarden_review_open_items": (("model",), "Review items without an outcome."),
        "driftwarden_review_queue_idle_seconds": (
            ("model",),
            "Time since anybody worked on the open review items, or else since they were queued.",
        ),
        "driftwarden_failed_windows": (
            ("model",),
            "Windows whose drift evaluation failed and has not succeeded since.",
        ),
        "driftwarden_window_seconds": (("model",), "Length of the windows of a watched model."),
        "driftwarden_last_look_timestamp_seconds": (
            ("model",),
            "End of the last 24 hours that were searched for a large change. Alert on its age.",
        ),
        "driftwarden_model_has_channel": (
            ("model",),
            "Whether messages about a model are sent: 0 where no channel is configured.",
        ),
        "driftwarden_channel_failing_seconds": (
            ("channel",),
            "Time since a channel's first failure after its last delivery; 0: it takes messages.",
        ),
        "driftwarden_open_incidents": (
            ("model", "cause", "level"),
            "Incidents that are neither resolved nor closed; of the daemon itself without a model.",
        ),
        "driftwarden_outbox_pending_messages": (
            (),
            "Messages of models with a channel that are not sent yet.",
        ),
        "driftwarden_outbox_oldest_message_age_seconds": (
            (),
            "Age of the oldest message of a model with a channel that is not sent yet.",
        ),
        "driftwarden_message_failed_timestamp_seconds": (
            (),
            "Time at which a message was last given up: refused in every form, or expired.",
        ),
        "driftwarden_last_probe_timestamp_seconds": (
            ("model",),
            "End of the last run of probes that the live endpoint responded to. Alert on its age.",
        ),
        "driftwarden_probe_change": (
            ("model",),
            "Change of the live endpoint's responses at the last run of probes, 0 to 1.",
        ),
        "driftwarden_probe_change_threshold": (
            ("model",),
            "Change that is suspicious. Two such runs in a row open an incident.",
        ),
        "driftwarden_rollout_weight_percent": (
            ("model", "kind"),
            "Weight that an open rollout or experiment wants for its canary; 0: none is open.",
        ),
        "driftwarden_rollout_holding_seconds": (
            ("model",),
            "Time since which the open rollout holds at its stage; 0 while it does not.",
        ),
        "driftwarden_weights_unconfirmed_seconds": (
            ("model",),
            "Age of wanted weights that the gateway has not confirmed; 0: it has them.",
        ),
        "driftwarden_erasure_check_timestamp_seconds": (
            (),
            "Time of the last check of erasures; none: no erasure was checked.",
        ),
        "driftwarden_erasure_check_places": (
            ("result",),
            "Places of the last check of erasures: found (data of somebody erased), or unread.",
        ),
        "driftwarden_records_lost_timestamp_seconds": (
            ("source",),
            "Time at which records were last missed that the broker deleted before they were read.",
        ),
    }

    def __init__(self) -> None:
        self._reading: Mapping[str, Values] = {}

    def publish(self, reading: Mapping[str, Values]) -> None:
        """Replace the last reading, by name of the gauge."""
        self._reading = dict(reading)

    def withdraw(self) -> None:
        """Export no value."""
        self._reading = {}

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges, with the values of the last reading."""
        reading = self._reading
        for name, (labels, description) in self.GAUGES.items():
            gauge = GaugeMetricFamily(name, description, labels=labels)
            for values, value in reading.get(name, {}).items():
                gauge.add_metric(values, value)
            yield gauge


LEADER_GAUGES = LeaderGauges()
REGISTRY.register(LEADER_GAUGES)


def counted() -> Counted:
    """Return the value of each counter of this process that has counted, by name and labels."""
    return {
        (name, tuple(sample.labels.items())): sample.value
        for name, counter in _COUNTERS.items()
        for family in counter.collect()
        for sample in family.samples
        if sample.name.endswith("_total") and sample.value
    }


def count_all(increases: Counted) -> None:
    """Add what a child process has counted."""
    for (name, labels), increase in increases.items():
        counter = _COUNTERS[name]
        (counter.labels(**dict(labels)) if labels else counter).inc(increase)


def render_metrics() -> bytes:
    """Return the metrics in Prometheus' text format."""
    return generate_latest(REGISTRY)


class _StderrHandler(logging.Handler):
    """A handler that writes to the current stderr, which a progress bar may have replaced."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(self.format(record) + "\n")
            sys.stderr.flush()
        except Exception:  # noqa: BLE001 - as the library's own handlers do
            self.handleError(record)


def configure_logging(
    *, json: bool | None = None, level: int = logging.INFO, file: Path | None = None
) -> None:
    """Log to stderr or a file, the libraries' events included, one line per event.

    With ``json`` lines are JSON, else as on a console; ``None``: JSON unless stderr is a terminal,
    and in a file. Lines are added to ``file``, Python's warnings included; ``None``: stderr.
    """
    as_json = (file is not None or not sys.stderr.isatty()) if json is None else json
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    rendering: list[structlog.typing.Processor] = (
        [EXCEPTION_RENDERER, structlog.processors.JSONRenderer()]
        if as_json
        else [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=_write_exception
            )
        ]
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler: logging.Handler = (
        _StderrHandler() if file is None else logging.FileHandler(file, encoding="utf-8")
    )
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    handler.addFilter(LibraryFilter("kafka"))  # in an outage it logs each attempt
    logging.basicConfig(handlers=[handler], level=level, force=True)
    logging.captureWarnings(file is not None)
    # The scheduler and others log a line every few seconds, which would drown the rest.
    for chatty in (
        "alembic",
        "apscheduler",
        "httpx",
        "kafka",
        "sentence_transformers",
        "slack_sdk",
        "transformers",
    ):
        logging.getLogger(chatty).setLevel(max(level, logging.WARNING))
    # Warns of an unused faster kernel at each import.
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    # Warns of each moment in which a busy machine let its loop wait.
    logging.getLogger("kafka.net.selector").setLevel(logging.ERROR)
    # A job that still runs is skipped by design: the next run does what is due.
    logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)


def log_thread_failures() -> None:
    """Log what ends a thread, which would else be written to stderr with its message."""

    def log_failure(ended: threading.ExceptHookArgs) -> None:
        if ended.exc_value is not None:
            name = "" if ended.thread is None else ended.thread.name
            get_logger(__name__).error("thread_failed", thread=name, exc_info=ended.exc_value)

    threading.excepthook = log_failure


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return a logger of events with key-value pairs."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


class Heartbeat:
    """The time of a loop's last iteration, for /healthz; independent of other services."""

    def __init__(self, name: str, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self._monotonic = monotonic
        self._last = monotonic()

    def beat(self) -> None:
        """Record an iteration of the loop."""
        self._last = self._monotonic()

    def age_seconds(self) -> float:
        """Return the time since the last beat."""
        return self._monotonic() - self._last

    def is_alive(self, *, limit_seconds: float = 60.0) -> bool:
        """Return whether the last iteration was within ``limit_seconds``."""
        return self.age_seconds() <= limit_seconds
