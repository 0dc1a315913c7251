"""Metrics of the leader: gauges read from the database, and counters that begin at 0."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import get_args

from sqlalchemy import Connection, Engine

from monitor.alerts.channels import Channels
from monitor.daemon.training_metrics import export_training_metrics
from monitor.review.progress.overdue import BATCH_MAX_AGE
from monitor.settings import Settings
from monitor.store.access_chain import chain_head
from monitor.store.alerts.channel_state import failing_channel, last_failure_at, pending_messages
from monitor.store.alerts.condition_facts import queue_state
from monitor.store.alerts.incidents import count_unresolved
from monitor.store.engine import transaction
from monitor.store.privacy.proofs import last_check
from monitor.store.probes.runs import recent_runs
from monitor.store.traffic.offsets import last_gaps
from monitor.store.windows.assessment import Verdict
from monitor.store.windows.digest import newest_windows
from monitor.store.windows.drift_evaluations import failed_window_ends
from monitor.store.windows.looks import last_look_at
from monitor.store.windows.pauses import pauses_of
from monitor.store.windows.window_figures import FamilyFigures
from monitor.telemetry import (
    EVALUATIONS_FAILED,
    LEADER_GAUGES,
    SERVICE_FAILURES,
    TRAINING_RUNS_FINISHED,
    Values,
)
from monitor.windows.evaluation import evaluated_until
from monitor.windows.schedule import LENGTH
from retrain.rollout.rows.events import last_event
from retrain.rollout.rows.rollouts import open_rollouts
from retrain.rollout.rows.weights import newest_of_each_model


def read_gauges(
    engine: Engine,
    watched: Sequence[Settings],
    channels: Channels,
    now: datetime,
) -> dict[str, Values]:
    """Return the values of the leader's gauges, by name."""
    evaluated: dict[tuple[str, ...], datetime | None] = {}
    failed: dict[tuple[str, ...], float] = {}
    looked: dict[tuple[str, ...], datetime | None] = {}
    probed: dict[tuple[str, ...], datetime | None] = {}
    changes: dict[tuple[str, ...], float] = {}
    thresholds: dict[tuple[str, ...], float] = {}
    lengths: dict[tuple[str, ...], float] = {}
    lost: dict[tuple[str, ...], datetime | None] = {}
    of_models: dict[str, dict[tuple[str, ...], float]] = {}
    with transaction(engine) as connection:
        for settings in watched:
            model = (settings.model.name,)
            pauses = pauses_of(connection, settings.model.name)
            evaluated[model] = evaluated_until(connection, settings)
            for gauges in (
                _read_newest_window(connection, settings.model.name, evaluated[model]),
                _read_review_queue(connection, settings.model.name, now),
            ):
                for gauge, values in gauges.items():
                    of_models.setdefault(gauge, {}).update(values)
            ends = failed_window_ends(connection, settings.model.name)
            # In a pause it is not repeated.
            failed[model] = sum(not any(p.covers(end) for p in pauses) for end in ends)
            looked[model] = last_look_at(connection, settings.model.name, statuses=("done",))
            if settings.probes.url:
                for run in recent_runs(
                    connection, settings.model.name, role="stable", statuses=("done",)
                ):
                    probed[model] = run.finished_at
                    if run.change is not None and run.threshold is not None:
                        changes[model], thresholds[model] = run.change, run.threshold
            lengths[model] = LENGTH[settings.monitoring.drift_detection].total_seconds()
        failing = {
            (name,): failing_channel(
                connection, name, now, lacks_secret=name not in channels.senders
            )
            for name in channels.routes.channels
        }
        access_log = chain_head(connection)
        pending = pending_messages(connection, channels.senders)
        given_up = last_failure_at(connection)
        open_incidents = count_unresolved(connection)
        checked = last_check(connection)
        rollouts = _read_rollouts(connection, [name for (name,) in lengths], now)
        lost.update({(source,): at for source, at in last_gaps(connection).items()})
    age = now - pending.oldest_at if pending.oldest_at else timedelta()
    return {
        "driftwarden_leader_measured_timestamp_seconds": {(): now.timestamp()},
        "driftwarden_newest_evaluated_window_end_timestamp_seconds": _timestamps(evaluated),
        **of_models,
        "driftwarden_failed_windows": failed,
        "driftwarden_window_seconds": lengths,
        "driftwarden_last_probe_timestamp_seconds": _timestamps(probed),
        "driftwarden_probe_change": changes,
        "driftwarden_probe_change_threshold": thresholds,
        "driftwarden_last_look_timestamp_seconds": _timestamps(looked),
        **rollouts,
        "driftwarden_model_has_channel": {
            (name,): float(channels.reach(name)) for (name,) in lengths
        },
        "driftwarden_channel_failing_seconds": {
            name: 0.0 if channel is None else (now - channel.since).total_seconds()
            for name, channel in failing.items()
        },
        "driftwarden_open_incidents": open_incidents,
        "driftwarden_access_log_linked_entries": {(): float(access_log.position)},
        # 48 bits, which a float has exactly.
        "driftwarden_access_log_head": {(): float(int(access_log.hash[:12], 16))},
        "driftwarden_outbox_pending_messages": {(): pending.n},
        "driftwarden_outbox_oldest_message_age_seconds": {(): age.total_seconds()},
        "driftwarden_message_failed_timestamp_seconds": _timestamps({(): given_up}),
        "driftwarden_records_lost_timestamp_seconds": _timestamps(lost),
        "driftwarden_erasure_check_timestamp_seconds": _timestamps(
            {(): None if checked is None else checked.checked_at}
        ),
        "driftwarden_erasure_check_places": {}
        if checked is None
        else {
            ("found",): checked.searched.get("findings", 0),
            ("unread",): checked.searched.get("unread", 0),
        },
    }


