"""Life cycle of a rollout as one table: events, who may cause them, and statuses.

Every change of a rollout goes through :func:`retrain.rollout.steps.take_step`, which checks it
against this table. The table in ``docs/how-to/roll-out.md`` is generated from it.
"""

from dataclasses import dataclass
from typing import Literal

from monitor.errors import WorkflowError

Status = Literal["running", "holding", "paused", "holdback", "completed", "reverted"]
#: Named as in the audit log, with ``rollout.`` before it.
Event = Literal[
    "started",
    "confirmed",
    "advanced",
    "held",
    "continued",
    "asked",
    "paused",
    "resumed",
    "took_over",
    "completed",
    "reverted",
]

#: At a stage below all traffic.
IN_STAGES: tuple[Status, ...] = ("running", "holding", "paused")
OPEN: tuple[Status, ...] = (*IN_STAGES, "holdback")
ENDED: tuple[Status, ...] = ("completed", "reverted")


@dataclass(frozen=True, kw_only=True)
class RolloutTransition:
    """An event of a rollout."""

    event: Event
    #: Who or what may cause it.
    by: str
    #: Empty: there is no rollout yet.
    sources: tuple[Status, ...]
    #: The status after it; ``None``: the status stays.
    target: Status | None
    effect: str
    #: Whether a user may cause it.
    by_user: bool = False


TRANSITIONS: tuple[RolloutTransition, ...] = (
    RolloutTransition(
        event="started",
        by='lead or admin; with `rollout.start = "automatic"`, a passed gate',
        sources=(),
        target="running",
        effect="the version becomes the canary, with the weight of the first stage",
        by_user=True,
    ),
    RolloutTransition(
        event="confirmed",
        by="the gateway, whose weights were read back",
        sources=OPEN,
        target=None,
        effect="the time of the stage begins",
    ),
    RolloutTransition(
        event="advanced",
        by="a look: the stage's time is over, each advance check is shown, and nothing is missing; "
        "lead or admin, with a reason. The gateway has confirmed the present weight",
        sources=("running", "holding"),
        target="running",
        effect="the weight of the next stage; a user may name a later one",
        by_user=True,
    ),
    RolloutTransition(
        event="held",
        by="a look: a check is not shown when the stage's time is over, the canary is idle, the "
        "traffic is not read, or the shares seen differ from the weights",
        sources=("running",),
        target="holding",
        effect="the weight stays; the reason says what is missing",
    ),
    RolloutTransition(
        event="continued",
        by="a look: nothing is missing any more",
        sources=("holding",),
        target="running",
        effect="the weight stays",
    ),
    RolloutTransition(
        event="asked",
        by="the end of `rollout.max_hold`; in the holdback, a look that finds the canary idle, the "
        "traffic unread, or other shares than the weights so long after its time",
        sources=("holding", "holdback"),
        target=None,
        effect="an incident asks a lead to advance or to revert",
    ),
    RolloutTransition(
        event="paused",
        by="lead or admin, with a reason",
        sources=("running", "holding"),
        target="paused",
        effect="the weight stays and the looks go on; a failed check still reverts",
        by_user=True,
    ),
    RolloutTransition(
        event="resumed",
        by="lead or admin",
        sources=("paused",),
        target="running",
        effect="the next look decides",
        by_user=True,
    ),
    RolloutTransition(
        event="took_over",
        by="as *advanced*, at the stage before 100%, with a holdback",
        sources=("running", "holding"),
        target="holdback",
        effect="all traffic but the holdback goes to the canary",
        by_user=True,
    ),
    RolloutTransition(
        event="completed",
        by="a look at the end of `rollout.holdback_time` that nothing holds; without a holdback "
        "as *advanced*, at the stage before 100%; `models promote` of the version; lead or admin, "
        "with a reason",
        sources=OPEN,
        target="completed",
        effect="the version is in production, and gets a baseline of its own",
        by_user=True,
    ),
    RolloutTransition(
        event="reverted",
        by="a look: a check shows that the canary is worse, or a limit is broken; probes that the "
        "canary does not respond to, or otherwise; changed files; lead or admin, at any time",
        sources=OPEN,
        target="reverted",
        effect="all traffic goes to the stable version; the canary is a candidate again, with the "
        "reason",
        by_user=True,
    ),
)

_BY_EVENT = {transition.event: transition for transition in TRANSITIONS}


def target_of(event: Event, status: str | None) -> str:
    """Return the status of a rollout after an event; the status before a rollout is ``None``.

    Raises:
        WorkflowError: The event is not allowed in this status.
    """
    transition = _BY_EVENT[event]
    name = event.replace("_", " ")
    if status is None:
        if transition.sources or transition.target is None:
            raise WorkflowError(f"a rollout can't be {name}: there is none", code="no_rollout")
        return transition.target
    if status not in transition.sources:
        allowed = ", ".join(transition.sources) or "no rollout yet"
        raise WorkflowError(
            f"a rollout that is {status} can't be {name}; it must be: {allowed}",
            code="rollout_transition",
        )
    return transition.target or status
