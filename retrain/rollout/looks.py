"""Looks at a rollout, hour by hour: each is stored with the step that its decision takes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, Engine

from monitor.store.audit_log import SYSTEM
from monitor.store.engine import transaction
from retrain.rollout.checks.decision import Action, Reason
from retrain.rollout.plan import RolloutPlan, plan_of
from retrain.rollout.rows.events import last_event
from retrain.rollout.rows.looks import Look, insert_look
from retrain.rollout.rows.rollouts import RolloutRow, update_rollout
from retrain.rollout.states import Event
from retrain.rollout.steps import take_step
from retrain.rollout.transitions.open_rollout import confirmed_weights, lock_rollout
from retrain.rollout.transitions.recorded_weights import find_refusal, versions_of
from retrain.rollout.transitions.revert import revert_rollout
from retrain.rollout.transitions.stages import advance, complete

#: Measures the next complete hour of a rollout, after its newest stored look; ``None`` where no
#: hour is complete yet. It reads the database and writes nothing.
NextLook = Callable[[RolloutRow, RolloutPlan, datetime], Look | None]


def take_look(
    engine: Engine, rollout: RolloutRow, next_look: NextLook, now: datetime
) -> RolloutRow | None:
    """Measure the next complete hour of an open rollout, and take the step that it decides.

    Look and step are one transaction. A look at a rollout that has changed meanwhile is discarded,
    and measured again by the next call. Both give ``None``, as does an hour that isn't complete.
    """
    plan = plan_of(rollout)
    look = next_look(rollout, plan, now)  # may be slow, so it runs outside a transaction
    if look is None:
        return None
    with transaction(engine) as connection:
        if lock_rollout(connection, rollout.id) != rollout:
            return None
        if look.action == "advance" and rollout.status != "paused":
            look = _compare_weights(connection, rollout, look, now)
        insert_look(connection, look)
        return _act(connection, rollout, look, now)


def ask_in_time(engine: Engine, rollout: RolloutRow, now: datetime) -> bool:
    """Ask a user to decide on a rollout held for over ``rollout.max_hold``; return whether."""
    plan = plan_of(rollout)
    with transaction(engine) as connection:
        current = lock_rollout(connection, rollout.id)
        if current.status != "holding" or not current.is_open:
            return False
        held = last_event(connection, rollout.id, "held")
        if held is None or now - held.at < plan.max_hold:
            return False
        return _ask(connection, current, now) is not current


def _compare_weights(
    connection: Connection, rollout: RolloutRow, look: Look, now: datetime
) -> Look:
    """Return a look that advances no version whose files are not those of its record."""
    refusal = find_refusal(connection, *versions_of(connection, rollout), now)
    if refusal is None:
        return look
    reverts = refusal.version.id == rollout.version_id and refusal.change.is_mismatch
    otherwise: Action = "ask" if rollout.status == "holdback" else "hold"
    reason = Reason("weights", refusal.text)
    action = "revert" if reverts else otherwise
    return replace(look, action=action, reason=reason.text, reasons=(reason,))


def _act(connection: Connection, rollout: RolloutRow, look: Look, now: datetime) -> RolloutRow:
    """Take the step of a look, and return the rollout afterwards."""
    if look.action == "revert":
        details = {"hour": look.hour.isoformat()}
        return revert_rollout(
            connection, rollout.id, now, by=SYSTEM, reason=look.reason, details=details
        )
    if rollout.status == "holdback":
        return _act_on_holdback(connection, rollout, look, now)
    if rollout.status == "paused":
        return rollout
    if look.action == "advance" and confirmed_weights(connection, rollout) is not None:
        return advance(connection, rollout.id, now, by=SYSTEM, reason=look.reason)
    reason = look.reason
    if look.action == "advance":
        reason = f"the gateway has not confirmed {rollout.weight_percent}%"
    event: Event | None = None
    if look.action == "wait":
        event = "continued" if rollout.status == "holding" else None
    elif rollout.status == "running":
        event = "held"
    if event is not None:
        rollout = take_step(connection, rollout, event, by=SYSTEM, now=now, reason=reason)
    elif rollout.reason != reason:  # newer figures of the same status
        update_rollout(connection, rollout.id, reason=reason)
        rollout = replace(rollout, reason=reason)
    return _ask(connection, rollout, now) if look.action == "ask" else rollout


def _act_on_holdback(
    connection: Connection, rollout: RolloutRow, look: Look, now: datetime
) -> RolloutRow:
    """Complete a rollout whose holdback has been looked at for its time, where nothing holds it."""
    due = rollout.stage_started_at + plan_of(rollout).time_of(rollout.stage)
    if look.action in {"hold", "ask"}:
        update_rollout(connection, rollout.id, reason=look.reason)
        rollout = replace(rollout, reason=look.reason)
        return _ask(connection, rollout, now) if look.action == "ask" else rollout
    if look.end >= due and confirmed_weights(connection, rollout) is not None:
        reason = f"no check failed in the holdback's time; {look.reason}"
        return complete(connection, rollout, now, by=SYSTEM, reason=reason)
    return rollout


def _ask(connection: Connection, rollout: RolloutRow, now: datetime) -> RolloutRow:
    """Ask a user to decide on a rollout that is held, once."""
    newest = last_event(connection, rollout.id, "held", "asked", "took_over")
    if newest is None or newest.event == "asked":
        return rollout
    return take_step(connection, rollout, "asked", by=SYSTEM, now=now, reason=rollout.reason)
