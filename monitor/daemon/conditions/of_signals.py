"""Conditions of signals that stopped: of exchanges, feedback, looks and backups."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain, pairwise

from monitor.daemon.signals.expectation import (
    Fall,
    find_fall,
    find_lasting_fall,
)
from monitor.daemon.signals.history import History, first_day, make_history
from monitor.daemon.signals.traffic_fall import (
    SMALLER_THAN_EACH_DAY,
    TrafficFall,
    find_lasting_traffic_fall,
    find_traffic_fall,
)
from monitor.plurals import pluralize
from monitor.rendering.excerpts import quote
from monitor.rendering.numbers import format_instant, format_share
from monitor.scheduling.complete_traffic import LATE_RECORDS
from monitor.scheduling.condition_check import CLEAR, UNKNOWN, ConditionCheck, Holds, Result
from monitor.settings import Sections, Settings
from monitor.store.access_log import last_archives
from monitor.store.alerts.incident_events import IncidentEventRow, list_events
from monitor.store.alerts.incidents import (
    last_resolved_incident_of,
    list_incidents,
    unresolved_incident_of,
)
from monitor.store.audit_log import SYSTEM
from monitor.store.signals.counts import (
    KEPT,
    NAMED_KINDS,
    SAMPLED,
    TRAFFIC,
    Signal,
    load_counts,
    load_traffic,
)
from monitor.store.signals.progress import counted_until
from monitor.store.traffic.exchanges import first_exchange_at
from monitor.store.traffic.offsets import complete_until
from monitor.store.windows.looks import last_look_at, last_look_failed_at
from monitor.windows.looks.run import due_looks

#: Counts that are older say nothing of now: older rows are counted first, or ingest is behind.
COUNTED_WITHIN = timedelta(hours=3)
#: Days before an incident in which its signal may have been missing already.
WHILE_FOUND = timedelta(days=2)
#: Time from the end of a signal to its incident, with traffic as usual.
FOUND_AFTER = timedelta(days=1)
#: Signals that an incident's text names, so that its message holds it; the others are counted.
N_NAMED = 2

LOOK_OVERDUE_AFTER = timedelta(hours=3)

BACKUP = "driftwarden db backup"
#: Backups that say what is usual, and how many of them at least; those of an hour are one.
N_BACKUPS, MIN_BACKUPS = 15, 3
SAME_BACKUP = timedelta(hours=1)

#: What a missing field means.
_FIELDS: Mapping[str, str] = {
    "user": "Each exchange counts as a new user's.",
    "response": "Responses are not compared.",
    "task type": "The mix of task types is not compared.",
}


def signal_missing(check: ConditionCheck[Settings]) -> Result:
    """Hold while a metric, field, task type or feedback comes much more rarely than it did.

    Where the model's traffic is missing, that is told: nothing says which of them is missing, too.
    """
    model = check.settings.model.name
    if unresolved_incident_of(check.connection, model, "no_traffic", lock=False) is not None:
        return UNKNOWN
    history = read_history(check, of_exchanges=True)
    if history is None:
        return UNKNOWN
    began, reported, resolved = _episode(check)
    optional = check.settings.drift.optional
    required = [signal for signal in history.names if not _is_optional(signal, optional)]
    outages = _outages(check, "signal_missing")
    falls = []
    for signal in required:
        history = replace(history, outages=outages.get(str(signal), ()))
        fall = find_fall(history, signal, new_since=resolved.get(str(signal)))
        if fall is None and str(signal) in reported:  # it may be usual by now, and is not over
            fall = find_lasting_fall(history, signal, began - WHILE_FOUND, began)
        falls += [fall] if fall else []
    if falls:
        return Holds(
            state_falls(falls),
            frozenset(str(fall.signal) for fall in falls),
            since=min((fall.last_seen for fall in falls if not fall.now), default=None),
        )
    over = {
        str(signal)
        for signal in history.names
        if signal not in required or history.of(signal)[-24:].any()
    }
    # Nothing says any more what was usual.
    return CLEAR if reported <= over else UNKNOWN


def traffic_fallen(check: ConditionCheck[Settings]) -> Result:
    """Hold where a model's traffic fell to a small share, until it is back."""
    history = read_history(check, of_exchanges=False)
    if history is None:
        return CLEAR if counted_until(check.connection) is None else UNKNOWN
    outages = _outages(check, "no_traffic").values()
    history = replace(history, outages=tuple(chain.from_iterable(outages)))
    model = check.settings.model.name
    incident = unresolved_incident_of(check.connection, model, "no_traffic", lock=False)
    if incident is None:
        fall = find_traffic_fall(history)
    else:  # it may be usual by now, and is not over
        began = max(e.at for e in list_events(check.connection, incident.id) if _is_begin(e))
        fall = find_lasting_traffic_fall(history, began - WHILE_FOUND, found_at=began)
    return CLEAR if fall is None else Holds(_describe_traffic(fall))


