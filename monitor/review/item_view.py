"""What one person may see of an item. The only place that reads an item for somebody."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from monitor.errors import NotFoundError
from monitor.review.verdicts import reasons_to_disagree
from monitor.store.exchanges import exchange_by_id
from monitor.store.leases import REVIEWS_NEEDED, lease_of
from monitor.store.review_items import item_by_id
from monitor.store.reviewers import ReviewerRow
from monitor.store.reviews import ProposalRow, ReviewRow, proposals_of, reviews_of


@dataclass(frozen=True, kw_only=True)
class ItemView:
    """An item as one person sees it: nothing of slice, drift or a peer's unfinished work."""

    id: int
    #: ``open`` (theirs to review), ``submitted`` (by them; not yet by both), ``disagreed``,
    #: ``adjudication``, ``gold`` or ``excluded``.
    state: str
    task_type: str
    messages: list[dict[str, str]]
    response: str
    truncated: bool
    draft: dict[str, Any]
    lease_until: datetime | None
    own_review: ReviewRow | None
    #: Both first votes, once both are in; the person's own first.
    reviews: tuple[ReviewRow, ...]
    #: Why the two don't agree.
    reasons: tuple[str, ...]
    proposals: tuple[ProposalRow, ...]
    may_adjudicate: bool


def view_item(connection: Connection, item_id: int, person: ReviewerRow) -> ItemView:
    """Return an item for a person who works, or worked, on it, or is to adjudicate it.

    Raises:
        NotFoundError: There is no such item, or it isn't for this person.
    """
    item = item_by_id(connection, item_id)
    reviews = reviews_of(connection, [item_id])
    own = next((row for row in reviews if row.reviewer_id == person.id), None)
    lease = lease_of(connection, item_id, person.id)
    complete = len(reviews) >= REVIEWS_NEEDED
    may_adjudicate = item.status == "adjudication" and person.adjudicates and own is None
    involved = lease is not None and lease.declined_reason is None
    if not (involved or may_adjudicate) or (complete and own is None and not may_adjudicate):
        raise NotFoundError(f"there is no item {item_id}")
    shown = tuple(sorted(reviews, key=lambda row: row.reviewer_id != person.id)) if complete else ()
    state = item.status
    if item.status == "queued":
        state = "submitted" if own else "open"
    exchange = exchange_by_id(connection, item.exchange_id)
    return ItemView(
        id=item_id,
        state=state,
        task_type=exchange.task_type,
        messages=exchange.messages,
        response=exchange.response,
        truncated=exchange.truncated,
        draft=lease.draft if lease else {},
        lease_until=lease.expires_at if lease else None,
        own_review=own,
        reviews=shown,
        reasons=tuple(reasons_to_disagree(shown[0], shown[1])) if shown else (),
        proposals=tuple(proposals_of(connection, item_id)) if complete else (),
        may_adjudicate=may_adjudicate,
    )
