"""Actions of the buttons of rollouts in Slack."""

from collections.abc import Callable, Mapping
from functools import partial

from monitor.errors import WorkflowError
from monitor.scheduling.actions import Action, Request
from retrain.rollout.rows.events import count_steps
from retrain.rollout.rows.rollouts import RolloutRow
from retrain.rollout.transitions import stages
from retrain.rollout.transitions.open_rollout import lock_rollout
from retrain.rollout.transitions.revert import revert_rollout

#: Reason of a step that a button takes.
BY_BUTTON = "by a button in Slack"


def _revert_rollout(request: Request) -> dict[str, str]:
    """Revert, also by a button of an earlier step: it is never too late."""
    row = revert_rollout(
        request.connection,
        request.press.subject_id,
        request.now,
        by=request.user.name,
        reason=BY_BUTTON,
    )
    return {"version": str(row.version)}


def _take_step(step: Callable[..., RolloutRow], request: Request) -> dict[str, str]:
    """Take a step of a stage, where the button is of the newest message."""
    row = _current_rollout(request)
    user = request.user.name
    after = step(request.connection, row.id, request.now, by=user, reason=BY_BUTTON)
    return {"percent": str(after.weight_percent)}


def _current_rollout(request: Request) -> RolloutRow:
    """Return the rollout of a button, locked, where no step was taken since the message."""
    row = lock_rollout(request.connection, request.press.subject_id)
    if row.kind != "rollout":
        raise WorkflowError("an experiment has no stages; it can only be ended", code="experiment")
    if count_steps(request.connection, row.id) != request.press.version:
        raise WorkflowError(
            f"rollout {row.id} has changed since this message, and is {row.status} at "
            f"{row.weight_percent}%; see its newest message, or its page",
            code="changed",
        )
    return row


#: By the name that the button carries.
ROLLOUT_ACTIONS: Mapping[str, Action] = {
    "revert_rollout": Action(
        subject="rollout",
        run=_revert_rollout,
        reply=(
            "You reverted {subject}. All traffic goes to the stable version within seconds; an "
            "incident opens if the gateway doesn't confirm it. Version {version} is a candidate "
            "again."
        ),
    ),
    "advance_rollout": Action(
        subject="rollout",
        run=partial(_take_step, stages.advance),
        reply="You advanced {subject} to {percent}%. The gateway gets the weight within seconds.",
    ),
    "pause_rollout": Action(
        subject="rollout",
        run=partial(_take_step, stages.pause),
        reply="You paused {subject} at {percent}%. A check that fails still reverts it.",
    ),
    "resume_rollout": Action(
        subject="rollout",
        run=partial(_take_step, stages.resume),
        reply="You resumed {subject} at {percent}%. The next look decides.",
    ),
}
