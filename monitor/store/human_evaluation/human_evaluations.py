"""Queries of human evaluations and their items, without the key to the systems."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, exists, insert, select

from monitor.errors import NotFoundError
from monitor.store.tables import (
    HumanEvaluation,
    HumanEvaluationItem,
    HumanEvaluationResponse,
    ModelVersion,
)
from monitor.store.training.candidate_results import HumanEvaluationResults


@dataclass(frozen=True)
class HumanEvaluationRow:
    """A study. ``results`` and ``measured_at`` come after the lock."""

    id: int
    version_id: int
    candidate_evaluation_id: int
    model: str
    version: int
    #: ``open``, ``locked`` or ``cancelled``.
    status: str
    sample_size: int
    n_available: int
    raters_per_item: int
    scale_min: int
    scale_max: int
    dimensions: list[str]
    opened_at: datetime
    locked_at: datetime | None
    locked_by_id: int | None
    cancelled_at: datetime | None
    results: HumanEvaluationResults | None
    measured_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether it is still rated, and blind."""
        return self.status == "open"

    @property
    def is_locked(self) -> bool:
        """Whether everybody may know whose each answer was; of a cancelled one nobody is told."""
        return self.status == "locked"


@dataclass(frozen=True)
class HumanEvaluationItemRow:
    """An item of a study, without its answers."""

    id: int
    human_evaluation_id: int
    number: int
    benchmark: str
    benchmark_item_id: str
    task_type: str
    messages: list[dict[str, str]]


@dataclass(frozen=True)
class ResponseRow:
    """A text to rate; the row says nothing of whose it is."""

    id: int
    item_id: int
    text: str


_ITEM = (
    HumanEvaluationItem.id,
    HumanEvaluationItem.human_evaluation_id,
    HumanEvaluationItem.number,
    HumanEvaluationItem.benchmark,
    HumanEvaluationItem.benchmark_item_id,
    HumanEvaluationItem.task_type,
    HumanEvaluationItem.messages,
)


def insert_human_evaluation(connection: Connection, **values: Any) -> int:
    """Insert a study and return its id; a second one of an evaluation: ``IntegrityError``."""
    statement = insert(HumanEvaluation).values(**values).returning(HumanEvaluation.id)
    return int(connection.execute(statement).scalar_one())


def insert_item(connection: Connection, **values: Any) -> int:
    """Insert an item and return its id."""
    statement = insert(HumanEvaluationItem).values(**values).returning(HumanEvaluationItem.id)
    return int(connection.execute(statement).scalar_one())


def insert_response(connection: Connection, item_id: int, text: str) -> int:
    """Insert an answer and return its id."""
    statement = (
        insert(HumanEvaluationResponse)
        .values(item_id=item_id, text=text)
        .returning(HumanEvaluationResponse.id)
    )
    return int(connection.execute(statement).scalar_one())


def human_evaluation_by_id(
    connection: Connection, human_evaluation_id: int, *, lock: bool = False
) -> HumanEvaluationRow:
    """Return a study; with ``lock``, nobody else changes it until the transaction ends.

    Raises:
        NotFoundError: There is none of that id.
    """
    statement = _studies().where(HumanEvaluation.id == human_evaluation_id)
    if lock:
        statement = statement.with_for_update(of=HumanEvaluation)
    row = connection.execute(statement).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no study {human_evaluation_id}")
    return HumanEvaluationRow(*row)


def human_evaluation_of_candidate(
    connection: Connection, evaluation_id: int
) -> HumanEvaluationRow | None:
    """Return the study of an evaluation, if there is one."""
    theirs = _studies().where(HumanEvaluation.candidate_evaluation_id == evaluation_id)
    row = connection.execute(theirs).one_or_none()
    return HumanEvaluationRow(*row) if row else None


def list_human_evaluations(connection: Connection) -> list[HumanEvaluationRow]:
    """Return all studies, the newest first."""
    return [
        HumanEvaluationRow(*row)
        for row in connection.execute(_studies().order_by(HumanEvaluation.id.desc()))
    ]


def unscored_human_evaluations(connection: Connection) -> list[HumanEvaluationRow]:
    """Return the studies that were locked, and whose figures aren't worked out yet."""
    due = _studies().where(
        HumanEvaluation.status == "locked", HumanEvaluation.measured_at.is_(None)
    )
    return [
        HumanEvaluationRow(*row) for row in connection.execute(due.order_by(HumanEvaluation.id))
    ]


