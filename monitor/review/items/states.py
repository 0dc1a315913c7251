"""Life cycle of a review item: a table of events, their authors, and the next statuses.

Every change of an item goes through :func:`monitor.review.items.steps.take_step`, which checks it
against this table; :mod:`monitor.review.items.permissions` checks the author. The table in
``docs/explanation/review-workflow.md`` is generated from it.
"""

from dataclasses import dataclass
from typing import Literal

from monitor.errors import WorkflowError
from monitor.stored_words import Words

Status = Literal["queued", "disagreed", "adjudication", "gold", "flagged", "excluded"]
#: As named in the audit log.
Event = Literal[
    "claimed",
    "drafted",
    "released",
    "declined",
    "reviewed",
    "settled",
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
class ItemTransition:
    """An event of an item."""

    event: Event
    #: Its author, in words; the check is in :mod:`monitor.review.items.permissions`.
    by: str
    sources: tuple[Status, ...]
    targets: tuple[Status, ...]
    #: What determines the target, and other effects.
    effect: str
    #: Whether the audit log has an entry for it; claims and drafts are too frequent.
    logged: bool = True


TRANSITIONS: tuple[ItemTransition, ...] = (
    ItemTransition(
        event="claimed",
        by="reviewer of its task type who has not reviewed or declined it",
        sources=("queued",),
        targets=("queued",),
        effect="the reviewer holds one of two slots until the lease (`review.lease`) ends",
        logged=False,
    ),
    ItemTransition(
        event="drafted",
        by="holder of the slot",
        sources=("queued",),
        targets=("queued",),
        effect="the draft is stored and the lease restarts, as with a heartbeat",
        logged=False,
    ),
    ItemTransition(
        event="released",
        by="time, or holder of the slot",
        sources=("queued",),
        targets=("queued",),
        effect="the slot is free and the draft stays; a skipped item comes back last",
        logged=False,
    ),
    ItemTransition(
        event="declined",
        by="holder of the slot, with a reason",
        sources=("queued",),
        targets=("queued",),
        effect="the slot is free; the item never comes back to this reviewer; the page notes "
        "`Not for me` where no reason is typed",
    ),
    ItemTransition(
        event="reviewed",
        by="holder of the slot",
        sources=("queued",),
        targets=("queued", "gold", "disagreed"),
        effect="queued after the first review; after the second, gold if both agree (a share is "
        "drawn for an audit), else disagreed; a page submits the second so that it can be undone, "
        "and then the item stays queued",
    ),
    ItemTransition(
        event="settled",
        by="time, 2 minutes after the second review",
        sources=("queued",),
        targets=("gold", "disagreed"),
        effect="gold if both reviews agree, else disagreed; until then neither reviewer sees the "
        "other's",
    ),
    ItemTransition(
        event="withdrawn",
        by="author of a review, until both are compared",
        sources=("queued",),
        targets=("queued",),
        effect="the review becomes a draft again and its author keeps the slot",
    ),
    ItemTransition(
        event="discussed",
        by="either reviewer",
        sources=("disagreed",),
        targets=("disagreed",),
        effect="the message is visible to the other reviewer; the reviews never change",
    ),
    ItemTransition(
        event="proposed",
        by="either reviewer",
        sources=("disagreed",),
        targets=("disagreed", "gold"),
        effect="gold once both proposals agree",
    ),
    ItemTransition(
        event="escalated",
        by="either reviewer, or time after 3 days",
        sources=("disagreed",),
        targets=("adjudication",),
        effect="the discussion ends",
    ),
    ItemTransition(
        event="adjudicated",
        by="adjudicator, lead or admin who has not reviewed it",
        sources=("adjudication",),
        targets=("gold",),
        effect="decided, with a cause: guidelines gap, reviewer error, ambiguous",
    ),
    ItemTransition(
        event="audited",
        by="adjudicator, lead or admin who has not reviewed it and sees no review",
        sources=("gold",),
        targets=("gold",),
        effect="a judgement that differs replaces the gold; every audit is counted",
    ),
    ItemTransition(
        event="flagged",
        by="user who has claimed it, or who may decide it, or lead, with a reason",
        sources=("queued", "disagreed", "adjudication", "gold"),
        targets=("flagged",),
        effect="nobody is assigned to it and its gold isn't used until a lead has decided",
    ),
    ItemTransition(
        event="flag_confirmed",
        by="lead or admin",
        sources=("flagged",),
        targets=("excluded",),
        effect="the item is excluded for good",
    ),
    ItemTransition(
        event="flag_rejected",
        by="lead or admin",
        sources=("flagged",),
        targets=("queued", "disagreed", "adjudication", "gold"),
        effect="the item returns to its earlier status",
    ),
    ItemTransition(
        event="reopened",
        by="lead or admin, with a reason",
        sources=("gold",),
        targets=("adjudication",),
        effect="a new revision; the old gold stays stored as superseded",
    ),
)

_BY_EVENT = {transition.event: transition for transition in TRANSITIONS}

_REFUSALS = Words(
    {
        "queued": "it is queued for review",
        "disagreed": "it is under discussion",
        "adjudication": "it is with an adjudicator",
        "gold": "it is decided",
        "flagged": "it is flagged, and a lead has to confirm or reject the flag first",
        "excluded": "it is excluded",
    },
    lambda status: f"it is {status}",
)


def transition_of(event: Event) -> ItemTransition:
    """Return an event's row of the table."""
    return _BY_EVENT[event]


def require(event: Event, status: str) -> None:
    """Raise ``WorkflowError`` for an event that a status doesn't allow."""
    if status not in _BY_EVENT[event].sources:
        raise WorkflowError(f"this isn't possible for the item: {_REFUSALS[status]}", code=status)


def require_target(event: Event, target: str) -> None:
    """Raise ``AssertionError``, of a mistake in the code, where an event can't lead to a status."""
    if target not in _BY_EVENT[event].targets:
        raise AssertionError(f"{event} leads to {_BY_EVENT[event].targets}, not to {target}")
