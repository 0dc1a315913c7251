"""Whose the answers of a study are. It can be written while a study opens, and read once locked."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from monitor.errors import WorkflowError
from monitor.store.tables import (
    HumanStudy,
    StudyAnswer,
    StudyItem,
    StudyKey,
    StudyRating,
)


@dataclass(frozen=True)
class RevealedRating:
    """What one person gave one system's answer to one item of a locked study."""

    #: ``benchmark/id``: no other benchmark's item is called the same.
    item: str
    number: int
    task_type: str
    answer_id: int
    system: str
    reviewer_id: int
    position: int
    scores: dict[str, int]


def insert_key(connection: Connection, answer_id: int, systems: Iterable[str]) -> None:
    """Keep whose an answer is: of more than one system where they answered in the same words."""
    rows = [{"answer_id": answer_id, "system": system} for system in systems]
    connection.execute(insert(StudyKey), rows)


def key_of(connection: Connection, study_id: int) -> dict[int, list[str]]:
    """Return the systems of each answer of a locked study.

    Raises:
        WorkflowError: The study is open, or was cancelled: nobody may know.
    """
    _require_locked(connection, study_id)
    statement = (
        select(StudyKey.answer_id, StudyKey.system)
        .join(StudyAnswer, StudyAnswer.id == StudyKey.answer_id)
        .join(StudyItem, StudyItem.id == StudyAnswer.item_id)
        .where(StudyItem.study_id == study_id)
        .order_by(StudyKey.answer_id, StudyKey.system)
    )
    found: dict[int, list[str]] = defaultdict(list)
    for answer_id, system in connection.execute(statement):
        found[answer_id].append(system)
    return dict(found)


def revealed_ratings(connection: Connection, study_id: int) -> list[RevealedRating]:
    """Return all submitted ratings of a locked study with the systems that they are of.

    A text that several systems gave was rated once; its rating is there once for each of them.

    Raises:
        WorkflowError: The study is open, or was cancelled: nobody may know.
    """
    _require_locked(connection, study_id)
    statement = (
        select(
            StudyItem.benchmark,
            StudyItem.item_id,
            StudyItem.number,
            StudyItem.task_type,
            StudyAnswer.id,
            StudyKey.system,
            StudyRating.reviewer_id,
            StudyRating.position,
            StudyRating.scores,
        )
        .join(StudyAnswer, StudyAnswer.item_id == StudyItem.id)
        .join(StudyKey, StudyKey.answer_id == StudyAnswer.id)
        .join(StudyRating, StudyRating.answer_id == StudyAnswer.id)
        .where(StudyItem.study_id == study_id)
        .order_by(StudyItem.number, StudyRating.reviewer_id, StudyKey.system)
    )
    return [
        RevealedRating(f"{benchmark}/{item_id}", *rest)
        for benchmark, item_id, *rest in connection.execute(statement)
    ]


def _require_locked(connection: Connection, study_id: int) -> None:
    status = connection.execute(
        select(HumanStudy.status).where(HumanStudy.id == study_id)
    ).scalar_one_or_none()
    if status == "cancelled":
        raise WorkflowError("the study was cancelled: whose an answer is, is never told")
    if status != "locked":
        raise WorkflowError("the study is open: whose an answer is, is told once it is locked")
