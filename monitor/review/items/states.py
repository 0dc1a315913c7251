"""The life of a review item as one table: what may happen to it, by whom, and what it becomes.

Every change of an item goes through :func:`monitor.review.items.steps.take_step`, which looks here. The
table in ``docs/explanation/review-workflow.md`` is written from it.
"""

from dataclasses import dataclass
from typing import Literal

from monitor.errors import WorkflowError

Status = Literal["queued", "disagreed", "adjudication", "gold", "flagged", "excluded"]
#: Named as the audit log names it.
Event = Literal[
    "claimed",
    "drafted",
    "released",
    "declined",
    "reviewed",
    "withdrawn",
    "discussed",
    "proposed",
    "escalated",
    "adjudicated",
    "audited",
    "flagged",
    "flag_confirmed",
    "flag_rejected",
    "reopened",
]


@dataclass(frozen=True, kw_only=True)
class Transition:
    """Something that may happen to an item."""

    event: Event
    #: Who may do it.
    by: str
    sources: tuple[Status, ...]
    targets: tuple[Status, ...]
    #: Which of the targets it becomes, and what else happens.
    effect: str
    #: Whether the audit log has a line of it. Claims and drafts come by the thousand.
    logged: bool = True


TRANSITIONS: tuple[Transition, ...] = (
    Transition(
        event="claimed",
        by="reviewer of its task type who has not reviewed or declined it",
        sources=("queued",),
        targets=("queued",),
        effect="one of its two places is theirs for 20 minutes",
        logged=False,
    ),
    Transition(
        event="drafted",
        by="who holds the place",
        sources=("queued",),
        targets=("queued",),
        effect="what was typed is kept, and the 20 minutes begin again, as with a heartbeat",
        logged=False,
    ),
    Transition(
        event="released",
        by="the clock, or who holds the place",
        sources=("queued",),
        targets=("queued",),
        effect="the place is free, and the draft kept; what was put off comes back last",
        logged=False,
    ),
    Transition(
        event="declined",
        by="who holds the place, with a reason",
        sources=("queued",),
        targets=("queued",),
        effect="the place is free; the item never comes back to them",
    ),
    Transition(
        event="reviewed",
        by="who holds the place",
        sources=("queued",),
        targets=("queued", "gold", "disagreed"),
        effect=(
            "the first leaves it queued; the second makes gold where both agree, of which a share "
            "is drawn for an audit, else a disagreement"
        ),
    ),
    Transition(
        event="withdrawn",
        by="who wrote the first review, until the second is in",
        sources=("queued",),
        targets=("queued",),
        effect="the review is a draft again, and the place still theirs",
    ),
    Transition(
        event="discussed",
        by="either of the two",
        sources=("disagreed",),
        targets=("disagreed",),
        effect="the other reads it; the first votes never change",
    ),
    Transition(
        event="proposed",
        by="either of the two",
        sources=("disagreed",),
        targets=("disagreed", "gold"),
        effect="gold once both propose the same",
    ),
    Transition(
        event="escalated",
        by="either of the two, or the clock after 3 days",
        sources=("disagreed",),
        targets=("adjudication",),
        effect="the discussion ends",
    ),
    Transition(
        event="adjudicated",
        by="adjudicator, lead or admin who reviewed neither first nor second",
        sources=("adjudication",),
        targets=("gold",),
        effect="decided, with a cause: guide gap, reviewer error, ambiguous",
    ),
    Transition(
        event="audited",
        by="adjudicator, lead or admin who reviewed neither, and sees no vote",
        sources=("gold",),
        targets=("gold",),
        effect="a ruling that differs takes the place of the gold; either way it is counted",
    ),
    Transition(
        event="flagged",
        by="who works or worked on it, or who may decide it, with a reason",
        sources=("queued", "disagreed", "adjudication", "gold"),
        targets=("flagged",),
        effect="nobody is given it, and no gold of it is used, until a lead has looked",
    ),
    Transition(
        event="flag_confirmed",
        by="lead or admin",
        sources=("flagged",),
        targets=("excluded",),
        effect="it is out for good",
    ),
    Transition(
        event="flag_rejected",
        by="lead or admin",
        sources=("flagged",),
        targets=("queued", "disagreed", "adjudication", "gold"),
        effect="it is where it was",
    ),
    Transition(
        event="reopened",
        by="lead or admin, with a reason",
        sources=("gold",),
        targets=("adjudication",),
        effect="a new revision; the gold is kept as superseded",
    ),
)

_BY_EVENT = {transition_row.event: transition_row for transition_row in TRANSITIONS}

_REFUSALS: dict[str, str] = {
    "queued": "the item waits for reviews",
    "disagreed": "the item is under discussion",
    "adjudication": "the item is with an adjudicator",
    "gold": "the item is decided",
    "flagged": "the item was taken out, and a lead is to look at it",
    "excluded": "the item was taken out",
}


def transition(event: Event) -> Transition:
    """Return what an event means."""
    return _BY_EVENT[event]


def require(event: Event, status: str) -> None:
    """Check that an event may happen to an item of this status.

    Raises:
        WorkflowError: It may not.
    """
    if status not in _BY_EVENT[event].sources:
        raise WorkflowError(f"that can't be done: {_REFUSALS[status]}")


def require_target(event: Event, target: str) -> None:
    """Check that an event may lead to a status: one that may not is our mistake.

    Raises:
        AssertionError: The table doesn't have it.
    """
    if target not in _BY_EVENT[event].targets:
        raise AssertionError(f"{event} leads to {_BY_EVENT[event].targets}, not to {target}")


def as_markdown() -> str:
    """Return the table for the documentation."""
    lines = ["| from | event | who | to |", "| --- | --- | --- | --- |"]
    for transition_row in TRANSITIONS:
        sources, targets = ", ".join(transition_row.sources), " or ".join(transition_row.targets)
        lines.append(
            f"| {sources} | **{_event_label(transition_row.event)}** | {transition_row.by} | {targets}: {transition_row.effect} |"
        )
    return "\n".join(lines)


def _event_label(event: str) -> str:
    return event.replace("_", " ")
