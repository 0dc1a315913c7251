"""Queries of human evaluations and their items, without the key to the systems."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, exists, select

from monitor.errors import NotFoundError
from monitor.store.model_sets import Models, of_models
from monitor.store.rows import columns_of, insert_row, read_row, read_rows
from monitor.store.tables import (
    HumanEvaluation,
    HumanEvaluationItem,
    HumanEvaluationResponse,
    ModelVersion,
)
from monitor.store.training.candidate_results import HumanEvaluationResults


@dataclass(frozen=True)
class HumanEvaluationRow:
    """A human evaluation. ``results`` and ``measured_at`` are set after the lock."""

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
        """Whether it accepts ratings and is blind."""
        return self.status == "open"

    @property
    def is_locked(self) -> bool:
        """Whether the systems behind the responses may be shown; never after a cancellation."""
        return self.status == "locked"


@dataclass(frozen=True)
class HumanEvaluationItemRow:
    """An item of a human evaluation without its responses."""

    id: int
    human_evaluation_id: int
    number: int
    benchmark: str
    benchmark_item_id: str
    task_type: str
    messages: list[dict[str, str]]


@dataclass(frozen=True)
class ResponseRow:
    """A response to rate, without its system."""

    id: int
    item_id: int
    text: str


_ITEM = columns_of(HumanEvaluationItemRow, HumanEvaluationItem)


def insert_human_evaluation(connection: Connection, **values: Any) -> int:
    """Insert a human evaluation and return its id.

    A second one of a candidate evaluation raises ``IntegrityError``.
    """
    return insert_row(connection, HumanEvaluation, **values)


def insert_item(connection: Connection, **values: Any) -> int:
    """Insert an item and return its id."""
    return insert_row(connection, HumanEvaluationItem, **values)


def insert_response(connection: Connection, item_id: int, text: str) -> int:
    """Insert a response and return its id."""
    return insert_row(connection, HumanEvaluationResponse, item_id=item_id, text=text)


def human_evaluation_by_id(
    connection: Connection, human_evaluation_id: int, *, lock: bool = False
) -> HumanEvaluationRow:
    """Return a human evaluation, or ``NotFoundError``; with ``lock``, its row is locked."""
    statement = _human_evaluations().where(HumanEvaluation.id == human_evaluation_id)
    if lock:
        statement = statement.with_for_update(of=HumanEvaluation)
    row = read_row(connection, HumanEvaluationRow, statement)
    if row is None:
        raise NotFoundError(f"unknown human evaluation: {human_evaluation_id}")
    return row


def human_evaluation_of_candidate(
    connection: Connection, evaluation_id: int
) -> HumanEvaluationRow | None:
    """Return the human evaluation of a candidate evaluation, or ``None``."""
    theirs = _human_evaluations().where(HumanEvaluation.candidate_evaluation_id == evaluation_id)
    return read_row(connection, HumanEvaluationRow, theirs)


def list_human_evaluations(
    connection: Connection, models: Models = None
) -> list[HumanEvaluationRow]:
    """Return the human evaluations of some models or of all, the newest first."""
    theirs = _human_evaluations().where(*of_models(ModelVersion.model, models))
    return read_rows(connection, HumanEvaluationRow, theirs.order_by(HumanEvaluation.id.desc()))


def open_human_evaluations(connection: Connection) -> list[HumanEvaluationRow]:
    """Return the human evaluations that accept ratings, of all models."""
    statement = _human_evaluations().where(HumanEvaluation.status == "open")
    return read_rows(connection, HumanEvaluationRow, statement.order_by(HumanEvaluation.id))


def unscored_human_evaluations(connection: Connection) -> list[HumanEvaluationRow]:
    """Return the locked human evaluations without results."""
    due = _human_evaluations().where(
        HumanEvaluation.status == "locked", HumanEvaluation.measured_at.is_(None)
    )
    return read_rows(connection, HumanEvaluationRow, due.order_by(HumanEvaluation.id))


def is_under_human_evaluation(connection: Connection, version_id: int) -> bool:
    """Return whether responses of a version are being rated now."""
    rated = exists().where(
        HumanEvaluation.version_id == version_id, HumanEvaluation.status == "open"
    )
    return bool(connection.execute(select(rated)).scalar_one())


def models_under_human_evaluation(connection: Connection) -> frozenset[str]:
    """Return the models with an open human evaluation.

    Figures of their versions could identify the systems.
    """
    statement = (
        select(ModelVersion.model)
        .join(HumanEvaluation, HumanEvaluation.version_id == ModelVersion.id)
        .where(HumanEvaluation.status == "open")
    )
    return frozenset(connection.execute(statement).scalars())


def items_under_human_evaluation(connection: Connection, model: str) -> frozenset[tuple[str, str]]:
    """Return the items of a model's open human evaluations, as (benchmark, id).

    Their responses are withheld: a page that shows a system's response would unblind a rater.
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
    """Return the key of the order of items and responses. Never show it, nor anything derived."""
    statement = select(HumanEvaluation.secret).where(HumanEvaluation.id == human_evaluation_id)
    return bytes(connection.execute(statement).scalar_one())


def items_of(connection: Connection, human_evaluation_id: int) -> list[HumanEvaluationItemRow]:
    """Return the items of a human evaluation, in the order of assignment."""
    statement = (
        select(*_ITEM)
        .where(HumanEvaluationItem.human_evaluation_id == human_evaluation_id)
        .order_by(HumanEvaluationItem.number)
    )
    return read_rows(connection, HumanEvaluationItemRow, statement)


def item_by_number(
    connection: Connection, human_evaluation_id: int, number: int, *, lock: bool = False
) -> HumanEvaluationItemRow:
    """Return its item of a number, or ``NotFoundError``; with ``lock``, the row is locked."""
    statement = select(*_ITEM).where(
        HumanEvaluationItem.human_evaluation_id == human_evaluation_id,
        HumanEvaluationItem.number == number,
    )
    row = read_row(
        connection, HumanEvaluationItemRow, statement.with_for_update() if lock else statement
    )
    if row is None:
        raise NotFoundError(f"unknown item of human evaluation {human_evaluation_id}: {number}")
    return row


def responses_of(connection: Connection, item_ids: Sequence[int]) -> list[ResponseRow]:
    """Return the responses to items, in an order that reveals nothing."""
    statement = select(*columns_of(ResponseRow, HumanEvaluationResponse)).where(
        HumanEvaluationResponse.item_id.in_(item_ids)
    )
    return read_rows(connection, ResponseRow, statement.order_by(HumanEvaluationResponse.id))


def _human_evaluations() -> Select[*tuple[Any, ...]]:
    return select(*columns_of(HumanEvaluationRow, HumanEvaluation, ModelVersion)).join(
        ModelVersion, ModelVersion.id == HumanEvaluation.version_id
    )