def read_history(check: ConditionCheck[Settings], *, of_exchanges: bool) -> History | None:
    """Return the counts of a model: of what its exchanges have, or of its traffic and that of all.

    ``None``: they are not up to date.
    """
    until = counted_until(check.connection)
    if until is None or check.now - until > COUNTED_WITHIN:
        return None
    until = until.replace(minute=0, second=0, microsecond=0)
    since, model = first_day(until), check.settings.model.name
    kinds = (SAMPLED.kind, TRAFFIC.kind, *(NAMED_KINDS if of_exchanges else ()))
    return make_history(
        until,
        load_counts(check.connection, model, since, kinds),
        () if of_exchanges else load_traffic(check.connection, since),
    )


def looks_overdue(check: ConditionCheck[Settings]) -> Result:
    """Hold while a look at the traffic should have been made three hours ago."""
    connection, settings, now = check.connection, check.settings, check.now
    model, frequency = settings.model.name, settings.monitoring.large_changes
    first = first_exchange_at(connection, model)
    if frequency == "off" or first is None:
        return CLEAR
    if now - check.started_at < LOOK_OVERDUE_AFTER:
        return UNKNOWN
    stored = complete_until(connection, settings.kafka.topic)
    until = now - LATE_RECORDS if stored is None else min(stored, now - LATE_RECORDS)
    if now - until > LOOK_OVERDUE_AFTER:
        return UNKNOWN  # they wait for ingest
    last = last_look_at(connection, model, statuses=("done", "skipped"))
    if not list(due_looks(first, last, until - LOOK_OVERDUE_AFTER, frequency)):
        return CLEAR
    before = "none was ever made" if last is None else f"the last one ended {format_instant(last)}"
    failed = last_look_failed_at(connection, model) is not None
    why = " The newest failed." if failed else ""
    return Holds(f"Looks for a large change are {frequency}, and {before}.{why}")


