"""Conditions of a model's rollout: reverted, held for too long, weights or shares not as wanted."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from monitor.rendering.numbers import format_instant
from monitor.scheduling.condition_check import (
    CLEAR,
    UNKNOWN,
    Clear,
    ConditionCheck,
    Holds,
    Result,
)
from monitor.settings import Settings
from monitor.store.audit_log import SYSTEM
from monitor.store.training.registry import stage_changes, version_by_id
from retrain.rollout.checks.decision import NOT_AS_WEIGHTED
from retrain.rollout.emergency.changed_weights import verified_versions
from retrain.rollout.rows.events import last_event
from retrain.rollout.rows.looks import newest_look
from retrain.rollout.rows.rollouts import RolloutRow, newest_rollout, open_rollout
from retrain.rollout.rows.weights import WeightsRow, newest_weights

#: A revert that is older when it is first seen is history.
MAX_AGE = timedelta(days=7)
#: Time without a look of an open rollout: they are hourly, and wait for ingest.
UNSEEN_AFTER = timedelta(hours=6)
#: Time in which the gateway takes new weights, and failed attempts in a row, one in 5 seconds.
APPLIED_WITHIN = timedelta(minutes=1)
MAX_ATTEMPTS = 6
#: How often, and how recently, other weights were found at the gateway.
MAX_OVERWRITTEN = 3
OVERWRITTEN_WITHIN = timedelta(minutes=15)


def rollout_reverted(check: ConditionCheck[Settings]) -> Result:
    """Hold from a revert that no user decided until its version is rejected or another starts."""
    connection = check.connection
    rollout = newest_rollout(connection, check.settings.model.name)
    if rollout is None:
        return CLEAR
    if rollout.status != "reverted" or rollout.finished_at is None:
        return Clear(
            f"{rollout.kind} {rollout.id} of version {rollout.version} was started by "
            f"{rollout.started_by}"
        )
    event = last_event(connection, rollout.id, "reverted")
    version = version_by_id(connection, rollout.version_id)
    if event is None or event.by != SYSTEM:
        return CLEAR
    if version.stage != "candidate":
        change = stage_changes(connection, version.id)[-1]
        return Clear(
            f"version {version.version} is {version.stage} now, by {change.changed_by}: "
            f"{change.reason}"
        )
    if check.now - rollout.finished_at > MAX_AGE:
        return UNKNOWN
    percent = (event.details or {}).get("weight_percent")
    share = "" if percent is None else f" at {percent}% of the traffic"
    return Holds(
        f"Version {rollout.version} was reverted{share} {format_instant(rollout.finished_at)}: "
        f"{event.reason}. {_traffic_after(check, rollout)} Version {rollout.version} is a "
        "candidate again.",
        frozenset({f"rollout {rollout.id}"}),
        since=rollout.finished_at,
    )


def rollout_holding(check: ConditionCheck[Settings]) -> Result:
    """Hold while a rollout waits for a user, or no hour of it is looked at."""
    connection = check.connection
    rollout = open_rollout(connection, check.settings.model.name)
    if rollout is None or rollout.kind != "rollout" or rollout.status == "paused":
        return CLEAR
    event = last_event(
        connection, rollout.id, "held", "asked", "continued", "advanced", "took_over"
    )
    waits = rollout.status in {"holding", "holdback"}
    if waits and event is not None and event.event == "asked":
        held = last_event(connection, rollout.id, "held", "took_over")
        since = "" if held is None else f" since {format_instant(held.at)}"
        return Holds(
            f"Version {rollout.version} has held at {rollout.weight_percent}% of the "
            f"traffic{since}: {rollout.reason}. It stays there until a lead advances or reverts "
            "it, or nothing is missing any more.",
            frozenset({f"rollout {rollout.id}, stage {rollout.stage}"}),
            since=None if held is None else held.at,
        )
    look = newest_look(connection, rollout.id)
    last = rollout.started_at if look is None else look.hour + timedelta(hours=1)
    if check.now - max(last, check.started_at) > UNSEEN_AFTER:
        return Holds(
            f"No hour of the rollout of version {rollout.version}, at {rollout.weight_percent}% "
            f"of the traffic, was looked at after {format_instant(last)}. It does not advance, and "
            "a worse version is not noticed, until ingest has read the traffic.",
            frozenset({f"rollout {rollout.id}, not seen"}),
            since=last,
        )
    return CLEAR


def rollout_not_applied(check: ConditionCheck[Settings]) -> Result:
    """Hold while the gateway does not take the wanted weights, or others set it again."""
    row = newest_weights(check.connection, check.settings.model.name)
    if row is None:
        return CLEAR
    wanted = (
        f"{_shares(row)} (generation {row.generation}, wanted since "
        f"{format_instant(row.created_at)} because: {row.reason})"
    )
    late = check.now - max(row.created_at, check.started_at) > APPLIED_WITHIN
    if (row.confirmed_at is None and late) or row.attempts >= MAX_ATTEMPTS:
        error = row.error or "no attempt yet"
        return Holds(
            f"The gateway has not confirmed {wanted}: {error}. It is tried again every 5 seconds; "
            "until then the weights of before may be in force.",
            frozenset({_key(row)}),
            since=row.created_at,
        )
    if row.n_overwritten >= MAX_OVERWRITTEN and _is_recent(check.now, row.overwritten_at):
        return Holds(
            f"{row.n_overwritten} times the gateway had other weights after it had confirmed "
            f"{wanted}. They were set again each time.",
            frozenset({f"{_key(row)}, overwritten"}),
        )
    return CLEAR if row.confirmed_at is not None and row.error is None else UNKNOWN


def rollout_shares_differ(check: ConditionCheck[Settings]) -> Result:
    """Hold while the versions seen in the traffic differ from the weights."""
    rollout = open_rollout(check.connection, check.settings.model.name)
    look = None if rollout is None else newest_look(check.connection, rollout.id)
    if rollout is None or look is None:
        return CLEAR
    mismatch = [reason.text for reason in look.reasons if reason.code in NOT_AS_WEIGHTED]
    if not mismatch:
        return CLEAR
    return Holds(
        f"Version {rollout.version} at {rollout.weight_percent}%: {mismatch[0]}. The rollout "
        "holds.",
        frozenset({f"rollout {rollout.id}, stage {look.stage}"}),
    )


def weights_changed(check: ConditionCheck[Settings]) -> Result:
    """Hold while the files of a version that serves, or may, differ from their record."""
    changes = [
        (row, row.weights_change)
        for row in verified_versions(check.connection, check.settings.model.name)
        if row.weights_change is not None and row.weights_change.is_mismatch
    ]
    if not changes:
        return CLEAR
    texts = [
        f"Version {row.version} ({row.stage}) is not what was evaluated, found "
        f"{format_instant(change.found_at)}: {change.text}."
        for row, change in changes
    ]
    return Holds(" ".join(texts), frozenset(f"version {row.version}" for row, _ in changes))


def _traffic_after(check: ConditionCheck[Settings], rollout: RolloutRow) -> str:
    """Return a sentence on where the traffic is after a revert."""
    row = newest_weights(check.connection, rollout.model)
    if row is None or row.rollout_id != rollout.id:
        return "Other weights were set since."
    if row.confirmed_at is None:
        return f"The gateway has not confirmed yet that {_shares(row)}."
    return f"The gateway has confirmed {_shares(row)}."


def _key(row: WeightsRow) -> str:
    rollout = "" if row.rollout_id is None else f"rollout {row.rollout_id}, "
    return f"{rollout}generation {row.generation}"


def _shares(row: WeightsRow) -> str:
    stable = f"version {row.stable} at {100 - row.canary_percent}%"
    if row.canary is None:
        return stable
    return f"{stable} and version {row.canary} at {row.canary_percent}%"


def _is_recent(now: datetime, moment: datetime | None) -> bool:
    return moment is not None and now - moment <= OVERWRITTEN_WITHIN


#: By cause.
OF_ROLLOUTS: Mapping[str, Callable[[ConditionCheck[Settings]], Result]] = {
    "rollout_reverted": rollout_reverted,
    "rollout_holding": rollout_holding,
    "rollout_not_applied": rollout_not_applied,
    "rollout_shares_differ": rollout_shares_differ,
    "weights_changed": weights_changed,
}
