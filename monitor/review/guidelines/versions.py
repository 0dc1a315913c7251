"""Stored versions of the taxonomy, and the one in force for a model.

The latest publication is in force, also for the items queued before that nobody has begun. The
configured file makes a publication of its own whenever its content differs from what it had at the
latest one, so a version from the page stays in force until the file changes or somebody publishes
again.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog
from sqlalchemy import Connection

from monitor.errors import TaxonomyError, WorkflowError
from monitor.review.guidelines.loader import load_taxonomy
from monitor.review.guidelines.taxonomy import Taxonomy, from_canonical
from monitor.review.guidelines.writer import as_markdown
from monitor.settings import Review
from monitor.store.audit_log import SYSTEM, append_entry
from monitor.store.review import taxonomies
from monitor.store.review.taxonomies import PublicationRow

log = structlog.get_logger()


@dataclass(frozen=True)
class TaxonomyInForce:
    """The taxonomy in force for a model."""

    #: ``None``: there is none.
    taxonomy: Taxonomy | None
    #: Its Markdown; empty without one.
    text: str
    #: The latest publication; ``None``: there is none yet.
    latest: PublicationRow | None
    #: Version of the configured file; empty where none is configured, or it has problems.
    file_version: str
    #: Whether the file has changed since the latest publication, which it follows.
    is_new_file: bool = False

    @property
    def version(self) -> str:
        """The version as stored, or to be stored; empty without a taxonomy."""
        if self.taxonomy is None:
            return ""
        if self.is_new_file or self.latest is None:
            return self.taxonomy.version
        return self.latest.version

    @property
    def number(self) -> int:
        """The number of its publication; 0 without one."""
        return 0 if self.latest is None else self.latest.number

    @property
    def base(self) -> str:
        """Base of an edit, which is refused once another version is in force."""
        return f"{self.number}:{self.version}"


def taxonomy_in_force(connection: Connection, review: Review, model: str) -> TaxonomyInForce:
    """Return the taxonomy in force for a model; nothing is written.

    If the file has problems, they are logged and the version before stays in force: a mistake in
    the guidelines must not stop the daemon.
    """
    latest = taxonomies.latest_publication(connection, model)
    file = _load(review)
    file_version = "" if file is None else file.version
    if file is not None and (latest is None or file_version != latest.file_version):
        text = text_of(Path(review.taxonomy), file)
        return TaxonomyInForce(file, text, latest, file_version, is_new_file=True)
    if latest is None:
        return TaxonomyInForce(None, "", None, file_version)
    stored = taxonomy_by_version(connection, latest.version)
    return TaxonomyInForce(stored, latest.text, latest, file_version)


def store_current_taxonomy(
    connection: Connection, review: Review, model: str, now: datetime
) -> str:
    """Publish the configured file if it has changed; return the version in force, maybe empty."""
    current = taxonomy_in_force(connection, review, model)
    if current.is_new_file and current.taxonomy is not None:
        # Where another replica was faster, it has published the same file.
        _insert(connection, model, current, current.taxonomy, current.text, "file", "", now)
    return current.version


def publish_taxonomy(
    connection: Connection,
    review: Review,
    model: str,
    taxonomy: Taxonomy,
    text: str,
    *,
    source: str,
    by: str,
    now: datetime,
    base: str | None = None,
) -> int:
    """Bring a taxonomy without problems into force; return the number of its publication.

    ``base`` is that of the taxonomy which was edited; ``None``: whatever is in force. A text that
    is in force already is not published again.

    Raises:
        WorkflowError: Another version has come into force meanwhile.
    """
    current = taxonomy_in_force(connection, review, model)
    if base is not None and base != current.base:
        raise _changed(current)
    store_current_taxonomy(connection, review, model, now)
    current = taxonomy_in_force(connection, review, model)
    if taxonomy.version == current.version and text == current.text:
        return current.number
    if not _insert(connection, model, current, taxonomy, text, source, by, now):
        raise _changed(current)
    return current.number + 1


def task_types_in_force(connection: Connection, review: Review, model: str) -> tuple[str, ...]:
    """Return the task types of the taxonomy in force; none without one."""
    taxonomy = taxonomy_in_force(connection, review, model).taxonomy
    return () if taxonomy is None else tuple(sorted(taxonomy.task_types))


def taxonomy_by_version(connection: Connection, version: str) -> Taxonomy | None:
    """Return the taxonomy of a version; ``None`` if it isn't stored."""
    content = taxonomies.taxonomy_content(connection, version) if version else None
    return None if content is None else from_canonical(content)


def has_scores(connection: Connection, version: str, task_type: str) -> bool:
    """Return whether reviews of a task type have scores under a version of the taxonomy."""
    taxonomy = taxonomy_by_version(connection, version)
    declared = None if taxonomy is None else taxonomy.task_types.get(task_type)
    return declared is None or declared.has_scores


def _changed(current: TaxonomyInForce) -> WorkflowError:
    return WorkflowError(
        f"the guidelines have changed since this edit began: version {current.number} is in force; "
        "compare both, then publish again",
        code="guidelines_changed",
    )


def _insert(  # noqa: PLR0917 - the parts of a publication
    connection: Connection,
    model: str,
    current: TaxonomyInForce,
    taxonomy: Taxonomy,
    text: str,
    source: str,
    by: str,
    now: datetime,
) -> bool:
    taxonomies.save_taxonomy(connection, taxonomy.version, taxonomy.canonical())
    number = current.number + 1
    # While the file has problems, its last version without them counts.
    before = "" if current.latest is None else current.latest.file_version
    inserted = taxonomies.insert_publication(
        connection,
        model,
        number,
        version=taxonomy.version,
        file_version=current.file_version or before,
        text=text,
        source=source,
        published_by=by,
        published_at=now,
    )
    if inserted:
        taxonomies.move_items(connection, model, taxonomy.version, now)
    if inserted and source != "file":
        details = {"number": number, "version": taxonomy.version, "source": source}
        append_entry(connection, now, by or SYSTEM, "taxonomy_published", f"model:{model}", details)
    return inserted


def _load(review: Review) -> Taxonomy | None:
    """Return the configured taxonomy; ``None`` without one, or if it has problems, logged."""
    if not review.taxonomy:
        return None
    try:
        return load_taxonomy(Path(review.taxonomy))
    except TaxonomyError as error:
        log.error("taxonomy_broken", path=review.taxonomy, problems=str(error))  # noqa: TRY400
        return None


def text_of(path: Path, taxonomy: Taxonomy) -> str:
    """Return the Markdown of a file; that of a folder as one file."""
    if path.is_dir():
        return as_markdown(taxonomy)
    return path.read_text(encoding="utf-8-sig")
