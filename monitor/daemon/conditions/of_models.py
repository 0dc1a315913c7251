"""Conditions of a model: its evaluations, traffic, training, decision and review queue."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from monitor.daemon.conditions.of_late_records import late_records
from monitor.daemon.conditions.of_probes import (
    probes_unanswered,
    promotion_not_served,
    served_model_changed,
)
from monitor.daemon.conditions.of_signals import (
    looks_overdue,
    signal_missing,
    traffic_fallen,
)
from monitor.errors import without_quotes
from monitor.plurals import pluralize
from monitor.rendering.numbers import format_day, format_instant
from monitor.review.progress.overdue import BATCH_DUE_AFTER, BATCH_MAX_AGE, find_overdue
from monitor.scheduling.condition_check import CLEAR, UNKNOWN, ConditionCheck, Holds, Result
from monitor.settings import Settings
from monitor.store.alerts.condition_facts import (
    has_traffic,
    newest_run,
    queue_state,
    recommended_retraining,
    window_states_of,
)
from monitor.store.traffic.offsets import complete_until
from monitor.store.windows.drift_evaluations import pending_follow_ups
from monitor.store.windows.pauses import pauses_of
from monitor.windows.evaluation import monitoring_start
from monitor.windows.schedule import due_windows

#: Time after the end of a window at which its evaluation is overdue: it may wait a day for ingest.
OVERDUE_AFTER = timedelta(hours=26)
#: Time that a daemon has to catch up after a pause.
CATCH_UP = timedelta(hours=1)

#: Time without a record that is unusual where each of the days before had some.
SILENT_AFTER = timedelta(hours=24)
DAYS_BEFORE = 7
RECORDS_A_DAY = 5

#: Failures that are older when they are first seen are history.
MAX_AGE = timedelta(days=7)
#: Time in which a confirmed decision gets its run.
PLANNED_WITHIN = timedelta(minutes=15)

#: Time that a lead has to confirm a retraining.
CONFIRMED_WITHIN = timedelta(days=3)


def evaluation_failed(check: ConditionCheck[Settings]) -> Result:
    """Hold while a window could not be evaluated; a repetition under way changes nothing."""
    connection, model = check.connection, check.settings.model.name
    pauses = pauses_of(connection, model)
    failed = [
        state
        for state in window_states_of(connection, model, ("failed",))
        # In a pause it is not repeated.
        if not any(pause.covers(state.window_end) for pause in pauses)
    ]
    if not failed:
        return UNKNOWN if window_states_of(connection, model, ("running",)) else CLEAR
    newest = failed[0]
    more = f" {pluralize(len(failed) - 1, 'earlier window')} failed, too." if failed[1:] else ""
    return Holds(
        f"The window from {format_day(newest.window_start)} could not be evaluated (evaluation "
        f"{newest.id}): {without_quotes(newest.error or 'unknown error')}.{more}",
        frozenset(f"{state.window_start:%Y-%m-%d}" for state in failed),
        evaluation_id=newest.id,
    )


def evaluation_overdue(check: ConditionCheck[Settings]) -> Result:
    """Hold while the newest window that should be evaluated, or followed up, is left for a day."""
    if check.now - check.started_at < CATCH_UP:
        return UNKNOWN
    return _not_followed_up(check) or _not_evaluated(check)


def _not_followed_up(check: ConditionCheck[Settings]) -> Holds | None:
    left = pending_follow_ups(check.connection, check.settings.model.name)
    if not left or check.now - left[0].finished_at <= OVERDUE_AFTER:
        return None
    return Holds(
        f"Drift evaluation {left[0].id} ended {format_instant(left[0].finished_at)}, and "
        "neither its incident nor its review batch is written; later ones wait for it.",
        frozenset({f"evaluation {left[0].id}"}),
        evaluation_id=left[0].id,
    )


def _not_evaluated(check: ConditionCheck[Settings]) -> Result:
    connection, settings = check.connection, check.settings
    model = settings.model.name
    first = monitoring_start(connection, model)
    if first is None:
        return CLEAR
    pauses = pauses_of(connection, model)
    due = [
        window
        for window in due_windows(
            first, check.now - OVERDUE_AFTER, settings.monitoring.drift_detection
        )
        if not any(pause.covers(window[1]) for pause in pauses)
    ]
    if not due:
        return CLEAR
    start, end = due[-1]
    states = window_states_of(connection, model, ("done", "failed", "running"))
    if any(state.status != "running" and state.window_end >= end for state in states):
        return CLEAR  # a failure is told by itself
    if any(state.status == "running" and state.claimed_until > check.now for state in states):
        return UNKNOWN
    newest = next((state for state in states if state.status == "done"), None)
    last = (
        "no window was ever evaluated"
        if newest is None
        else f"the newest evaluated window ended on {format_day(newest.window_end)}"
    )
    return Holds(
        f"The window from {format_day(start)} ended {format_instant(end)} and is not evaluated; "
        f"{last}.",
        frozenset({f"{start:%Y-%m-%d}"}),
    )


def no_traffic(check: ConditionCheck[Settings]) -> Result:
    """Hold where a model that had traffic each day has none for a day, or hardly any."""
    connection, settings, now = check.connection, check.settings, check.now
    model = settings.model.name
    if has_traffic(connection, model, now - SILENT_AFTER, now):
        return traffic_fallen(check)
    read_until = complete_until(connection, settings.kafka.topic)
    if read_until is None or now - read_until > timedelta(hours=1):
        return UNKNOWN  # ingest is behind, or files are replayed
    day = timedelta(days=1)
    usual = all(
        has_traffic(
            connection,
            model,
            now - SILENT_AFTER - (n + 1) * day,
            now - SILENT_AFTER - n * day,
            at_least=RECORDS_A_DAY,
        )
        for n in range(DAYS_BEFORE)
    )
    if not usual:
        return UNKNOWN  # it may be silent for longer
    return Holds(
        "No record for 24 hours; each of the seven days before had some. Everything else was read "
        f"until {format_instant(read_until)}."
    )


def training_failed(check: ConditionCheck[Settings]) -> Result:
    """Hold while the newest training run has failed, or a confirmed one can't be planned."""
    connection, model, now = check.connection, check.settings.model.name, check.now
    decision = recommended_retraining(connection, model)
    required = check.settings.retrain.require_confirmation
    if decision is not None and not decision.has_run:
        since = decision.confirmed_at if required else decision.decided_at
        if since is not None and now - since > PLANNED_WITHIN:
            why = decision.refusal or "the log of the daemon says why"
            return Holds(
                f"The retraining of decision {decision.id} has no run since "
                f"{format_instant(since)}: it can't be planned: {without_quotes(why)}.",
                frozenset({f"decision {decision.id}"}),
                since=since,
            )
    run = newest_run(connection, model)
    if run is None or run.status in {"succeeded", "cancelled"}:
        return CLEAR
    if run.status != "failed" or run.finished_at is None or now - run.finished_at > MAX_AGE:
        return UNKNOWN
    return Holds(
        f"Training run {run.id} failed: {without_quotes(run.error or 'unknown error')}.",
        frozenset({f"run {run.id}"}),
    )


