"""Conditions of the daemon itself: what is read of the topic, and what was lost."""

from collections.abc import Callable, Mapping, Set
from datetime import timedelta

from monitor.daemon.conditions.dead_letter_share import (
    HISTORY,
    LONGEST,
    MIN_DEAD_LETTERS,
    MIN_RECORDS,
    MIN_RISE_OF_REASON,
    Records,
    add_up,
    find_unusual,
    limits_of_reasons,
    newest_slots,
    since_first_of,
    since_onset,
    slots_of,
    unusual_from,
    usual_share,
)
from monitor.daemon.conditions.of_signals import backup_overdue
from monitor.plurals import pluralize
from monitor.rendering.numbers import format_instant, format_share, join_names
from monitor.scheduling.condition_check import CLEAR, UNKNOWN, ConditionCheck, Holds, Result
from monitor.settings import Sections
from monitor.store.alerts.condition_facts import has_source, progress_of
from monitor.store.alerts.incident_events import last_event
from monitor.store.alerts.incidents import list_incidents
from monitor.store.model_history import DAEMON
from monitor.store.search.index import unindexed_since
from monitor.store.traffic.dead_letters import models_named
from monitor.store.traffic.offsets import gaps_detected
from monitor.store.traffic.record_counts import SLOT, record_counts
from monitor.store.windows.incident_spans import BEGINNINGS

#: Time in which the position of each partition moves, or is confirmed to be the topic's end.
STALLED_AFTER = timedelta(minutes=15)
#: A position that moves and still is so far behind does not catch up.
BEHIND_AFTER = timedelta(hours=12)
#: Time in which a stored exchange is indexed.
INDEXED_WITHIN = timedelta(hours=1)
#: A loss is told for as long.
RECENT = timedelta(days=1)


def consumer_stalled(check: ConditionCheck[Sections]) -> Result:
    """Hold while a partition is neither read nor confirmed to be at its end."""
    if check.now - check.started_at < STALLED_AFTER:
        return UNKNOWN
    topic = check.settings.kafka.topic
    progress = progress_of(check.connection, topic)
    if not has_source(check.connection):
        return Holds(
            f"Nothing was ever read of the topic {topic}: no partition of it is known since the "
            f"daemon started {format_instant(check.started_at)}.",
            since=check.started_at,
        )
    last = {
        row.partition: max(row.updated_at, row.caught_up_at or row.updated_at) for row in progress
    }
    stalled = [partition for partition, at in last.items() if check.now - at > STALLED_AFTER]
    if stalled:
        names = join_names(list(map(str, stalled)))
        noun = "partition" if len(stalled) == 1 else "partitions"
        since = min(last[partition] for partition in stalled)
        return Holds(
            f"Nothing was read of {noun} {names} since {format_instant(since)}.", since=since
        )
    behind = [
        row.caught_up_at
        for row in progress
        if row.caught_up_at is not None and check.now - row.caught_up_at > BEHIND_AFTER
    ]
    if behind:
        return Holds(
            f"Ingest reads, but is behind: records are stored until {format_instant(min(behind))}.",
            since=min(behind),
        )
    return CLEAR


def records_lost(check: ConditionCheck[Sections]) -> Result:
    """Hold for a day after records were found to be deleted before they were read."""
    gaps = gaps_detected(
        check.connection,
        check.settings.kafka.topic,
        check.now - RECENT,
        check.now + timedelta(minutes=1),
    )
    if not gaps:
        return CLEAR
    n_records = sum(gap.last_offset - gap.first_offset + 1 for gap in gaps)
    partitions = ", ".join(map(str, sorted({gap.partition for gap in gaps})))
    return Holds(
        f"{pluralize(n_records, 'record')} of partition {partitions} no longer existed when read.",
        frozenset(f"{gap.detected_at:%Y-%m-%d}" for gap in gaps),
    )


