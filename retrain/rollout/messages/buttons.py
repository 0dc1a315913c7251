"""Buttons of a rollout: pause or resume, advance, revert."""

from sqlalchemy import Connection

from monitor.rendering.buttons import Target, button
from monitor.rendering.excerpts import excerpt
from monitor.rendering.mrkdwn import Block
from retrain.rollout.rows.events import count_steps
from retrain.rollout.rows.rollouts import RolloutRow


def rollout_buttons(connection: Connection, rollout: RolloutRow) -> list[Block]:
    """Return the buttons of an open rollout, by its status; of an experiment only its end."""
    if not rollout.is_open:
        return []
    target = Target(f"rollout:{rollout.id}", count_steps(connection, rollout.id))
    ends = (
        f"All traffic of {excerpt(rollout.model, 100)} goes to the stable version at once. "
        f"Version {rollout.version} is a candidate again."
    )
    revert = button("revert_rollout", "Revert", target, style="danger", confirm=ends)
    if rollout.kind != "rollout":
        return [revert]
    elements = [revert]
    if rollout.status in {"running", "holding"}:
        question = "The checks don't decide then: you do. See the page for what is not shown."
        elements += [
            button("advance_rollout", "Advance", target, confirm=question),
            button("pause_rollout", "Pause", target),
        ]
    elif rollout.status == "paused":
        elements.append(button("resume_rollout", "Resume", target))
    return elements
