"""Queries of the versions of the task taxonomy."""

import contextlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from monitor.store.rows import columns_of, read_row
from monitor.store.tables import Exchange, TaxonomyVersion


@dataclass(frozen=True)
class TaxonomyRow:
    """A version of the taxonomy."""

    version: str
    #: Canonical JSON.
    content: str
    #: When it last came into force.
    in_force_at: datetime


def save_taxonomy(connection: Connection, version: str, content: str, now: datetime) -> None:
    """Insert a version, or record that it came into force again."""
    again = (
        update(TaxonomyVersion).where(TaxonomyVersion.version == version).values(in_force_at=now)
    )
    if connection.execute(again).rowcount:
        return
    new = insert(TaxonomyVersion).values(version=version, content=content, in_force_at=now)
    # Another replica may insert the same content at the same time.
    with contextlib.suppress(IntegrityError), connection.begin_nested():
        connection.execute(new)


def taxonomy_by_version(connection: Connection, version: str) -> TaxonomyRow | None:
    """Return a version, or ``None``."""
    statement = select(*columns_of(TaxonomyRow, TaxonomyVersion)).where(
        TaxonomyVersion.version == version
    )
    return read_row(connection, TaxonomyRow, statement)


def current_taxonomy_version(connection: Connection) -> str | None:
    """Return the version that came into force last."""
    statement = (
        select(TaxonomyVersion.version)
        .order_by(TaxonomyVersion.in_force_at.desc(), TaxonomyVersion.version)
        .limit(1)
    )
    return connection.execute(statement).scalar_one_or_none()


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
