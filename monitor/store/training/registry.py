"""Queries of the model registry: versions, stages and scores."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, text

from monitor.errors import NotFoundError
from monitor.store.model_sets import Models, of_models
from monitor.store.rows import columns_of, insert_row, read_row, read_rows, update_row
from monitor.store.tables import ModelScore, ModelVersion, StageChange
from monitor.store.training.registry_mirrors import count_registry_change
from monitor.store.training.weights_change import WeightsChange
from monitor.store.training.weights_identity import WeightsIdentity

#: Class of the PostgreSQL locks that serialize changes of a model's versions.
ADVISORY_LOCK = 0x6477_6D76


@dataclass(frozen=True)
class VersionRow:
    """A version of a model."""

    id: int
    model: str
    version: int
    #: ``candidate``, ``canary``, ``production``, ``archived`` or ``rejected``.
    stage: str
    parent_id: int | None
    training_run_id: int | None
    adapter_path: str
    adapter_digest: str
    lineage: dict[str, Any]
    created_at: datetime
    #: Digests and file states of all that acts; ``None``: not recorded.
    identity: WeightsIdentity | None = None
    #: What the newest comparison with it found; ``None``: no difference.
    weights_change: WeightsChange | None = None


_COLUMNS = columns_of(VersionRow, ModelVersion)


@dataclass(frozen=True)
class ScoreRow:
    """The score of a version on a stratum of a benchmark."""

    benchmark: str
    stratum: str
    metric: str
    value: float
    lower: float
    upper: float
    n: int


@dataclass(frozen=True)
class StageChangeRow:
    """A change of a version's stage."""

    from_stage: str
    to_stage: str
    changed_by: str
    reason: str
    changed_at: datetime


def insert_version(
    connection: Connection,
    *,
    model: str,
    stage: str,
    parent_id: int | None,
    training_run_id: int | None,
    adapter_path: str,
    adapter_digest: str,
    lineage: dict[str, Any],
    created_at: datetime,
    identity: WeightsIdentity | None = None,
) -> int:
    """Insert the next version of a model and return its id."""
    highest = select(func.max(ModelVersion.version)).where(ModelVersion.model == model)
    lock_model(connection, model)
    count_registry_change(connection, model)
    return insert_row(
        connection,
        ModelVersion,
        model=model,
        version=select(func.coalesce(highest.scalar_subquery(), 0) + 1).scalar_subquery(),
        stage=stage,
        parent_id=parent_id,
        training_run_id=training_run_id,
        adapter_path=adapter_path,
        adapter_digest=adapter_digest,
        lineage=lineage,
        created_at=created_at,
        identity=identity,
    )


def lock_model(connection: Connection, model: str) -> None:
    """Lock a model's versions and review batches against changes until the transaction ends.

    Call it before anything that others wait for, such as an audit entry.
    """
    if connection.dialect.name == "postgresql":  # SQLite's transactions are exclusive anyway
        statement = text("SELECT pg_advisory_xact_lock(:key, hashtext(:model))")
        connection.execute(statement, {"key": ADVISORY_LOCK, "model": model})


def version_by_id(connection: Connection, version_id: int, *, lock: bool = False) -> VersionRow:
    """Return a version, or ``NotFoundError``; ``lock`` calls :func:`lock_model`."""
    statement = select(*_COLUMNS).where(ModelVersion.id == version_id)
    row = read_row(connection, VersionRow, statement)
    if row is None:
        raise NotFoundError(f"unknown model version: id {version_id}")
    if lock:
        lock_model(connection, row.model)
        return VersionRow(*connection.execute(statement).one())
    return row


def version_by_number(connection: Connection, model: str, version: int) -> VersionRow:
    """Return a model's version by its number, or ``NotFoundError``."""
    statement = select(*_COLUMNS).where(
        ModelVersion.model == model, ModelVersion.version == version
    )
    row = read_row(connection, VersionRow, statement)
    if row is None:
        raise NotFoundError(
            f"{model} has no version {version}; see the page Models, or `driftwarden models list`",
            code="unknown_version",
        )
    return row


def version_of_run(connection: Connection, training_run_id: int) -> VersionRow | None:
    """Return the version that a training run produced."""
    statement = select(*_COLUMNS).where(ModelVersion.training_run_id == training_run_id)
    return read_row(connection, VersionRow, statement)


def version_by_adapter_path(connection: Connection, model: str, place: str) -> VersionRow | None:
    """Return the newest version of a model with an adapter path."""
    statement = (
        select(*_COLUMNS)
        .where(ModelVersion.model == model, ModelVersion.adapter_path == place)
        .order_by(ModelVersion.id.desc())
        .limit(1)
    )
    return read_row(connection, VersionRow, statement)


def production_version(connection: Connection, model: str) -> VersionRow | None:
    """Return the version in production, or ``None``."""
    statement = select(*_COLUMNS).where(
        ModelVersion.model == model, ModelVersion.stage == "production"
    )
    return read_row(connection, VersionRow, statement)


