"""Structured logs, Prometheus metrics and health. Nothing here leaves the machine by itself."""

import logging
import sys
import time
from collections.abc import Callable

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

#: The locals of a frame may hold customers' texts, which don't belong into a log.
EXCEPTION_RENDERER = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
)

#: Our own registry, so that a library that fills the global one doesn't add to ours.
REGISTRY = CollectorRegistry()

RECORDS_READ = Counter(
    "driftwarden_records_read", "Records read, sampled or not.", ["source"], registry=REGISTRY
)
RECORDS_SAMPLED = Counter(
    "driftwarden_records_sampled", "Records kept by sampling.", ["source"], registry=REGISTRY
)
TRACE_CONTEXT_PROBLEMS = Counter(
    "driftwarden_trace_context_problems",
    "Records with a trace header, or a sampling threshold in it, that was ignored.",
    ["problem"],
    registry=REGISTRY,
)
EXCHANGES_NOT_SAMPLED = Counter(
    "driftwarden_exchanges_not_sampled",
    "Exchanges decoded, and left out by the rate of their model and task type.",
    ["source"],
    registry=REGISTRY,
)
SAMPLING_STRATA_EVICTED = Counter(
    "driftwarden_sampling_strata_evicted",
    "Task types whose floor began anew for want of memory: more is stored than is needed.",
    registry=REGISTRY,
)
EXCHANGES_STORED = Counter(
    "driftwarden_exchanges_stored", "Exchanges stored.", ["source"], registry=REGISTRY
)
EXCHANGES_WITHHELD = Counter(
    "driftwarden_exchanges_withheld",
    "Sampled exchanges whose texts the source kept back: counted, not compared.",
    ["source"],
    registry=REGISTRY,
)
PARTS_IGNORED = Counter(
    "driftwarden_parts_ignored",
    "Parts of sampled records that are no exchanges, such as other spans of a trace.",
    ["source"],
    registry=REGISTRY,
)
EXCHANGES_JOINED = Counter(
    "driftwarden_exchanges_joined",
    "Requests joined with their response after waiting for it, or the other way round.",
    ["source"],
    registry=REGISTRY,
)
DEAD_LETTERS = Counter(
    "driftwarden_dead_letters",
    "Records that could not be read and were kept as dead letters.",
    ["source", "reason"],
    registry=REGISTRY,
)
RECORDS_LOST_TO_RETENTION = Counter(
    "driftwarden_records_lost_to_retention",
    "Offsets that the broker had deleted before they could be read.",
    ["source"],
    registry=REGISTRY,
)
OWNERSHIP_LOST = Counter(
    "driftwarden_ownership_lost",
    "Batches rolled back because another replica had moved the offset.",
    ["source"],
    registry=REGISTRY,
)
CONSUMER_LAG = Gauge(
    "driftwarden_consumer_lag_records",
    "High water mark minus the next offset that is stored.",
    ["source", "partition"],
    registry=REGISTRY,
)
EMBEDDING_DURATION = Histogram(
    "driftwarden_embedding_duration_seconds",
    "Time to embed one batch.",
    buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100),
    registry=REGISTRY,
)
STORE_DURATION = Histogram(
    "driftwarden_store_duration_seconds",
    "Time of the transaction that stores one batch.",
    buckets=(0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10),
    registry=REGISTRY,
)
SERVICE_FAILURES = Counter(
    "driftwarden_service_failures",
    "Times that a service was away.",
    ["service"],
    registry=REGISTRY,
)
LAST_DRIFT_EVALUATION = Gauge(
    "driftwarden_last_successful_drift_evaluation_timestamp_seconds",
    "When the last evaluation ended well. Alert on its age: silence is the worst failure.",
    ["model"],
    registry=REGISTRY,
)
OUTBOX_PENDING = Gauge(
    "driftwarden_outbox_pending_messages", "Messages not sent yet.", registry=REGISTRY
)


TRAINING_LOSS = Gauge(
    "driftwarden_training_loss",
    "Loss of a running training's last step.",
    ["model"],
    registry=REGISTRY,
)
TRAINING_PROGRESS = Gauge(
    "driftwarden_training_progress_ratio",
    "Steps done of a running training's steps.",
    ["model"],
    registry=REGISTRY,
)
TRAINING_TOKENS_PER_SECOND = Gauge(
    "driftwarden_training_tokens_per_second",
    "Tokens that a running training reads.",
    ["model"],
    registry=REGISTRY,
)
TRAINING_RUNS_FINISHED = Counter(
    "driftwarden_training_runs_finished",
    "Training runs that ended, by how.",
    ["model", "status"],
    registry=REGISTRY,
)


def render_metrics() -> bytes:
    """Return the metrics in Prometheus' text format."""
    return generate_latest(REGISTRY)


class _StderrHandler(logging.Handler):
    """Writes to what is stderr at that moment: a bar of progress may have put itself before it."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(self.format(record) + "\n")
            sys.stderr.flush()
        except Exception:  # noqa: BLE001 - as the library's own handlers do
            self.handleError(record)


def configure_logging(*, json: bool | None = None, level: int = logging.INFO) -> None:
    """Send our logs and the libraries' to stderr, one line an event.

    Args:
        json: JSON lines, or lines for a person; ``None`` asks whether stderr is a terminal.
        level: The lowest level that is shown.
    """
    as_json = not sys.stderr.isatty() if json is None else json
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
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
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
    handler = _StderrHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    # The schedule looks for work every few seconds: a line each time would bury the rest.
    for chatty in (
        "alembic",
        "apscheduler",
        "httpx",
        "kafka",
        "sentence_transformers",
        "transformers",
    ):
        logging.getLogger(chatty).setLevel(max(level, logging.WARNING))
    # Warns of a faster kernel that nobody needs, whenever it is imported.
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return a logger that takes key-value pairs."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


class Heartbeat:
    """Says whether a loop ticked recently: what /healthz asks, whatever the services do."""

    def __init__(self, name: str, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self._monotonic = monotonic
        self._last = monotonic()

    def beat(self) -> None:
        """Note that the loop is alive."""
        self._last = self._monotonic()

    def age_seconds(self) -> float:
        """Return the time since the last beat."""
        return self._monotonic() - self._last

    def is_alive(self, *, limit_seconds: float = 60.0) -> bool:
        """Return whether the loop ticked within ``limit_seconds``."""
        return self.age_seconds() <= limit_seconds
