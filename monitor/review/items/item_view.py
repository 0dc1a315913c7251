"""Items as a user may see them: the only function that reads an item for the page and the API."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection

from monitor.errors import NotFoundError
from monitor.review.items.permissions import (
    are_compared,
    may_be_asked,
    may_decide,
    may_reopen,
    may_settle_flag,
)
from monitor.review.items.verdicts import reasons_to_disagree
from monitor.store.accounts.users import UserRow
from monitor.store.review.assignments import REVIEW_ASSIGNMENTS
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
#: Names of the two reviewers for whoever decides between them.
ORDINALS = ("First reviewer", "Second reviewer")


@dataclass(frozen=True, kw_only=True)
class ItemView:
    """An item as one user sees it, without its slice, drift or a peer's unfinished work."""

    id: int
    batch_id: int
    model: str
    #: ``open`` (to be reviewed by the user), ``submitted`` (by the user, who may withdraw it),
    #: ``disagreed``, ``adjudication``, ``audit`` (to be judged without seeing the reviews),
    #: ``gold``, ``flagged`` or ``excluded``.
    state: str
    #: 1 plus the number of times that it was reopened.
    revision: int
    task_type: str
    #: Digest of the taxonomy that it is reviewed under; empty if there was none.
    taxonomy_version: str
    messages: list[dict[str, str]]
    response: str
    truncated: bool
    draft: dict[str, Any]
    lease_until: datetime | None
    own_review: ReviewRow | None
    #: Both reviews, once both are submitted; the user's own first.
    reviews: tuple[ReviewRow, ...]
    #: Why the two reviews disagree.
    reasons: tuple[str, ...]
    proposals: tuple[ProposalRow, ...]
    #: Messages between the two reviewers.
    discussion: tuple[MessageRow, ...]
    #: Outcomes, the latest last: the earlier ones are superseded.
    decisions: tuple[GoldRevision, ...]
    #: Why a lead reopened it.
    reopened_reason: str
    #: Reason of the flag; for leads only.
    flag_reason: str
    #: By adjudication, or in state ``audit`` by audit.
    may_decide: bool
    may_reopen: bool
    #: Whether the user confirms or rejects the flag.
    may_settle_flag: bool


def view_item(connection: Connection, item_id: int, user: UserRow) -> ItemView:
    """Return an item for a user who has claimed or reviewed it, may decide it, or is a lead.

    Its task type is one of theirs, or they are a lead.

    Raises:
        NotFoundError: There is no such item, or it isn't visible to this user.
    """
    item = item_by_id(connection, item_id)
    if not user.grants.reads_texts_of(item.model, item.task_type):
        raise NotFoundError(f"there is no item {item_id}")
    reviews = reviews_of(connection, [item_id])
    own = next((row for row in reviews if row.reviewer_id == user.id), None)
    lease = REVIEW_ASSIGNMENTS.find(connection, item_id, user.id)
    complete = len(reviews) >= REVIEWS_PER_ITEM
    compared = are_compared(item, reviews)
    decides = may_decide(connection, item, user, reviews)
    flagged = item.status in {"flagged", "excluded"}
    leads = user.is_lead_of(item.model)
    has_claimed = lease is not None and lease.was_claimed and lease.declined_reason is None
    works = has_claimed and not complete
    if not (works or own or decides or (leads and (compared or flagged))):
        raise NotFoundError(f"there is no item {item_id}")
    # An auditor judges without seeing the reviews, whatever else the user may see, and an
    # adjudicator has not seen the discussion.
    audits = decides and item.status == "gold"
    waits = item.status == "disagreed" and may_be_asked(item, user, reviews)
    open_votes = compared and not audits and not waits
    visible = sorted(reviews, key=lambda row: row.reviewer_id != user.id) if open_votes else []
    proposals = proposals_of_item(connection, item_id) if open_votes else []
    discussion = messages_of_item(connection, item_id) if open_votes else []
    if decides:
        order = [row.reviewer_id for row in visible]
        visible = _anonymize(visible, order)
        proposals, discussion = _anonymize(proposals, order), _anonymize(discussion, order)
    exchange = exchange_by_id(connection, item.exchange_id)
    return ItemView(
        id=item_id,
        batch_id=item.batch_id,
        model=item.model,
        state=_state(item, own, audits=audits),
        revision=item.revision,
        task_type=item.task_type,
        taxonomy_version=item.taxonomy_version,
        messages=exchange.messages,
        response=exchange.response,
        truncated=exchange.truncated,
        draft=lease.draft if lease else {},
        lease_until=lease.expires_at if lease else None,
        own_review=own,
        reviews=tuple(visible),
        reasons=tuple(reasons_to_disagree(visible[0], visible[1])) if visible else (),
        proposals=tuple(proposals),
        discussion=tuple(discussion),
        decisions=tuple(gold_history(connection, item_id)) if open_votes else (),
        reopened_reason=(item.reopened_reason or "") if open_votes else "",
        flag_reason=(item.excluded_reason or "") if leads else "",
        may_decide=decides,
        may_reopen=may_reopen(item, user) and item.status == "gold" and open_votes,
        may_settle_flag=may_settle_flag(item, user) and item.status == "flagged",
    )


def _state(item: ItemRow, own: ReviewRow | None, *, audits: bool) -> str:
    if item.status == "queued":
        return "submitted" if own else "open"
    return "audit" if audits else item.status


def _anonymize(rows: Sequence[AuthoredRow], order: Sequence[int]) -> list[AuthoredRow]:
    """Replace the reviewers' names by ordinals, so that names don't influence the decision.

    Their ids become negative, so that no user's id equals one of them.
    """
    places = {reviewer_id: place for place, reviewer_id in enumerate(order)}
    return [
        replace(row, reviewer_id=-1 - place, reviewer=ORDINALS[place])
        for row in rows
        for place in [places[row.reviewer_id]]
    ]
