"""What waits for a person, in one look."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from monitor.review.items.blind_review import claimer_of
from monitor.review.items.discussion import escalate_stale
from monitor.store.accounts.users import UserRow
from monitor.store.review.assignments import current_item_of
from monitor.store.review.audits import items_to_audit
from monitor.store.review.items import items_with_status
from monitor.store.review.queue import count_claimable_items
from monitor.store.review.reviews import items_to_adjudicate, items_to_discuss


@dataclass(frozen=True, kw_only=True)
class Worklist:
    """Items by what is to be done with them, the oldest first."""

    #: The item that the person is reviewing.
    at_work: int | None
    #: How many there are to review.
    available: int
    to_discuss: list[int]
    to_adjudicate: list[int]
    to_audit: list[int]
    #: Flagged items, for a lead to confirm or reject.
    flagged_items: list[int]


def worklist_of(connection: Connection, person: UserRow, now: datetime) -> Worklist:
    """Return what waits for a person; discussions that took too long go to an adjudicator."""
    escalate_stale(connection, now)
    claimer = claimer_of(connection, person.id)
    to_adjudicate, to_audit = [], []
    if person.adjudicates:
        to_adjudicate = items_to_adjudicate(connection, person.id, claimer.task_types)
        to_audit = items_to_audit(connection, person.id, claimer.task_types)
    return Worklist(
        at_work=current_item_of(connection, person.id, now),
        available=count_claimable_items(connection, claimer, now),
        to_discuss=items_to_discuss(connection, person.id),
        to_adjudicate=to_adjudicate,
        to_audit=to_audit,
        flagged_items=(
            [item.id for item in items_with_status(connection, "flagged")] if person.leads else []
        ),
    )
