"""Life cycle of an incident as one table: events, who may cause them, and statuses.

Every change of an incident goes through :func:`monitor.alerts.steps.take_step`, which checks it
against this table. The table in ``docs/explanation/incidents.md`` is generated from it.
"""

from dataclasses import dataclass
from typing import Literal

from monitor.errors import WorkflowError

Status = Literal["open", "acknowledged", "snoozed", "resolved", "closed"]
#: Named as in the audit log and in the keys of messages.
Event = Literal[
    "opened",
    "worsened",
    "continued",
    "not_enough_data",
    "quiet",
    "resolved",
    "reopened",
    "acknowledged",
    "snoozed",
    "woken",
    "noted",
    "unwatched",
]

#: Measured windows in a row without an alarm that resolve an incident of drift.
QUIET_WINDOWS = 2
#: Reason of the resolution of a condition of which nothing else is known.
NO_LONGER_SO = "no longer so"
UNRESOLVED: tuple[Status, ...] = ("open", "acknowledged", "snoozed")


@dataclass(frozen=True, kw_only=True)
class IncidentTransition:
    """An event of an incident."""

    event: Event
    #: Who or what may cause it.
    by: str
    #: Empty: there is no incident yet.
    sources: tuple[Status, ...]
    #: The status after it; ``None``: the status stays.
    target: Status | None
    #: Condition and effect.
    effect: str
    #: Whether the audit log has an entry for it.
    logged: bool = True


TRANSITIONS: tuple[IncidentTransition, ...] = (
    IncidentTransition(
        event="opened",
        by="an evaluation with an alarm, or a condition, where the model has no incident of the "
        "cause that is unresolved or was resolved in the last 8 weeks",
        sources=(),
        target="open",
        effect="a message is posted, with the details in its thread",
    ),
    IncidentTransition(
        event="worsened",
        by="an evaluation with an alarm of a new kind, or of severity 1.25 times as high and 0.05 "
        "higher than that of the incident; a further window, run, day, ... of another cause. A "
        "snoozed incident: only an alarm of a new kind",
        sources=UNRESOLVED,
        target="open",
        effect="the message is updated; the change is posted to the channel, its details in the "
        "thread",
    ),
    IncidentTransition(
        event="continued",
        by="any other evaluation with an alarm",
        sources=UNRESOLVED,
        target=None,
        effect="the message is updated; nobody is notified",
        logged=False,
    ),
    IncidentTransition(
        event="not_enough_data",
        by="an evaluation without enough data",
        sources=UNRESOLVED,
        target=None,
        effect="the first one in a row updates the message and replies in the thread",
        logged=False,
    ),
    IncidentTransition(
        event="quiet",
        by="the first evaluation in a row with enough data and without an alarm",
        sources=UNRESOLVED,
        target=None,
        effect="the message is updated; nobody is notified",
        logged=False,
    ),
    IncidentTransition(
        event="resolved",
        by="the second one in a row; the end of the condition; lead or admin, with a reason",
        sources=UNRESOLVED,
        target="resolved",
        effect="the message is updated, with a reply in the thread and to the channel",
    ),
    IncidentTransition(
        event="reopened",
        by="the same cause within 8 weeks",
        sources=("resolved",),
        target="open",
        effect="the message is updated; a reply in the thread and to the channel says what it was "
        "before",
    ),
    IncidentTransition(
        event="acknowledged",
        by="lead or admin",
        sources=UNRESOLVED,
        target="acknowledged",
        effect="the message names the user; one who takes it over from another is named in the "
        "thread, too",
    ),
    IncidentTransition(
        event="snoozed",
        by="lead or admin, for at most 30 days",
        sources=UNRESOLVED,
        target="snoozed",
        effect="the message names the user and the time; nobody is notified until then",
    ),
    IncidentTransition(
        event="woken",
        by="the end of the snooze",
        sources=("snoozed",),
        target="open",
        effect="the message is updated, with a reply in the thread and to the channel",
    ),
    IncidentTransition(
        event="noted",
        by="lead or admin",
        sources=(*UNRESOLVED, "resolved", "closed"),
        target=None,
        effect="the note goes to the thread",
    ),
    IncidentTransition(
        event="unwatched",
        by="the removal of its model from config.toml",
        sources=UNRESOLVED,
        target="closed",
        effect="one message of the daemon tells what ends with the model; the channels that know "
        "the incident get its end",
    ),
)

_BY_EVENT = {transition.event: transition for transition in TRANSITIONS}


def transition_of(event: Event) -> IncidentTransition:
    """Return the row of an event."""
    return _BY_EVENT[event]


def target_of(event: Event, status: str | None) -> str:
    """Return the status of an incident after an event.

    Without a status before it there is no incident yet.

    Raises:
        WorkflowError: The event is not allowed in this status.
    """
    transition = _BY_EVENT[event]
    if status is None:
        if transition.sources or transition.target is None:
            raise WorkflowError(f"incident cannot be {event}: there is none")
        return transition.target
    if status not in transition.sources:
        raise WorkflowError(f"incident cannot be {event}: it is {status}")
    return transition.target or status
