"""Studies and their items; whose an answer is lies apart, in :mod:`monitor.store.human_evaluation.keys`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, exists, insert, select

from monitor.errors import NotFoundError
from monitor.store.tables import HumanStudy, ModelVersion, StudyAnswer, StudyItem


@dataclass(frozen=True)
class StudyRow:
    """A study. ``results`` and ``measured_at`` come after the lock."""

    id: int
    version_id: int
    #: ``None``: of an earlier version of driftwarden, and no evaluation is known.
    evaluation_id: int | None
    model: str
    version: int
    #: ``open``, ``locked`` or ``cancelled``.
    status: str
    sample_size: int
    n_available: int
    reviewers: int
    scale_lowest: int
    scale_highest: int
    dimensions: list[str]
    opened_at: datetime
    locked_at: datetime | None
    locked_by: int | None
    cancelled_at: datetime | None
    results: dict[str, Any] | None
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
class StudyItemRow:
    """An item of a study, without its answers."""

    id: int
    study_id: int
    number: int
    benchmark: str
    item_id: str
    task_type: str
    messages: list[dict[str, str]]


@dataclass(frozen=True)
class AnswerRow:
    """A text to rate; the row says nothing of whose it is."""

    id: int
    item_id: int
    text: str


_ITEM = (
    StudyItem.id,
    StudyItem.study_id,
    StudyItem.number,
    StudyItem.benchmark,
    StudyItem.item_id,
    StudyItem.task_type,
    StudyItem.messages,
)


def insert_study(connection: Connection, **values: Any) -> int:
    """Insert a study and return its id; a second one of an evaluation: ``IntegrityError``."""
    statement = insert(HumanStudy).values(**values).returning(HumanStudy.id)
    return int(connection.execute(statement).scalar_one())


def insert_item(connection: Connection, **values: Any) -> int:
    """Insert an item and return its id."""
    statement = insert(StudyItem).values(**values).returning(StudyItem.id)
    return int(connection.execute(statement).scalar_one())


def insert_answer(connection: Connection, item_id: int, text: str) -> int:
    """Insert an answer and return its id."""
    statement = insert(StudyAnswer).values(item_id=item_id, text=text).returning(StudyAnswer.id)
    return int(connection.execute(statement).scalar_one())


def study_by_id(connection: Connection, study_id: int, *, lock: bool = False) -> StudyRow:
    """Return a study; with ``lock``, nobody else changes it until the transaction ends.

    Raises:
        NotFoundError: There is none of that id.
    """
    statement = _studies().where(HumanStudy.id == study_id)
    if lock:
        statement = statement.with_for_update(of=HumanStudy)
    row = connection.execute(statement).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no study {study_id}")
    return StudyRow(*row)


def study_of_evaluation(connection: Connection, evaluation_id: int) -> StudyRow | None:
    """Return the study of an evaluation, if there is one."""
    theirs = _studies().where(HumanStudy.evaluation_id == evaluation_id)
    row = connection.execute(theirs).one_or_none()
    return StudyRow(*row) if row else None


def list_studies(connection: Connection) -> list[StudyRow]:
    """Return all studies, the newest first."""
    return [StudyRow(*row) for row in connection.execute(_studies().order_by(HumanStudy.id.desc()))]


def unmeasured_studies(connection: Connection) -> list[StudyRow]:
    """Return the studies that were locked, and whose figures aren't worked out yet."""
    due = _studies().where(HumanStudy.status == "locked", HumanStudy.measured_at.is_(None))
    return [StudyRow(*row) for row in connection.execute(due.order_by(HumanStudy.id))]


def is_under_study(connection: Connection, version_id: int) -> bool:
    """Return whether people rate a version's answers now, for whichever of its evaluations."""
    rated = exists().where(HumanStudy.version_id == version_id, HumanStudy.status == "open")
    return bool(connection.execute(select(rated)).scalar_one())


def models_under_study(connection: Connection) -> frozenset[str]:
    """Return the models of which a study is open: figures of their versions may tell them apart."""
    statement = (
        select(ModelVersion.model)
        .join(HumanStudy, HumanStudy.version_id == ModelVersion.id)
        .where(HumanStudy.status == "open")
    )
    return frozenset(connection.execute(statement).scalars())


def open_study_item_ids(connection: Connection, model: str) -> frozenset[tuple[str, str]]:
    """Return the items of a model's open studies, as (benchmark, id): their answers are withheld.

    A page that shows a system's answer to one of them would tell a reviewer whose it is.
    """
    statement = (
        select(StudyItem.benchmark, StudyItem.item_id)
        .join(HumanStudy, HumanStudy.id == StudyItem.study_id)
        .join(ModelVersion, ModelVersion.id == HumanStudy.version_id)
        .where(HumanStudy.status == "open", ModelVersion.model == model)
    )
    return frozenset((row.benchmark, row.item_id) for row in connection.execute(statement))


def secret_of(connection: Connection, study_id: int) -> bytes:
    """Return what orders a study's answers. Never show it, nor anything that it leads to."""
    statement = select(HumanStudy.secret).where(HumanStudy.id == study_id)
    return bytes(connection.execute(statement).scalar_one())


def items_of(connection: Connection, study_id: int) -> list[StudyItemRow]:
    """Return a study's items in the order in which they are given out."""
    statement = select(*_ITEM).where(StudyItem.study_id == study_id).order_by(StudyItem.number)
    return [StudyItemRow(*row) for row in connection.execute(statement)]


def item_by_number(
    connection: Connection, study_id: int, number: int, *, lock: bool = False
) -> StudyItemRow:
    """Return an item of a study; with ``lock``, nobody else takes it until the transaction ends.

    Raises:
        NotFoundError: There is none of that number.
    """
    statement = select(*_ITEM).where(StudyItem.study_id == study_id, StudyItem.number == number)
    row = connection.execute(statement.with_for_update() if lock else statement).one_or_none()
    if row is None:
        raise NotFoundError(f"study {study_id} has no item {number}")
    return StudyItemRow(*row)


def answers_of(connection: Connection, item_ids: Sequence[int]) -> list[AnswerRow]:
    """Return the answers to items, in an order that says nothing."""
    statement = select(StudyAnswer.id, StudyAnswer.item_id, StudyAnswer.text).where(
        StudyAnswer.item_id.in_(item_ids)
    )
    return [AnswerRow(*row) for row in connection.execute(statement.order_by(StudyAnswer.id))]


def _studies() -> Select[*tuple[Any, ...]]:
    return select(
        HumanStudy.id,
        HumanStudy.version_id,
        HumanStudy.evaluation_id,
        ModelVersion.model,
        ModelVersion.version,
        HumanStudy.status,
        HumanStudy.sample_size,
        HumanStudy.n_available,
        HumanStudy.reviewers,
        HumanStudy.scale_lowest,
        HumanStudy.scale_highest,
        HumanStudy.dimensions,
        HumanStudy.opened_at,
        HumanStudy.locked_at,
        HumanStudy.locked_by,
        HumanStudy.cancelled_at,
        HumanStudy.results,
        HumanStudy.measured_at,
    ).join(ModelVersion, ModelVersion.id == HumanStudy.version_id)