def _read_newest_window(
    connection: Connection, model: str, until: datetime | None
) -> dict[str, Values]:
    """Return verdicts and drifted shares of the newest evaluated window; none without one."""
    newest = newest_windows(connection, model, 1, until=until) if until is not None else []
    if not newest or newest[0].figures is None:
        return {}
    verdicts: dict[tuple[str, ...], float] = {}
    shares: dict[tuple[str, ...], float] = {}
    figures = newest[0].figures
    verdicts[model, "window", "not_comparable"] = float(figures.is_not_comparable)
    for side in ("input", "output"):
        family: FamilyFigures = getattr(figures, side)
        for verdict in get_args(Verdict):
            verdicts[model, side, verdict] = float(family.verdict == verdict)
        if family.drifted_share is not None:
            for bound in ("estimate", "lower", "upper"):
                shares[model, side, bound] = getattr(family.drifted_share, bound)
    return {"driftwarden_window_verdict": verdicts, "driftwarden_drifted_share": shares}


def _read_review_queue(connection: Connection, model: str, now: datetime) -> dict[str, Values]:
    """Return the size of a model's review queue, and how long nobody has worked on it."""
    queue = queue_state(connection, model, now - BATCH_MAX_AGE)
    idle = timedelta() if queue is None else now - queue.touched_at
    return {
        "driftwarden_review_open_items": {(model,): 0.0 if queue is None else float(queue.n_open)},
        "driftwarden_review_queue_idle_seconds": {(model,): idle.total_seconds()},
    }


def _read_rollouts(
    connection: Connection, models: Sequence[str], now: datetime
) -> dict[str, Values]:
    """Return the values of the gauges of rollouts and weights, by name."""
    percents: dict[tuple[str, ...], float] = {
        (model, kind): 0.0 for model in models for kind in ("rollout", "experiment")
    }
    holding: dict[tuple[str, ...], float] = {(model,): 0.0 for model in models}
    unconfirmed = dict(holding)
    for rollout in open_rollouts(connection):
        if (rollout.model,) not in holding:
            continue
        percents[rollout.model, rollout.kind] = float(rollout.weight_percent)
        held = last_event(connection, rollout.id, "held")
        if rollout.status == "holding" and held is not None:
            holding[rollout.model,] = (now - held.at).total_seconds()
    for row in newest_of_each_model(connection):
        if (row.model,) in unconfirmed and (row.confirmed_at is None or row.error is not None):
            unconfirmed[row.model,] = (now - row.created_at).total_seconds()
    return {
        "driftwarden_rollout_weight_percent": percents,
        "driftwarden_rollout_holding_seconds": holding,
        "driftwarden_weights_unconfirmed_seconds": unconfirmed,
    }


def create_counters(models: Iterable[str]) -> None:
    """Create the counters of models at 0: `increase()` doesn't see one born with its event."""
    for job in ("advance", "rollout"):
        SERVICE_FAILURES.labels(job)
    for model in models:
        EVALUATIONS_FAILED.labels(model)
        for status in ("succeeded", "failed"):
            TRAINING_RUNS_FINISHED.labels(model, status)


def withdraw_gauges() -> None:
    """Export no gauge of the leader."""
    LEADER_GAUGES.withdraw()
    export_training_metrics(())


def _timestamps(times: Mapping[tuple[str, ...], datetime | None]) -> Values:
    return {labels: time.timestamp() for labels, time in times.items() if time is not None}