def is_under_human_evaluation(connection: Connection, version_id: int) -> bool:
    """Return whether people rate a version's answers now, for whichever of its evaluations."""
    rated = exists().where(
        HumanEvaluation.version_id == version_id, HumanEvaluation.status == "open"
    )
    return bool(connection.execute(select(rated)).scalar_one())


def models_under_human_evaluation(connection: Connection) -> frozenset[str]:
    """Return the models of which a study is open: figures of their versions may tell them apart."""
    statement = (
        select(ModelVersion.model)
        .join(HumanEvaluation, HumanEvaluation.version_id == ModelVersion.id)
        .where(HumanEvaluation.status == "open")
    )
    return frozenset(connection.execute(statement).scalars())


def items_under_human_evaluation(connection: Connection, model: str) -> frozenset[tuple[str, str]]:
    """Return the items of a model's open studies, as (benchmark, id): their answers are withheld.

    A page that shows a system's answer to one of them would tell a reviewer whose it is.
    """
    statement = (
        select(HumanEvaluationItem.benchmark, HumanEvaluationItem.benchmark_item_id)
        .join(HumanEvaluation, HumanEvaluation.id == HumanEvaluationItem.human_evaluation_id)
        .join(ModelVersion, ModelVersion.id == HumanEvaluation.version_id)
        .where(HumanEvaluation.status == "open", ModelVersion.model == model)
    )
    return frozenset(
        (row.benchmark, row.benchmark_item_id) for row in connection.execute(statement)
    )


def blinding_secret(connection: Connection, human_evaluation_id: int) -> bytes:
    """Return what orders a study's answers. Never show it, nor anything that it leads to."""
    statement = select(HumanEvaluation.secret).where(HumanEvaluation.id == human_evaluation_id)
    return bytes(connection.execute(statement).scalar_one())


def items_of(connection: Connection, human_evaluation_id: int) -> list[HumanEvaluationItemRow]:
    """Return a study's items in the order in which they are given out."""
    statement = (
        select(*_ITEM)
        .where(HumanEvaluationItem.human_evaluation_id == human_evaluation_id)
        .order_by(HumanEvaluationItem.number)
    )
    return [HumanEvaluationItemRow(*row) for row in connection.execute(statement)]


def item_by_number(
    connection: Connection, human_evaluation_id: int, number: int, *, lock: bool = False
) -> HumanEvaluationItemRow:
    """Return an item of a study; with ``lock``, nobody else takes it until the transaction ends.

    Raises:
        NotFoundError: There is none of that number.
    """
    statement = select(*_ITEM).where(
        HumanEvaluationItem.human_evaluation_id == human_evaluation_id,
        HumanEvaluationItem.number == number,
    )
    row = connection.execute(statement.with_for_update() if lock else statement).one_or_none()
    if row is None:
        raise NotFoundError(f"study {human_evaluation_id} has no item {number}")
    return HumanEvaluationItemRow(*row)


def responses_of(connection: Connection, item_ids: Sequence[int]) -> list[ResponseRow]:
    """Return the answers to items, in an order that says nothing."""
    statement = select(
        HumanEvaluationResponse.id, HumanEvaluationResponse.item_id, HumanEvaluationResponse.text
    ).where(HumanEvaluationResponse.item_id.in_(item_ids))
    return [
        ResponseRow(*row)
        for row in connection.execute(statement.order_by(HumanEvaluationResponse.id))
    ]


def _studies() -> Select[*tuple[Any, ...]]:
    return select(
        HumanEvaluation.id,
        HumanEvaluation.version_id,
        HumanEvaluation.candidate_evaluation_id,
        ModelVersion.model,
        ModelVersion.version,
        HumanEvaluation.status,
        HumanEvaluation.sample_size,
        HumanEvaluation.n_available,
        HumanEvaluation.raters_per_item,
        HumanEvaluation.scale_min,
        HumanEvaluation.scale_max,
        HumanEvaluation.dimensions,
        HumanEvaluation.opened_at,
        HumanEvaluation.locked_at,
        HumanEvaluation.locked_by_id,
        HumanEvaluation.cancelled_at,
        HumanEvaluation.results,
        HumanEvaluation.measured_at,
    ).join(ModelVersion, ModelVersion.id == HumanEvaluation.version_id)
