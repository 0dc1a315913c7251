"""Checks of how far ingest and evaluations have come, and of what could not be processed."""

import socket
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from monitor.daemon.readiness.finding import Finding, fail, note, ok, open_connection
from monitor.errors import BrokerUnavailableError, DriftwardenError
from monitor.settings import Secrets, Sections, Settings

if TYPE_CHECKING:
    from sqlalchemy import Connection

#: Time after a window's end at which its evaluation is late, as of the rule for Prometheus.
LATE_AFTER = timedelta(hours=12)
#: Time without a stored record, while some wait, after which ingest is stalled.
STALLED_AFTER = timedelta(minutes=30)
#: Time for the handshakes: below the limit of a check, so that a broker that accepts connections
#: and never responds is told as such.
HANDSHAKE_SECONDS = 3.0
#: Time since ingest read the topic within which a broker that this host can't reach is no outage.
READ_LATELY = timedelta(minutes=1)
#: Share of a window after which its number of exchanges at its end is extrapolated.
ENOUGH_ELAPSED = 0.25
MISSING_RESPONSE = "missing_response"
MORE_SAMPLES = (
    "it has too few exchanges for an evaluation: raise monitoring.sample_rate, take weekly windows "
    "(monitoring.drift_detection), or lower drift.min_samples"
)


def windows_finding(settings: Settings) -> Finding:
    """Report until when windows are evaluated, and why the newest failed window failed."""
    from monitor.setting_types.durations import format_duration
    from monitor.store.windows.drift_evaluations import (
        newest_evaluated_end,
        newest_failed_evaluation,
    )
    from monitor.windows.evaluation import evaluated_until
    from monitor.windows.schedule import LENGTH

    limit = f"an evaluation ends after {format_duration(settings.monitoring.max_evaluation_time)}"
    with open_connection(settings) as connection:
        failed = newest_failed_evaluation(connection, settings.model.name)
        until = evaluated_until(connection, settings)
        evaluated = newest_evaluated_end(connection, settings.model.name) is not None
    if until is None:
        return ok(limit)
    none = f"none is evaluated yet, the first begins {until:%Y-%m-%d}"
    state = f"{f'evaluated until {until:%Y-%m-%d}' if evaluated else none}; {limit}"
    if failed is not None:
        begin = f"{failed.window_start:%Y-%m-%d}"
        return note(
            f"{state}; the window of {begin} failed and is repeated every hour: {failed.error}"
        )
    length = LENGTH[settings.monitoring.drift_detection]
    if datetime.now(UTC) - until > length + LATE_AFTER:
        return note(
            f"{state}; the next window is late: run `driftwarden run`, and see whether a replica "
            "leads and ingest keeps up"
        )
    return ok(state)


def samples_finding(settings: Settings, now: datetime) -> Finding:
    """Check that the last window, and the running one at its rate, have enough to be compared."""
    from monitor.store.traffic.exchanges import first_exchange_at
    from monitor.store.windows.pauses import pauses_of
    from monitor.windows.schedule import window_of

    needed = settings.drift.min_samples
    start, end = window_of(now, settings.monitoring.drift_detection)
    with open_connection(settings) as connection:
        first = first_exchange_at(connection, settings.model.name)
        if first is None:
            return ok(f"none yet; a window needs {needed} (drift.min_samples)")
        pauses = pauses_of(connection, settings.model.name)
        n_last = _count(connection, settings, start - (end - start), start)
        n_running = _count(connection, settings, start, now)
    needs = f"of {needed} exchanges (drift.min_samples)"
    running = f"{n_running} {needs} so far in the window to {end:%Y-%m-%d}"
    if first < start and n_last < needed and not any(pause.covers(start) for pause in pauses):
        return note(
            f"{n_last} {needs} in the window to {start:%Y-%m-%d}: {MORE_SAMPLES}; {running}"
        )
    elapsed = (now - max(start, first)) / (end - start)
    at_end = n_running + n_running / max(elapsed, 1e-9) * ((end - now) / (end - start))
    if elapsed >= ENOUGH_ELAPSED and at_end < needed:
        return note(f"{running}, about {at_end:.0f} by its end: {MORE_SAMPLES}")
    return ok(running)


