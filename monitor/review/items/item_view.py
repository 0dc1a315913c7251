"""What one person may see of an item. The only place that reads an item for somebody."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection

from monitor.errors import NotFoundError
from monitor.review.items.adjudication import may_decide
from monitor.review.items.verdicts import reasons_to_disagree
from monitor.store.accounts.users import UserRow
from monitor.store.review.assignments import assignment_of
from monitor.store.review.discussions import (
    MessageRow,
    ProposalRow,
    messages_of_item,
    proposals_of_item,
)
from monitor.store.review.items import ItemRow, item_by_id
from monitor.store.review.reviews import GoldRevision, ReviewRow, gold_history, reviews_of
from monitor.store.review.slots import REVIEWS_PER_ITEM
from monitor.store.traffic.exchanges import exchange_by_id

AuthoredRow = TypeVar("AuthoredRow", ReviewRow, ProposalRow, MessageRow)
#: What the two are called before somebody who decides between them.
ORDINALS = ("First reviewer", "Second reviewer")


@dataclass(frozen=True, kw_only=True)
class ItemView:
    """An item as one person sees it: nothing of slice, drift or a peer's unfinished work."""

    id: int
    #: ``open`` (theirs to review), ``submitted`` (by them; they may take it back), ``disagreed``,
    #: ``adjudication``, ``audit`` (theirs to judge without seeing the votes), ``gold``, ``flagged``
    #: or ``excluded``.
    state: str
    #: How often it was reopened, plus one.
    revision: int
    task_type: str
    #: Digest of the taxonomy that it is reviewed under; empty where there was none.
    taxonomy_version: str
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
    #: What the two wrote to each other.
    discussion: tuple[MessageRow, ...]
    #: What was decided, the latest last: all but it were superseded.
    decisions: tuple[GoldRevision, ...]
    #: Why a lead reopened it.
    reopened_reason: str
    #: Why somebody flagged it; for leads only.
    flag_reason: str
    #: By adjudication, or by audit where the state is that.
    may_decide: bool
    may_reopen: bool
    #: Whether the person confirms or rejects the flag.
    may_settle_flag: bool


def view_item(connection: Connection, item_id: int, person: UserRow) -> ItemView:
    """Return an item for a person who works, or worked, on it, who is to decide it, or who leads.

    Raises:
        NotFoundError: There is no such item, or it isn't for this person.
    """
    item = item_by_id(connection, item_id)
    reviews = reviews_of(connection, [item_id])
    own = next((row for row in reviews if row.reviewer_id == person.id), None)
    lease = assignment_of(connection, item_id, person.id)
    complete = len(reviews) >= REVIEWS_PER_ITEM
    decides = may_decide(connection, item, person)
    flagged = item.status in {"flagged", "excluded"}
    works = lease is not None and lease.declined_reason is None and not complete
    if not (works or own or decides or (person.leads and (complete or flagged))):
        raise NotFoundError(f"there is no item {item_id}")
    # An auditor judges without having seen the votes, whatever else they may see.
    open_votes = complete and not (decides and item.status == "gold")
    shown = sorted(reviews, key=lambda row: row.reviewer_id != person.id) if open_votes else []
    proposals = proposals_of_item(connection, item_id) if open_votes else []
    discussion = messages_of_item(connection, item_id) if open_votes else []
    if decides:
        order = [row.reviewer_id for row in shown]
        shown = _anonymize(shown, order)
        proposals, discussion = _anonymize(proposals, order), _anonymize(discussion, order)
    exchange = exchange_by_id(connection, item.exchange_id)
    return ItemView(
        id=item_id,
        state=_state(item, own, audits=decides and item.status == "gold"),
        revision=item.revision,
        task_type=item.task_type,
        taxonomy_version=item.taxonomy_version,
        messages=exchange.messages,
        response=exchange.response,
        truncated=exchange.truncated,
        draft=lease.draft if lease else {},
        lease_until=lease.expires_at if lease else None,
        own_review=own,
        reviews=tuple(shown),
        reasons=tuple(reasons_to_disagree(shown[0], shown[1])) if shown else (),
        proposals=tuple(proposals),
        discussion=tuple(discussion),
        decisions=tuple(gold_history(connection, item_id)) if open_votes else (),
        reopened_reason=(item.reopened_reason or "") if open_votes else "",
        flag_reason=(item.excluded_reason or "") if person.leads else "",
        may_decide=decides,
        may_reopen=person.leads and item.status == "gold" and open_votes,
        may_settle_flag=person.leads and item.status == "flagged",
    )


def _state(item: ItemRow, own: ReviewRow | None, *, audits: bool) -> str:
    if item.status == "queued":
        return "submitted" if own else "open"
    return "audit" if audits else item.status


def _anonymize(rows: Sequence[AuthoredRow], order: Sequence[int]) -> list[AuthoredRow]:
    """Sign what the two wrote by the order of their votes: whose word it is must not weigh.

    Their ids are no person's, so that nobody who decides is taken for one of them.
    """
    places = {reviewer_id: place for place, reviewer_id in enumerate(order)}
    return [
        replace(row, reviewer_id=-1 - place, reviewer=ORDINALS[place])
        for row in rows
        for place in [places[row.reviewer_id]]
    ]
