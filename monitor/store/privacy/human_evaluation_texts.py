"""Queries of the texts of human evaluations, for erasure."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, update

from monitor.store.rows import update_row
from monitor.store.tables import (
    HumanEvaluationAssignment,
    HumanEvaluationItem,
    HumanEvaluationResponse,
)

#: Items searched in one transaction.
ITEMS_PER_SCAN = 100
REMOVED = "(removed)"


@dataclass(frozen=True)
class HumanEvaluationTexts:
    """All texts of an item of a human evaluation."""

    id: int
    item_id: str
    messages: list[dict[str, str]]
    responses: list[str]
    #: Comments, drafts and reasons of declining.
    notes: list[Any]

    def as_row(self) -> dict[str, Any]:
        """Return the texts as a row of a data set."""
        return {
            "id": self.item_id,
            "messages": self.messages,
            "responses": self.responses,
            "notes": self.notes,
        }


def human_evaluation_texts(connection: Connection, after_id: int) -> list[HumanEvaluationTexts]:
    """Return the next items after an id, in the order of their ids."""
    statement = (
        select(
            HumanEvaluationItem.id,
            HumanEvaluationItem.benchmark_item_id,
            HumanEvaluationItem.messages,
        )
        .where(HumanEvaluationItem.id > after_id)
        .order_by(HumanEvaluationItem.id)
        .limit(ITEMS_PER_SCAN)
    )
    items = connection.execute(statement).all()
    ids = [item.id for item in items]
    responses: dict[int, list[str]] = defaultdict(list)
    texts = select(HumanEvaluationResponse.item_id, HumanEvaluationResponse.text).where(
        HumanEvaluationResponse.item_id.in_(ids)
    )
    for item_id, text in connection.execute(texts):
        responses[item_id].append(text)
    notes: dict[int, list[Any]] = defaultdict(list)
    written = select(
        HumanEvaluationAssignment.item_id,
        HumanEvaluationAssignment.comment,
        HumanEvaluationAssignment.draft,
        HumanEvaluationAssignment.declined_reason,
    ).where(HumanEvaluationAssignment.item_id.in_(ids))
    for item_id, *written_texts in connection.execute(written):
        notes[item_id] += written_texts
    return [
        HumanEvaluationTexts(
            item.id, item.benchmark_item_id, item.messages, responses[item.id], notes[item.id]
        )
        for item in items
    ]


def remove_human_evaluation_texts(connection: Connection, item_id: int) -> None:
    """Remove the texts of an item; its ratings stay, which hold no text."""
    update_row(
        connection,
        HumanEvaluationItem,
        item_id,
        benchmark_item_id=f"removed {item_id}",
        messages=[{"role": "user", "content": REMOVED}],
    )
    connection.execute(
        update(HumanEvaluationResponse)
        .where(HumanEvaluationResponse.item_id == item_id)
        .values(text=REMOVED)
    )
    assignments = update(HumanEvaluationAssignment).where(
        HumanEvaluationAssignment.item_id == item_id
    )
    connection.execute(assignments.values(comment="", draft={}))
    declined = assignments.where(HumanEvaluationAssignment.declined_reason.is_not(None))
    connection.execute(declined.values(declined_reason=REMOVED))