def _count(connection: "Connection", settings: Settings, start: datetime, end: datetime) -> int:
    """Return the number of a window's exchanges; at least the needed one where there are more."""
    from monitor.store.alerts.condition_facts import has_traffic
    from monitor.store.traffic.exchanges import count_by_encoder

    model, needed = settings.model.name, settings.drift.min_samples
    if has_traffic(connection, model, start, end, at_least=needed):
        return needed
    return sum(count_by_encoder(connection, model, start, end).values())


def broker_finding(settings: Sections, secrets: Secrets) -> Finding:
    """Check the Kafka brokers and the topic from this host."""
    from monitor.traffic.kafka.consumer import probe_topic

    n_addresses = settings.kafka.bootstrap_servers.count(",") + 1
    try:
        ends = probe_topic(settings.kafka, secrets, HANDSHAKE_SECONDS / n_addresses)
    except BrokerUnavailableError as error:
        return fail(f"{error} (tried from {socket.gethostname()})")
    return ok(_where(settings, ends))


def reading_finding(settings: Sections) -> Finding:
    """Check whether ingest, on whatever host, has just read all of the topic."""
    from monitor.store.alerts.condition_facts import progress_of
    from monitor.store.leadership import database_time

    with open_connection(settings) as connection:
        progress = progress_of(connection, settings.kafka.topic)
        now = database_time(connection)
    read_at = [max(row.updated_at, row.caught_up_at or row.updated_at) for row in progress]
    if not read_at or now - min(read_at) > READ_LATELY:
        return note("ingest has not just read the topic")
    return ok(f"ingest read the topic {(now - min(read_at)).total_seconds():.0f} s ago")


def stored_records_finding(settings: Sections, secrets: Secrets) -> Finding:
    """Check the Kafka brokers, the topic, and whether its records are stored."""
    from monitor.store.traffic.offsets import last_moved_at, next_offsets
    from monitor.traffic.kafka.consumer import probe_topic

    topic = settings.kafka.topic
    ends = probe_topic(settings.kafka, secrets)
    where = _where(settings, ends)
    try:
        with open_connection(settings) as connection:
            stored = next_offsets(connection, topic)
            moved_at = last_moved_at(connection, topic)
    except DriftwardenError:  # told by the check of the database
        return ok(f"{where}; the database has how far it is read")
    if moved_at is None:
        return ok(f"{where}; nothing is read yet")
    lag = sum(max(end - stored.get(partition, end), 0) for partition, end in ends.items())
    state = f"{where}, {lag:,} records behind"
    if lag and datetime.now(UTC) - moved_at > STALLED_AFTER:
        return note(
            f"{state}, and none stored since {moved_at:%Y-%m-%d %H:%M} UTC: start `driftwarden "
            "run`, or read its log; what the topic's retention deletes meanwhile is lost"
        )
    return ok(state)


def _where(settings: Sections, ends: Mapping[int, int]) -> str:
    kafka = settings.kafka
    return f"{kafka.bootstrap_servers}, topic {kafka.topic} with {len(ends)} partitions"


def dead_letters_finding(settings: Sections) -> Finding:
    """Count the dead letters that were not replayed, by reason."""
    from monitor.store.traffic.dead_letters import count_by_reason

    with open_connection(settings) as connection:
        counts = count_by_reason(connection)
    if not counts:
        return ok("none")
    reasons = ", ".join(
        f"{n:,} {reason}" for reason, n in sorted(counts.items(), key=lambda item: -item[1])
    )
    message = f"{reasons}; `driftwarden dead-letters` shows an example of each"
    if MISSING_RESPONSE in counts:
        message += (
            "; prompts without a response are kept apart: check the name of the response, set "
            "traffic.join.enabled where it is a record of its own, or traffic.prompts_only where "
            "there is none, then `driftwarden replay --dead-letters`"
        )
    return note(message)