def decision_overdue(check: ConditionCheck[Settings]) -> Result:
    """Hold while a recommended retraining has waited for its confirmation for three days."""
    decision = recommended_retraining(check.connection, check.settings.model.name)
    if (
        decision is None
        or decision.confirmed_at is not None
        or decision.has_run
        or not check.settings.retrain.require_confirmation
        or check.now - decision.decided_at <= CONFIRMED_WITHIN
    ):
        return CLEAR
    return Holds(
        f"Decision {decision.id} of {format_instant(decision.decided_at)} recommends to retrain, "
        "and no lead has confirmed it.",
        frozenset({f"decision {decision.id}"}),
    )


def queue_not_worked(check: ConditionCheck[Settings]) -> Result:
    """Hold while open review items are untouched for three days, or most of a batch for a week."""
    state = queue_state(check.connection, check.settings.model.name, check.now - BATCH_MAX_AGE)
    late = None if state is None else find_overdue(state, check.now)
    if late is None:
        return CLEAR
    open_items = pluralize(late.n_open, "open item")
    if late.untouched_since is not None:
        return Holds(
            f"{open_items}, untouched since {format_instant(late.untouched_since)}.",
            since=late.untouched_since,
        )
    return Holds(
        f"{open_items}; most of the batch of {format_instant(late.since)} is not "
        f"reviewed after {BATCH_DUE_AFTER.days} days."
    )


#: By cause.
OF_MODELS: Mapping[str, Callable[[ConditionCheck[Settings]], Result]] = {
    "evaluation_failed": evaluation_failed,
    "evaluation_overdue": evaluation_overdue,
    "no_traffic": no_traffic,
    "late_records": late_records,
    "signal_missing": signal_missing,
    "looks_overdue": looks_overdue,
    "training_failed": training_failed,
    "decision_overdue": decision_overdue,
    "queue_not_worked": queue_not_worked,
    "served_model_changed": served_model_changed,
    "promotion_not_served": promotion_not_served,
    "probes_unanswered": probes_unanswered,
}
