"""Where two reviewers disagree: they talk and propose the same, or a third person decides."""

from datetime import datetime, timedelta
from typing import Literal

import msgspec
from sqlalchemy import Connection

from monitor.errors import NotFoundError, WorkflowError
from monitor.review.verdicts import Judgement, check_judgement, normalise
from monitor.store.audit import append_entry
from monitor.store.exchanges import exchange_by_id
from monitor.store.review_items import ItemRow, item_by_id, set_item_status
from monitor.store.reviewers import ReviewerRow
from monitor.store.reviews import (
    disagreed_since,
    insert_gold,
    proposals_of,
    put_proposal,
    reviews_of,
)

#: A disagreement that lasts longer goes to an adjudicator.
DISCUSSION_TIME = timedelta(days=3)


class Ruling(Judgement, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An adjudicator's decision, with why one was needed."""

    cause: Literal["guide_gap", "reviewer_error", "ambiguous"]


def propose_resolution(
    connection: Connection,
    item_id: int,
    reviewer: ReviewerRow,
    judgement: Judgement,
    now: datetime,
) -> str:
    """Propose how to resolve a disagreement; return ``gold`` once both propose the same.

    The two first votes stay as they are.

    Raises:
        NotFoundError: The person isn't one of the item's two reviewers.
        WorkflowError: The item isn't disagreed on, or the proposal doesn't hold together.
    """
    item = _disagreed(connection, item_id, reviewer)
    response = exchange_by_id(connection, item.exchange_id).response
    checked = check_judgement(judgement, response)
    put_proposal(connection, item_id, reviewer.id, now, **msgspec.structs.asdict(checked))
    proposals = proposals_of(connection, item_id)
    same = {(p.verdict, p.error_kind, normalise(p.corrected_response)) for p in proposals}
    answers = {p.answerable for p in proposals}
    status = "disagreed"
    if len(proposals) == 2 and len(same) == 1:
        status = "gold"
        insert_gold(
            connection,
            item_id,
            now,
            verdict=checked.verdict,
            response=checked.corrected_response,
            error_kind=checked.error_kind,
            answerable=answers.pop() if len(answers) == 1 else "",
            resolution="discussed",
        )
        set_item_status(connection, item_id, "gold")
    details = {"verdict": judgement.verdict, "status": status}
    append_entry(connection, now, reviewer.name, "proposed", f"item:{item_id}", details=details)
    return status


def ask_for_adjudication(
    connection: Connection, item_id: int, reviewer: ReviewerRow, now: datetime
) -> None:
    """End the discussion without a result.

    Raises:
        NotFoundError: The person isn't one of the item's two reviewers.
        WorkflowError: The item isn't disagreed on.
    """
    _disagreed(connection, item_id, reviewer)
    set_item_status(connection, item_id, "adjudication")
    append_entry(connection, now, reviewer.name, "escalated", f"item:{item_id}")


def escalate_stale(connection: Connection, now: datetime) -> list[int]:
    """Send to adjudication what has been under discussion for too long."""
    stale = disagreed_since(connection, now - DISCUSSION_TIME)
    for item_id in stale:
        set_item_status(connection, item_id, "adjudication")
        append_entry(connection, now, "driftwarden", "escalated", f"item:{item_id}")
    return stale


def adjudicate(
    connection: Connection, item_id: int, person: ReviewerRow, ruling: Ruling, now: datetime
) -> None:
    """Decide an item as somebody who reviewed it neither first nor second.

    Raises:
        NotFoundError: The person may not adjudicate, or reviewed the item.
        WorkflowError: The item isn't in adjudication, or the ruling doesn't hold together.
    """
    item = item_by_id(connection, item_id, lock=True)
    reviewers = {row.reviewer_id for row in reviews_of(connection, [item_id])}
    if not person.adjudicates or person.id in reviewers:
        raise NotFoundError(f"there is no item {item_id}")
    if item.status != "adjudication":
        if len(reviewers) < 2:  # blind still: not even its state is for others
            raise NotFoundError(f"there is no item {item_id}")
        raise WorkflowError(f"the item is {item.status}, not in adjudication")
    response = exchange_by_id(connection, item.exchange_id).response
    checked = check_judgement(ruling, response)
    insert_gold(
        connection,
        item_id,
        now,
        verdict=checked.verdict,
        response=checked.corrected_response,
        error_kind=checked.error_kind,
        answerable=checked.answerable,
        resolution="adjudicated",
        cause=checked.cause,
        decided_by=person.id,
    )
    set_item_status(connection, item_id, "gold")
    details = {"verdict": ruling.verdict, "cause": ruling.cause, "comment": ruling.comment}
    append_entry(connection, now, person.name, "adjudicated", f"item:{item_id}", details=details)


def _disagreed(connection: Connection, item_id: int, reviewer: ReviewerRow) -> ItemRow:
    item = item_by_id(connection, item_id, lock=True)
    reviewers = {row.reviewer_id for row in reviews_of(connection, [item_id])}
    if reviewer.id not in reviewers:
        raise NotFoundError(f"there is no item {item_id}")
    if item.status != "disagreed":
        raise WorkflowError("there is nothing to discuss: the item is not disagreed on")
    return item
