"""Stored versions of the taxonomy."""

from datetime import datetime
from pathlib import Path

import structlog
from sqlalchemy import Connection

from monitor.errors import TaxonomyError
from monitor.review.guidelines.loader import load_taxonomy
from monitor.review.guidelines.taxonomy import Taxonomy, from_canonical
from monitor.settings import Review
from monitor.store.review import taxonomies

log = structlog.get_logger()


def store_current_taxonomy(connection: Connection, review: Review, now: datetime) -> str:
    """Store the configured taxonomy as it is now, and return its version.

    If the file has problems, they are logged and the version before stays in force: a mistake in
    the guidelines must not stop the daemon. The version is empty if none is configured, or none was
    ever without problems.
    """
    if not review.taxonomy:
        return ""
    taxonomy = _load(review)
    if taxonomy is None:
        return taxonomies.current_taxonomy_version(connection) or ""
    taxonomies.save_taxonomy(connection, taxonomy.version, taxonomy.canonical(), now)
    return taxonomy.version


def configured_task_types(review: Review) -> tuple[str, ...]:
    """Return the task types of the configured taxonomy.

    There are none if no taxonomy is configured, or if the file has problems, which are logged.
    """
    taxonomy = _load(review) if review.taxonomy else None
    return () if taxonomy is None else tuple(sorted(taxonomy.task_types))


def _load(review: Review) -> Taxonomy | None:
    """Return the configured taxonomy; ``None`` if the file has problems, which are logged."""
    try:
        return load_taxonomy(Path(review.taxonomy))
    except TaxonomyError as error:
        log.error("taxonomy_broken", path=review.taxonomy, problems=str(error))  # noqa: TRY400
        return None


def taxonomy_by_version(connection: Connection, version: str) -> Taxonomy | None:
    """Return the taxonomy of a version; ``None`` if it isn't stored."""
    row = taxonomies.taxonomy_by_version(connection, version)
    return None if row is None else from_canonical(row.content)
