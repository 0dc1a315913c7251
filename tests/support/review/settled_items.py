"""Settled items, inserted directly: two reviews and their outcome."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from monitor.review.decision.decisions import decide
from monitor.settings import Review
from monitor.store.review.decisions import DecisionRow
from monitor.store.review.items import ItemRow, items_of_batches, update_item
from monitor.store.review.reviews import insert_gold, insert_review
from tests.support.review.review_world import World

FIVE = {"accuracy": 5, "completeness": 5, "tone": 5, "compliance": 5}


@dataclass(frozen=True)
class Told:
    """Two reviews of an item, and its outcome."""

    first: str = "accept"
    second: str = "accept"
    gold: str | None = "accept"
    error_kind: str = ""
    answerable: str = ""


RIGHT = Told()
#: An error that training would mend, and one that retrieval would.
JUDGEMENT = Told("correct", "correct", "correct", "judgement", "needs_judgement")
KNOWLEDGE = Told("correct", "correct", "correct", "knowledge", "facts_missing")


def settle(
    connection: Connection,
    batch_id: int,
    reviewers: Sequence[int],
    message: Callable[[int, ItemRow], Told | None],
    now: datetime,
) -> None:
    """Insert reviews and gold for each item of a batch in queue order; ``None``: open."""
    for number, item in enumerate(items_of_batches(connection, [batch_id])):
        entry = message(number, item)
        if entry is None:
            continue
        for reviewer, verdict in zip(reviewers, (entry.first, entry.second), strict=True):
            wrong = verdict != "accept"
            insert_review(
                connection, item.id, reviewer, now,
                verdict=verdict, error_kind=entry.error_kind if wrong else "",
                answerable=entry.answerable if wrong else "", corrected_response="Right.",
                comment="", **FIVE,
            )  # fmt: skip
        if entry.gold is not None:
            insert_gold(
                connection, item.id, item.revision, now,
                verdict=entry.gold, response="Right.", error_kind=entry.error_kind,
                answerable=entry.answerable, resolution="agreed",
            )  # fmt: skip
            update_item(connection, item.id, status="gold")


def settle_to_retrain(connection: Connection, world: World, now: datetime) -> DecisionRow:
    """Settle the batch of a review world so that retraining is recommended; decide on it."""
    settle(
        connection, world.batch_id, (world.users["Ada"], world.users["Ben"]),
        lambda number, item: (
            JUDGEMENT if item.cluster is not None else (KNOWLEDGE if number < 3 else RIGHT)
        ), now,
    )  # fmt: skip
    return decide(connection, world.batch_id, Review(min_drifted_gold=3), now)
