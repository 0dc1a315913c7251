"""Keys of human evaluations: the systems behind the responses, read only after the lock."""

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
    """The ratings that a rater gave a system's response, after the lock."""

    #: ``benchmark/id``, which is unique.
    item: str
    number: int
    task_type: str
    response_id: int
    system: str
    reviewer_id: int
    position: int
    scores: dict[str, int]


def insert_key(connection: Connection, response_id: int, systems: Iterable[str]) -> None:
    """Insert the systems of a response, several where their responses are identical."""
    rows = [{"response_id": response_id, "system": system} for system in systems]
    connection.execute(insert(HumanEvaluationKey), rows)


def systems_by_response(connection: Connection, human_evaluation_id: int) -> dict[int, list[str]]:
    """Return the systems of responses; ``WorkflowError`` unless the evaluation is locked."""
    _require_locked(connection, human_evaluation_id)
    statement = (
        select(HumanEvaluationKey.response_id, HumanEvaluationKey.system)
        .join(HumanEvaluationResponse, HumanEvaluationResponse.id == HumanEvaluationKey.response_id)
        .join(HumanEvaluationItem, HumanEvaluationItem.id == HumanEvaluationResponse.item_id)
        .where(HumanEvaluationItem.human_evaluation_id == human_evaluation_id)
        .order_by(HumanEvaluationKey.response_id, HumanEvaluationKey.system)
    )
    systems: dict[int, list[str]] = defaultdict(list)
    for response_id, system in connection.execute(statement):
        systems[response_id].append(system)
    return dict(systems)


def unblinded_ratings(connection: Connection, human_evaluation_id: int) -> list[UnblindedRating]:
    """Return all submitted ratings of a locked human evaluation by system.

    A response of several systems was rated once; its rating is returned once for each system.

    Raises:
        WorkflowError: The human evaluation is open or was cancelled.
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
        raise WorkflowError(
            "human evaluation cancelled: the systems behind its responses are never shown"
        )
    if status != "locked":
        raise WorkflowError(
            "human evaluation open: the systems behind its responses are shown after the lock"
        )
