"""Metrics and logs of stored batches."""

from collections import Counter
from collections.abc import Mapping, Sequence

from monitor.store.traffic.dead_letters import DeadLetterRow
from monitor.telemetry import (
    DEAD_LETTERS,
    EXCHANGES_JOINED,
    EXCHANGES_NOT_SAMPLED,
    EXCHANGES_STORED,
    EXCHANGES_SUPPRESSED,
    EXCHANGES_UNLISTED,
    EXCHANGES_WITHHELD,
    FEEDBACK_STORED,
    OBSERVATIONS_STORED,
    OWNERSHIP_LOST,
    PARTS_IGNORED,
    RECORDS_LOST_TO_RETENTION,
    RECORDS_READ,
    RECORDS_SAMPLED,
    SERVICE_FAILURES,
    TRACE_CONTEXT_PROBLEMS,
    get_logger,
)
from monitor.traffic.dead_letters import REASONS, REFUSED
from monitor.traffic.ingest.prepared_batch import PreparedBatch
from monitor.traffic.sampling.trace_context import PROBLEMS

log = get_logger(__name__)


def create_counters(source: str) -> None:
    """Create the counters of a source at 0: `increase()` doesn't see one born with its event."""
    for counter in (
        RECORDS_READ,
        RECORDS_SAMPLED,
        EXCHANGES_NOT_SAMPLED,
        EXCHANGES_STORED,
        OBSERVATIONS_STORED,
        FEEDBACK_STORED,
        EXCHANGES_WITHHELD,
        EXCHANGES_UNLISTED,
        EXCHANGES_SUPPRESSED,
        EXCHANGES_JOINED,
        PARTS_IGNORED,
        RECORDS_LOST_TO_RETENTION,
        OWNERSHIP_LOST,
    ):
        counter.labels(source)
    for reason in REASONS:
        DEAD_LETTERS.labels(source, reason)
    for problem in PROBLEMS:
        TRACE_CONTEXT_PROBLEMS.labels(problem)
    for service in ("kafka", "preparation", "encoder", "database", "lag"):
        SERVICE_FAILURES.labels(service)


def count_stored(prepared: PreparedBatch, dead_letters: Sequence[DeadLetterRow]) -> None:
    """Count a stored batch."""
    stored = Counter(prepared.exchanges.sources)
    stored.subtract(
        dead_letter.position.source for dead_letter in dead_letters if dead_letter.reason == REFUSED
    )
    for source, count in stored.items():
        EXCHANGES_STORED.labels(source).inc(count)
    for day, withheld in prepared.withheld.items():
        EXCHANGES_WITHHELD.labels(day.source).inc(withheld.n)
    for day, unlisted in prepared.unlisted.items():
        EXCHANGES_UNLISTED.labels(day.source).inc(unlisted.n)
    count_suppressed(prepared.suppressed)
    for observation in prepared.observations:
        OBSERVATIONS_STORED.labels(observation.position.source).inc()
    for row in prepared.feedback:
        FEEDBACK_STORED.labels(row.position.source).inc()
    for source, count in prepared.ignored.items():
        PARTS_IGNORED.labels(source).inc(count)
    count_dead_letters(dead_letters)


def count_suppressed(n_dropped: Mapping[str, int]) -> None:
    """Count what was dropped of end users on the suppression list."""
    for source, n in n_dropped.items():
        EXCHANGES_SUPPRESSED.labels(source).inc(n)


def count_dead_letters(dead_letters: Sequence[DeadLetterRow]) -> None:
    """Count dead letters and log one line per reason."""
    for dead_letter in dead_letters:
        DEAD_LETTERS.labels(dead_letter.position.source, dead_letter.reason).inc()
    by_reason = Counter(dead_letter.reason for dead_letter in dead_letters)
    for reason, count in by_reason.items():
        first = next(dead_letter for dead_letter in dead_letters if dead_letter.reason == reason)
        log.warning(
            "records_dead_lettered",
            reason=reason,
            count=count,
            first=f"{first.position.source}/{first.position.partition}@{first.position.offset}",
        )
