"""Steps of rollouts: checked against the table of transitions, written with their event."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from monitor.store.audit_log import append_entry
from monitor.telemetry import get_logger
from retrain.rollout.rows import rollouts
from retrain.rollout.rows.events import add_event
from retrain.rollout.rows.rollouts import RolloutRow, rollout_by_id
from retrain.rollout.states import ENDED, Event, target_of

log = get_logger(__name__)


def take_step(
    connection: Connection,
    rollout: RolloutRow | None,
    event: Event,
    *,
    by: str,
    now: datetime,
    reason: str,
    details: dict[str, Any] | None = None,
    **changes: Any,
) -> RolloutRow:
    """Check an event against the table of transitions, write and log it; return the rollout.

    The transaction holds the lock of the model, under which the rollout was read; without a rollout
    the event starts one. The reason, for page, messages and log, quotes no traffic.

    Raises:
        WorkflowError: The event is not allowed in the rollout's status.
    """
    before = None if rollout is None else rollout.status
    status = target_of(event, before)
    if event != "confirmed":  # the gateway's word is no reason of the status
        changes["reason"] = reason
    if status in ENDED:
        changes["finished_at"] = now
    if rollout is None:
        rollout_id = rollouts.insert_rollout(
            connection, status=status, started_by=by, started_at=now, **changes
        )
    else:
        rollout_id = rollout.id
        rollouts.update_rollout(connection, rollout_id, status=status, **changes)
    after = rollout_by_id(connection, rollout_id)
    add_event(
        connection,
        rollout_id=rollout_id,
        event=event,
        from_status=before,
        to_status=status,
        weight_percent=after.weight_percent,
        by=by,
        at=now,
        reason=reason,
        details=details,
    )
    log.info(
        "rollout_changed",
        rollout=rollout_id,
        model=after.model,
        version=after.version,
        change=event,
        status=status,
        weight_percent=after.weight_percent,
        by=by,
    )
    noted = {"from": before, "to": status, "weight_percent": after.weight_percent, "reason": reason}
    append_entry(connection, now, by, f"rollout.{event}", f"rollout:{rollout_id}", noted)
    return after