def dead_letters(check: ConditionCheck[Sections]) -> Result:
    """Hold while many more of the records than usual can't be read."""
    connection, topic, now = check.connection, check.settings.kafka.topic, check.now
    began = now
    for incident in list_incidents(connection, DAEMON, cause="dead_letters", unresolved=True):
        event = last_event(connection, incident.id, BEGINNINGS)
        began = incident.opened_at if event is None else event.at
    since = max(began - LONGEST, now - HISTORY)
    slots = slots_of(record_counts(connection, topic, since, now + SLOT))
    newest = newest_slots(slots, now)
    recent = add_up(newest) if newest else None
    if recent is None or (recent.n < MIN_RECORDS and recent.n_dead < MIN_DEAD_LETTERS):
        return UNKNOWN
    of_day = [slot for slot in slots if slot.since > now - LONGEST]
    day = add_up(of_day)
    rare = [r for r in day.by_reason if day.of_reason(r).share > MIN_RISE_OF_REASON]
    if recent.share <= unusual_from(0.0) and not rare:
        return CLEAR
    until = min(began - timedelta(hours=1), recent.since)
    history = slots_of(record_counts(connection, topic, until - HISTORY, until))
    usual = usual_share(history, until)
    limit = unusual_from(usual)
    unusual = find_unusual(slots, now, limit)
    if unusual is not None:
        keys = {reason for reason, n in unusual.by_reason.items() if n >= MIN_DEAD_LETTERS}
        keys = {"many"} | (keys or set(dict(unusual.by_reason.most_common(1))))
        return _state_dead_letters(check, since_onset(slots, unusual, limit), usual, keys)
    limits = limits_of_reasons(of_day, history, until)
    keys = {reason for reason, least in limits.items() if day.of_reason(reason).exceeds(least)}
    if keys:
        return _state_dead_letters(check, since_first_of(of_day, keys), 0.0, keys)
    near = any(day.of_reason(reason).share > least for reason, least in limits.items())
    may_be_usual = recent.share > (unusual_from(0.0) if usual is None else limit)
    return UNKNOWN if may_be_usual or near else CLEAR


def _state_dead_letters(
    check: ConditionCheck[Sections], lasting: Records, usual: float | None, keys: Set[str]
) -> Holds:
    reasons = ", ".join(f"{n:,} {reason}" for reason, n in lasting.by_reason.most_common())
    before = f"usually at most {format_share(usual)}" if usual else "usually almost none"
    if usual is None:
        before = "what is usual is not known yet"
    text = (
        f"{lasting.n_dead:,} of {lasting.n:,} sampled records ({format_share(lasting.share)}) "
        f"could not be read since {format_instant(lasting.since)}: {reasons}; {before}."
    )
    models = models_named(
        check.connection,
        check.settings.kafka.topic,
        lasting.since,
        check.settings.names.listed,
        reasons=list(lasting.by_reason),
    )
    if models:
        text += f" They are of {join_names(models)}."
    return Holds(text, frozenset(keys), since=lasting.since)


def search_index_overdue(check: ConditionCheck[Sections]) -> Result:
    """Hold while exchanges that were received an hour ago are not indexed."""
    if check.now - check.started_at < INDEXED_WITHIN:
        return UNKNOWN
    since = unindexed_since(check.connection)
    if since is None or check.now - since <= INDEXED_WITHIN:
        return CLEAR
    return Holds(
        f"Exchanges received since {format_instant(since)} are not indexed: a search doesn't find "
        "them.",
        since=since,
    )


#: By cause. That of messages is checked with their delivery (monitor/alerts/fallback.py).
OF_THE_DAEMON: Mapping[str, Callable[[ConditionCheck[Sections]], Result]] = {
    "consumer_stalled": consumer_stalled,
    "records_lost": records_lost,
    "dead_letters": dead_letters,
    "backup_overdue": backup_overdue,
    "search_index_overdue": search_index_overdue,
}
