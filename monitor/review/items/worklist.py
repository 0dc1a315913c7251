"""Worklist of a user: items to review, discuss, adjudicate, audit and confirm."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from monitor.review.items.blind_review import load_claimer
from monitor.review.items.discussion import escalate_stale
from monitor.store.accounts.roles import Permission
from monitor.store.accounts.users import UserRow
from monitor.store.review.assignments import current_item_of
from monitor.store.review.audits import items_to_audit
from monitor.store.review.items import items_with_status
from monitor.store.review.queue import count_claimable_items
from monitor.store.review.reviews import items_to_adjudicate, items_to_discuss


@dataclass(frozen=True, kw_only=True)
class Worklist:
    """A user's items by task, the oldest first."""

    #: The item that the user works on.
    at_work: int | None
    #: Number of items that the user can claim.
    available: int
    to_discuss: list[int]
    to_adjudicate: list[int]
    to_audit: list[int]
    #: Flagged items, for a lead to confirm or reject.
    flagged_items: list[int]


def worklist_of(
    connection: Connection, user: UserRow, now: datetime, model: str | None = None
) -> Worklist:
    """Return a user's worklist, of one model or of all, after escalating old discussions."""
    escalate_stale(connection, now)
    claimer = load_claimer(connection, user.id, model)
    decided = user.grants.portions(Permission.ADJUDICATE, model)
    led = user.led_models if model is None else user.led_models.narrow(model)
    return Worklist(
        at_work=current_item_of(connection, claimer, now),
        available=count_claimable_items(connection, claimer, now),
        to_discuss=items_to_discuss(connection, user.id, user.grants.readable_portions(model)),
        to_adjudicate=items_to_adjudicate(connection, user.id, decided) if decided else [],
        to_audit=items_to_audit(connection, user.id, decided) if decided else [],
        flagged_items=(
            [item.id for item in items_with_status(connection, "flagged", led)] if led else []
        ),
    )