def list_versions(connection: Connection, model: Models = None) -> list[VersionRow]:
    """Return versions, the newest first."""
    statement = select(*_COLUMNS).order_by(ModelVersion.model, ModelVersion.version.desc())
    statement = statement.where(*of_models(ModelVersion.model, model))
    return read_rows(connection, VersionRow, statement)


def add_lineage_note(connection: Connection, version_id: int, note: dict[str, Any]) -> None:
    """Add a note to a version's lineage that training rows were erased."""
    version = version_by_id(connection, version_id, lock=True)
    removed = [*version.lineage.get("removed", ()), note]
    _save_lineage(connection, version, version.lineage | {"removed": removed})


def add_lineage_taints(
    connection: Connection, version_id: int, notes: Sequence[dict[str, Any]]
) -> None:
    """Add notes to a version's lineage that it learned from erased end users, each once."""
    version = version_by_id(connection, version_id, lock=True)
    known = list(version.lineage.get("taints", ()))
    erasures = {note["erasure"] for note in known}
    for note in notes:
        if note["erasure"] not in erasures:
            known.append(note)
            erasures.add(note["erasure"])
    _save_lineage(connection, version, version.lineage | {"taints": known})


def save_identity(connection: Connection, version_id: int, identity: WeightsIdentity) -> None:
    """Store the digests and file states of a version's weights."""
    update_row(
        connection, ModelVersion, version_id, identity=identity, adapter_digest=identity.tensors
    )


def save_weights_change(
    connection: Connection, version_id: int, change: WeightsChange | None
) -> None:
    """Store what a comparison of a version's files with their record found."""
    update_row(connection, ModelVersion, version_id, weights_change=change)


def _save_lineage(connection: Connection, version: VersionRow, lineage: dict[str, Any]) -> None:
    count_registry_change(connection, version.model)
    update_row(connection, ModelVersion, version.id, lineage=lineage)


def set_stage(
    connection: Connection,
    version: VersionRow,
    stage: str,
    *,
    changed_by: str,
    reason: str,
    changed_at: datetime,
) -> None:
    """Set a version's stage, and record who changed it and why."""
    count_registry_change(connection, version.model)
    update_row(connection, ModelVersion, version.id, stage=stage)
    connection.execute(
        insert(StageChange).values(
            version_id=version.id,
            from_stage=version.stage,
            to_stage=stage,
            changed_by=changed_by,
            reason=reason,
            changed_at=changed_at,
        )
    )


def stage_changes(connection: Connection, version_id: int) -> list[StageChangeRow]:
    """Return the changes of a version's stage, the oldest first."""
    statement = (
        select(*columns_of(StageChangeRow, StageChange))
        .where(StageChange.version_id == version_id)
        .order_by(StageChange.id)
    )
    return read_rows(connection, StageChangeRow, statement)


def last_rejections(connection: Connection, models: Models = None) -> dict[int, StageChangeRow]:
    """Return the newest change to ``rejected`` of each version that is rejected, by its id."""
    statement = (
        select(StageChange.version_id, *columns_of(StageChangeRow, StageChange))
        .join(ModelVersion, StageChange.version_id == ModelVersion.id)
        .where(
            ModelVersion.stage == "rejected",
            StageChange.to_stage == "rejected",
            *of_models(ModelVersion.model, models),
        )
        .order_by(StageChange.id)
    )
    return {row[0]: StageChangeRow(*row[1:]) for row in connection.execute(statement)}


def previous_production(connection: Connection, model: str) -> VersionRow | None:
    """Return the version in production before the present one was first promoted.

    Reverting twice goes back two versions: a version that was just left is never returned to.
    """
    statement = (
        select(StageChange.version_id)
        .join(ModelVersion, StageChange.version_id == ModelVersion.id)
        .where(ModelVersion.model == model, StageChange.to_stage == "production")
        .order_by(StageChange.id)
    )
    trail: list[int] = []
    for version_id in connection.execute(statement).scalars():
        if version_id in trail:
            del trail[trail.index(version_id) :]
        trail.append(version_id)
    return version_by_id(connection, trail[-2]) if len(trail) > 1 else None


def save_scores(
    connection: Connection,
    version_id: int,
    benchmark: str,
    scores: Sequence[ScoreRow],
    measured_at: datetime,
) -> None:
    """Replace a version's scores on a benchmark."""
    model = version_by_id(connection, version_id, lock=True).model
    connection.execute(
        delete(ModelScore).where(
            ModelScore.version_id == version_id, ModelScore.benchmark == benchmark
        )
    )
    rows = [
        asdict(score)
        | {"version_id": version_id, "benchmark": benchmark, "measured_at": measured_at}
        for score in scores
    ]
    if rows:
        connection.execute(insert(ModelScore), rows)
    count_registry_change(connection, model)


def scores_of(connection: Connection, version_id: int) -> list[ScoreRow]:
    """Return a version's scores."""
    statement = (
        select(*columns_of(ScoreRow, ModelScore))
        .where(ModelScore.version_id == version_id)
        .order_by(ModelScore.benchmark, ModelScore.stratum, ModelScore.metric)
    )
    return read_rows(connection, ScoreRow, statement)
