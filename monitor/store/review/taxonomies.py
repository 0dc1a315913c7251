"""Queries of the versions of the task taxonomy, and of their publications."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Select, func, insert, select
from sqlalchemy.exc import IntegrityError

from monitor.store.rows import columns_of, insert_row, read_row, read_rows
from monitor.store.tables import (
    Exchange,
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


def publications_of(connection: Connection, model: str) -> list[PublicationRow]:
    """Return the publications of a model, the newest first."""
    statement = _publications(model).order_by(TaxonomyPublication.number.desc())
    return read_rows(connection, PublicationRow, statement)


def _publications(model: str) -> Select[tuple[object, ...]]:
    return select(*columns_of(PublicationRow, TaxonomyPublication)).where(
        TaxonomyPublication.model == model
    )


def open_items_by_task_type(
    connection: Connection, model: str, task_types: Collection[str]
) -> dict[str, int]:
    """Return the numbers of items of a model that nobody has decided yet, by task type."""
    statement = (
        select(ReviewItem.task_type, func.count())
        .join(ReviewBatch, ReviewBatch.id == ReviewItem.batch_id)
        .where(
            ReviewBatch.model == model,
            ReviewItem.status.in_(OPEN),
            ReviewItem.task_type.in_(sorted(task_types)),
        )
        .group_by(ReviewItem.task_type)
    )
    return {row[0]: int(row[1]) for row in connection.execute(statement)}


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
