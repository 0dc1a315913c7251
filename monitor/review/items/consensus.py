"""Outcome of two reviews: gold, possibly with an audit, or a disagreement."""

import hashlib
from datetime import datetime

from sqlalchemy import Connection

from monitor.review.items.states import Status
from monitor.review.items.verdicts import reasons_to_disagree
from monitor.store.review.audits import request_audit
from monitor.store.review.items import ItemRow, seed_of_batch
from monitor.store.review.reviews import insert_gold, reviews_of
from monitor.store.review.slots import REVIEWS_PER_ITEM


def reach_consensus(
    connection: Connection, item: ItemRow, now: datetime, audit_share: float
) -> Status:
    """Compare an item's reviews, store its gold if they agree, and return its next status.

    Different kinds of error, or different values of ``answerable``, are no disagreement: gold then
    has ``other`` and an empty value.
    """
    reviews = reviews_of(connection, [item.id])
    if len(reviews) < REVIEWS_PER_ITEM:
        return "queued"
    first, second = reviews
    if reasons_to_disagree(first, second):
        return "disagreed"
    insert_gold(
        connection,
        item.id,
        item.revision,
        now,
        verdict=first.verdict,
        response=first.corrected_response,
        error_kind=first.error_kind if first.error_kind == second.error_kind else "other",
        answerable=first.answerable if first.answerable == second.answerable else "",
        resolution="agreed",
    )
    if is_drawn_for_audit(item.id, seed_of_batch(connection, item.batch_id), audit_share):
        request_audit(connection, item.id, item.revision, now)
    return "gold"


def is_drawn_for_audit(item_id: int, seed: int, share: float) -> bool:
    """Return whether an agreed item is drawn for an audit.

    The draw is a hash of the item and its batch's seed: anybody can repeat it, and nobody can
    influence it by the time of a submission.
    """
    digest = hashlib.sha256(f"driftwarden.audit\n{seed}\n{item_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64
