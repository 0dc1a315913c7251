"""Whose the answers of a study are. It can be written while a study opens, and read once locked."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from monitor.errors import WorkflowError
from monitor.store.tables import (
    HumanEvaluation,
    HumanEvaluationItem,
    HumanEvaluationKey,
    HumanEvaluationRating,
    HumanEvaluationResponse,
)


@dataclass(frozen=True)
class UnblindedRating:
    """What one person gave one system's answer to one item of a locked study."""

    #: ``benchmark/id``: no other benchmark's item is called the same.
    item: str
    number: int
    task_type: str
    response_id: int
    system: str
    reviewer_id: int
    position: int
    scores: dict[str, int]


def insert_key(connection: Connection, response_id: int, systems: Iterable[str]) -> None:
    """Keep whose an answer is: of more than one system where they answered in the same words."""
    rows = [{"response_id": response_id, "system": system} for system in systems]
    connection.execute(insert(HumanEvaluationKey), rows)


def systems_by_response(connection: Connection, human_evaluation_id: int) -> dict[int, list[str]]:
    """Return the systems of each answer of a locked study.

    Raises:
        WorkflowError: The study is open, or was cancelled: nobody may know.
    """
    _require_locked(connection, human_evaluation_id)
    statement = (
        select(HumanEvaluationKey.response_id, HumanEvaluationKey.system)
        .join(HumanEvaluationResponse, HumanEvaluationResponse.id == HumanEvaluationKey.response_id)
        .join(HumanEvaluationItem, HumanEvaluationItem.id == HumanEvaluationResponse.item_id)
        .where(HumanEvaluationItem.human_evaluation_id == human_evaluation_id)
        .order_by(HumanEvaluationKey.response_id, HumanEvaluationKey.system)
    )
    found: dict[int, list[str]] = defaultdict(list)
    for response_id, system in connection.execute(statement):
        found[response_id].append(system)
    return dict(found)


def unblinded_ratings(connection: Connection, human_evaluation_id: int) -> list[UnblindedRating]:
    """Return all submitted ratings of a locked study with the systems that they are of.

    A text that several systems gave was rated once; its rating is there once for each of them.

    Raises:
        WorkflowError: The study is open, or was cancelled: nobody may know.
    """
    _require_locked(connection, human_evaluation_id)
    statement = (
        select(
            HumanEvaluationItem.benchmark,
            HumanEvaluationItem.benchmark_item_id,
            HumanEvaluationItem.number,
            HumanEvaluationItem.task_type,
            HumanEvaluationResponse.id,
            HumanEvaluationKey.system,
            HumanEvaluationRating.reviewer_id,
            HumanEvaluationRating.position,
            HumanEvaluationRating.scores,
        )
        .join(HumanEvaluationResponse, HumanEvaluationResponse.item_id == HumanEvaluationItem.id)
        .join(HumanEvaluationKey, HumanEvaluationKey.response_id == HumanEvaluationResponse.id)
        .join(
            HumanEvaluationRating, HumanEvaluationRating.response_id == HumanEvaluationResponse.id
        )
        .where(HumanEvaluationItem.human_evaluation_id == human_evaluation_id)
        .order_by(
            HumanEvaluationItem.number, HumanEvaluationRating.reviewer_id, HumanEvaluationKey.system
        )
    )
    return [
        UnblindedRating(f"{benchmark}/{item_id}", *rest)
        for benchmark, item_id, *rest in connection.execute(statement)
    ]


def _require_locked(connection: Connection, human_evaluation_id: int) -> None:
    status = connection.execute(
        select(HumanEvaluation.status).where(HumanEvaluation.id == human_evaluation_id)
    ).scalar_one_or_none()
    if status == "cancelled":
        raise WorkflowError("the study was cancelled: whose an answer is, is never told")
    if status != "locked":
        raise WorkflowError("the study is open: whose an answer is, is told once it is locked")