def backup_overdue(check: ConditionCheck[Sections]) -> Result:
    """Hold where backups were made regularly, and none for twice their usual interval."""
    times = last_archives(check.connection, N_BACKUPS)
    backups = [at for i, at in enumerate(times) if i == 0 or times[i - 1] - at >= SAME_BACKUP]
    if len(backups) < MIN_BACKUPS:
        return CLEAR
    intervals = sorted(later - at for later, at in pairwise(backups))
    usual, longest = intervals[len(intervals) // 2], intervals[-1]
    # One that leaves out weekends has longer intervals, too.
    if check.now - backups[0] <= max(2 * usual, longest + usual / 2):
        return CLEAR
    hours = round(usual / timedelta(hours=1))
    often = pluralize(round(hours / 24), "day") if hours >= 36 else pluralize(hours, "hour")
    return Holds(
        f"The last `{BACKUP}` that finished was {format_instant(backups[0])}; before, there was "
        f"one about every {often}."
    )


def _episode(
    check: ConditionCheck[Settings],
) -> tuple[datetime, frozenset[str], dict[str, datetime]]:
    """Return since when an incident is open, its signals, and when users resolved which before."""
    connection, model = check.connection, check.settings.model.name
    current = unresolved_incident_of(connection, model, "signal_missing", lock=False)
    incident = current or last_resolved_incident_of(
        connection, model, "signal_missing", check.now - KEPT, lock=False
    )
    resolved: dict[str, datetime] = {}
    if incident is None:
        return check.now, frozenset(), resolved
    began, signals = incident.opened_at, set[str]()
    for event in list_events(connection, incident.id):
        if _is_begin(event):
            began, signals = event.at, set()
        signals.update(event.fingerprint.splitlines())
        if event.event == "resolved" and event.by != SYSTEM:
            resolved |= dict.fromkeys(signals, event.at)
    return began, frozenset() if current is None else current.fingerprint, resolved


def _outages(
    check: ConditionCheck[Settings], cause: str
) -> dict[str, tuple[tuple[datetime, datetime], ...]]:
    """Return the times of incidents that ended by themselves, by signal; empty: of traffic."""
    outages: dict[str, tuple[tuple[datetime, datetime], ...]] = {}
    for incident in list_incidents(check.connection, check.settings.model.name, cause=cause):
        began, signals = incident.opened_at, set[str]()
        for event in list_events(check.connection, incident.id):
            if _is_begin(event):
                began, signals = event.at, set()
            signals.update(event.fingerprint.splitlines() or [""])
            if event.event == "resolved" and event.by == SYSTEM:
                for signal in signals:
                    outages[signal] = (*outages.get(signal, ()), (began - FOUND_AFTER, event.at))
    return outages


def _is_begin(event: IncidentEventRow) -> bool:
    return event.event in {"opened", "reopened"}


def _is_optional(signal: Signal, optional: Collection[str]) -> bool:
    if "task_type" in optional and "task type" in {signal.kind, signal.name}:
        return True
    return signal.name in optional


def state_falls(falls: Sequence[Fall]) -> str:
    """Return a sentence on each of the first missing signals, and the number of the others."""
    named = " ".join(_describe(fall) for fall in falls[:N_NAMED])
    more = f" {pluralize(len(falls) - N_NAMED, 'more signal')}." if falls[N_NAMED:] else ""
    return f"{named}{more}"


def _describe(fall: Fall) -> str:
    """Return a sentence on a signal that is missing, and what that means."""
    kind, name = fall.signal
    subject = f"{kind} {quote(name)}, usually on {format_share(fall.before)} of exchanges"
    meaning = _meaning(fall.signal)
    if not fall.now:
        return f"No longer sent: {subject}, last {format_instant(fall.last_seen)}. {meaning}"
    time = "24 hours" if fall.days == 1 else f"{fall.days} days"
    return f"Sent more rarely: {subject}, {format_share(fall.now)} in {time}. {meaning}"


def _meaning(signal: Signal) -> str:
    match signal.kind:
        case "metric":
            return "It cannot alarm."
        case "task type":
            return "Its drift goes unnoticed."
        case "feedback":
            return "Rollouts decide without it."
        case _:
            return _FIELDS.get(signal.name, "What depends on it is not compared.")


def _describe_traffic(fall: TrafficFall) -> str:
    if fall.share is None or fall.fewest_share is None:
        little = "Hardly any" if fall.now < SMALLER_THAN_EACH_DAY * fall.fewest else "Little"
        return (
            f"{little} traffic: {fall.now:,.0f} exchanges in 24 hours; {fall.fewest:,.0f} or "
            "more on the same day of each week before."
        )
    return (
        f"Hardly any of the traffic: {format_share(fall.share)} of that of all models in 24 hours; "
        f"it was {format_share(fall.fewest_share)} or more on the same day of each week before."
    )
