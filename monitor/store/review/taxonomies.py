"""Queries of the versions of the task taxonomy, and of their publications."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    String,
    and_,
    bindparam,
    case,
    cast,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from monitor.store.assignments import is_live
from monitor.store.rows import columns_of, insert_row, read_row, read_rows
from monitor.store.tables import (
    Exchange,
    Review,
    ReviewAssignment,
    ReviewBatch,
    ReviewItem,
    TaxonomyPublication,
    TaxonomyVersion,
)

#: Statuses of items on which somebody still decides.
OPEN = ("queued", "disagreed", "adjudication", "flagged")


@dataclass(frozen=True)
class PublicationRow:
    """A version of the taxonomy that came into force for a model."""

    id: int
    model: str
    number: int
    version: str
    file_version: str
    text: str
    source: str
    published_by: str
    published_at: datetime


def save_taxonomy(connection: Connection, version: str, content: str) -> None:
    """Insert a version unless it is stored."""
    if taxonomy_content(connection, version) is not None:
        return
    try:
        with connection.begin_nested():
            connection.execute(insert(TaxonomyVersion).values(version=version, content=content))
    except IntegrityError:  # another replica inserted the same content at the same time
        return


def taxonomy_content(connection: Connection, version: str) -> str | None:
    """Return the canonical JSON of a version, or ``None``."""
    statement = select(TaxonomyVersion.content).where(TaxonomyVersion.version == version)
    return connection.execute(statement).scalar_one_or_none()


def insert_publication(
    connection: Connection,
    model: str,
    number: int,
    *,
    version: str,
    file_version: str,
    text: str,
    source: str,
    published_by: str,
    published_at: datetime,
) -> bool:
    """Insert a publication; ``False`` where another transaction has taken its number."""
    try:
        with connection.begin_nested():
            insert_row(
                connection,
                TaxonomyPublication,
                model=model,
                number=number,
                version=version,
                file_version=file_version,
                text=text,
                source=source,
                published_by=published_by,
                published_at=published_at,
            )
    except IntegrityError:
        return False
    return True


def latest_publication(connection: Connection, model: str) -> PublicationRow | None:
    """Return the publication of a model with the highest number, or ``None``."""
    statement = _publications(model).order_by(TaxonomyPublication.number.desc()).limit(1)
    return read_row(connection, PublicationRow, statement)


def publication_by_number(connection: Connection, model: str, number: int) -> PublicationRow | None:
    """Return a publication of a model, or ``None``."""
    statement = _publications(model).where(TaxonomyPublication.number == number)
    return read_row(connection, PublicationRow, statement)


_NUMBERS = select(
    func.max(
        case((TaxonomyPublication.version == bindparam("version"), TaxonomyPublication.number))
    ),
    func.max(TaxonomyPublication.number),
).where(TaxonomyPublication.model == bindparam("model"))


def version_numbers(
    connection: Connection, model: str, version: str
) -> tuple[int | None, int | None]:
    """Return the number of a version's latest publication, and that of the one in force."""
    values = {"model": model, "version": version}
    number, latest = connection.execute(_NUMBERS, values).one()
    return number, latest


def publications_of(connection: Connection, model: str) -> list[PublicationRow]:
    """Return the publications of a model, the newest first."""
    statement = _publications(model).order_by(TaxonomyPublication.number.desc())
    return read_rows(connection, PublicationRow, statement)


def _publications(model: str) -> Select[tuple[object, ...]]:
    return select(*columns_of(PublicationRow, TaxonomyPublication)).where(
        TaxonomyPublication.model == model
    )


def open_items_by_task_type(
    connection: Connection, model: str, task_types: Collection[str], now: datetime
) -> dict[str, tuple[int, int]]:
    """Return the numbers of a model's undecided items by task type: all, and those not begun."""
    not_begun = func.count(case((_is_not_begun(now), ReviewItem.id)))
    statement = (
        select(ReviewItem.task_type, func.count(), not_begun)
        .join(ReviewBatch, ReviewBatch.id == ReviewItem.batch_id)
        .where(
            ReviewBatch.model == model,
            ReviewItem.status.in_(OPEN),
            ReviewItem.task_type.in_(sorted(task_types)),
        )
        .group_by(ReviewItem.task_type)
    )
    return {row[0]: (int(row[1]), int(row[2])) for row in connection.execute(statement)}


def move_items(connection: Connection, model: str, version: str, now: datetime) -> None:
    """Put a model's items that nobody has begun under a version.

    The others keep theirs, so that both reviews of an item are made under one version. An item that
    is being claimed is skipped, and keeps its own too.
    """
    not_begun = (
        select(ReviewItem.id)
        .join(ReviewBatch, ReviewBatch.id == ReviewItem.batch_id)
        .where(
            ReviewBatch.model == model, ReviewItem.taxonomy_version != version, _is_not_begun(now)
        )
        .with_for_update(skip_locked=True, of=ReviewItem)
    )
    statement = update(ReviewItem).where(ReviewItem.id.in_(not_begun))
    connection.execute(statement.values(taxonomy_version=version))


def _is_not_begun(now: datetime) -> ColumnElement[bool]:
    """Return the condition that nobody has reviewed, drafted or at this time claimed an item."""
    was_queued = and_(ReviewItem.status == "flagged", ReviewItem.status_before_flag == "queued")
    has_draft = cast(ReviewAssignment.draft, String) != "{}"
    is_begun = or_(
        exists().where(Review.item_id == ReviewItem.id),
        exists().where(
            ReviewAssignment.item_id == ReviewItem.id,
            or_(has_draft, is_live(ReviewAssignment, now)),
        ),
    )
    return and_(or_(ReviewItem.status == "queued", was_queued), ~is_begun)


def task_types_queued(connection: Connection, model: str) -> list[str]:
    """Return the task types of a model's review items."""
    statement = (
        select(ReviewItem.task_type)
        .join(ReviewBatch, ReviewBatch.id == ReviewItem.batch_id)
        .where(ReviewBatch.model == model)
        .distinct()
    )
    return sorted(name for name in connection.execute(statement).scalars() if name)


def task_types_seen(connection: Connection, model: str) -> list[str]:
    """Return the task types in a model's stored traffic."""
    statement = select(Exchange.task_type).where(Exchange.model == model).distinct()
    return sorted(name for name in connection.execute(statement).scalars() if name)


def versions_with_prefix(connection: Connection, beginning: str) -> list[str]:
    """Return the stored versions with a prefix."""
    statement = select(TaxonomyVersion.version).where(
        TaxonomyVersion.version.startswith(beginning, autoescape=True)
    )
    return sorted(connection.execute(statement).scalars())
