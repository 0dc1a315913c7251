"""Buttons below the message of an incident, by its state."""

from typing import Any

from sqlalchemy import Connection

from monitor.rendering.buttons import (
    SNOOZES,
    Target,
    action_block,
    button,
    link_button,
    menu,
    retraining_button,
)
from monitor.rendering.mrkdwn import MAX_BLOCKS, Block
from monitor.settings import Alerts
from monitor.store.alerts.condition_facts import recommended_retraining
from monitor.store.alerts.incidents import IncidentRow
from retrain.rollout.messages.buttons import rollout_buttons
from retrain.rollout.rows.rollouts import open_rollout

#: Causes whose messages lead to the review queue, and to a retraining that waits for a lead.
WITH_QUEUE = ("drift", "queue_not_worked")
#: Causes of a rollout that a lead may end, or let go on.
WITH_ROLLOUT = ("rollout_holding", "rollout_not_applied", "rollout_shares_differ")
WITH_RETRAINING = ("drift", "decision_overdue")


def with_buttons(
    connection: Connection, payload: dict[str, Any], incident: IncidentRow, alerts: Alerts
) -> dict[str, Any]:
    """Return the payload of an incident's message with its buttons; none once it is resolved.

    A channel that receives no presses leaves them out.
    """
    if incident.is_resolved:
        return payload
    blocks = [
        *payload["blocks"][: MAX_BLOCKS - 1],
        action_block(_elements(connection, incident, alerts)),
    ]
    return {**payload, "blocks": blocks}


def without_buttons(payload: dict[str, Any]) -> dict[str, Any]:
    """Return a payload without buttons, for a channel that receives no presses."""
    blocks = payload.get("blocks")
    if blocks is None:
        return payload
    return {**payload, "blocks": [block for block in blocks if block["type"] != "actions"]}


def _elements(connection: Connection, incident: IncidentRow, alerts: Alerts) -> list[Block]:
    target = Target(f"incident:{incident.id}", incident.version)
    elements = []
    if incident.status == "acknowledged":
        elements.append(button("take_over", "Take over", target))
    else:
        elements.append(button("acknowledge", "Acknowledge", target, style="primary"))
    elements.append(menu("snooze", "Snooze", SNOOZES, target))
    if incident.cause in WITH_QUEUE:
        queue = f"{alerts.public_url.rstrip('/')}/review"
        elements.append(link_button("Open the review queue", queue))
    if incident.cause in WITH_RETRAINING:
        retraining = recommended_retraining(connection, incident.model)
        if retraining is not None and retraining.awaits_lead:
            elements.append(retraining_button(retraining.id))
    if incident.cause in WITH_ROLLOUT:
        rollout = open_rollout(connection, incident.model)
        if rollout is not None:
            elements += rollout_buttons(connection, rollout)
    return elements
